/// Takes the configured secrets out of text that others composed: a provider's answer, libpq, a proxy.
///
///   const HiddenSecret hidden(key);                   // for as long as the key is in use
///   log(redact("Incorrect API key: " + key.reveal()));  // "Incorrect API key: ***"
///
/// What becomes `***`:
///   - every piece of a secret that is at least kPiece bytes long, in upper or lower case, as it is or in
///     base64, hex, percent-encoding or JSON escapes. So a secret may be cut anywhere, and what is left of it
///     goes all the same;
///   - a secret that has no such piece (it is shorter, or a word that everybody knows), where it stands whole
///     in a secret's place: `password=…`, `user:…@host`, `Bearer …`. Elsewhere it is a word like any other: a
///     password "o" or "postgres" is not searched for, since masking each "o" would tell what it is.
///
/// Words that everybody knows are those of kPublicWords and those that are shown beside the secret, such as
/// the database's user. A piece of such a word goes only where more of the secret stands around it: with the
/// key "embeddings-key", "embeddings" stays and "embeddings-k" goes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/secret.h"

namespace embedd {

/// Knows a set of secrets and finds them in text. Immutable.
class Redactor {
 public:
  /// The shortest piece that is searched for.
  static constexpr std::size_t kPiece = 8;

  /// `shown`: words that are no secrets, whatever the secrets hold.
  Redactor(const std::vector<Secret>& secrets, const std::vector<std::string>& shown);

  [[nodiscard]] std::string redact(std::string_view text) const;

 private:
  using Pieces = std::unordered_set<std::uint64_t>;  ///< each kPiece bytes, folded

  [[nodiscard]] bool has_own_piece(std::string_view secret) const;

  Pieces pieces_;              ///< of the secrets in all their forms
  Pieces public_;              ///< of words that everybody knows
  std::vector<Secret> words_;  ///< secrets without a piece of their own
};

/// While one lives, redact() hides its secret, in the whole process. Copies share the registration.
class HiddenSecret {
 public:
  HiddenSecret() = default;
  /// `shown`: what is shown beside it and is no secret, such as the user's name beside a password.
  explicit HiddenSecret(const Secret& secret, std::vector<std::string> shown = {});

 private:
  std::shared_ptr<const void> registration_;
};

/// `text` without any secret that is hidden at this moment. Thread-safe.
std::string redact(std::string_view text);

}  // namespace embedd
