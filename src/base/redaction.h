/// Masks the configured secrets in text that others wrote: a provider's answer, a message of libpq or a
/// proxy.
///
///   const HiddenSecret hidden(key);                   // for as long as the key is in use
///   log(redact("Incorrect API key: " + key.reveal()));  // "Incorrect API key: ***"
///
/// What becomes `***`:
///   - every piece of a secret that is at least kPiece bytes long, in upper or lower case, as it is or in
///     base64, hex, percent-encoding or JSON escapes. So the rest of a secret that was cut anywhere is masked
///     too;
///   - a secret that has no such piece (it is shorter, or a well-known word), if the whole secret stands in a
///     secret's place: `password=…`, `user:…@host`, `Bearer …`. Elsewhere the same letters are not masked:
///     with the password "o", masking each "o" would reveal the password.
///
/// Well-known words are those of kPublicWords and those that are shown beside the secret, such as the
/// database's user. A piece of such a word is masked only if more of the secret stands around it: with the
/// key "embeddings-key", "embeddings" stays and "embeddings-k" is masked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/secret.h"

namespace embedd {

/// Finds a set of secrets in text. Immutable.
class Redactor {
 public:
  /// The shortest piece that is searched for.
  static constexpr std::size_t kPiece = 8;

  /// `shown`: words that are no secrets, even if a secret contains them.
  Redactor(const std::vector<Secret>& secrets, const std::vector<std::string>& shown);

  [[nodiscard]] std::string redact(std::string_view text) const;

 private:
  using Pieces = std::unordered_set<std::uint64_t>;  ///< each kPiece bytes, folded

  [[nodiscard]] bool has_own_piece(std::string_view secret) const;

  Pieces pieces_;              ///< of the secrets in all their forms
  Pieces public_;              ///< of well-known words
  std::vector<Secret> words_;  ///< secrets without a piece of their own
};

/// While an object lives, redact() masks its secret, in the whole process. Copies share the registration.
class HiddenSecret {
 public:
  HiddenSecret() = default;
  /// `shown`: words that are shown beside the secret and are none, such as the user's name beside a password.
  explicit HiddenSecret(const Secret& secret, std::vector<std::string> shown = {});

 private:
  std::shared_ptr<const void> registration_;
};

/// `text` with all secrets masked that are hidden at this moment. Thread-safe.
std::string redact(std::string_view text);

}  // namespace embedd
