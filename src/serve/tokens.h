/// The bearer tokens that clients may show, and what each allows.
///
/// A client is one token of EMBEDD_API_TOKEN, or a table [token.NAME] of embedd.toml with all its tokens.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "search/request.h"

namespace embedd::serve {

/// What a client may do.
struct Rights {
  std::string name;                      ///< of [token.NAME]; empty: of EMBEDD_API_TOKEN, or no token
  std::vector<std::string> vectorizers;  ///< that may be searched; empty: all
  std::optional<search::Filter> filter;  ///< which rows are found
  int requests_per_minute = 0;           ///< 0: without a limit
  bool write = false;                    ///< may add traces
  bool dead_letters = false;             ///< may retry and purge them
  std::string contributor{};             ///< whose traces these are, for contributor_id; a uuid, or empty

  [[nodiscard]] bool may_use(std::string_view vectorizer) const;
  /// Why the client may not add traces; empty: the client may.
  [[nodiscard]] std::string read_only() const;
};

class Tokens {
 public:
  static constexpr std::size_t kLeast = 16;  ///< bytes of a token

  /// `text`: tokens with blanks between them, so that one can replace another; empty: none. Each is a client
  /// that may do everything. Errors: invalid_argument if a token is shorter than kLeast.
  static Result<Tokens> parse(const Secret& text);
  /// Adds one client, with one or more tokens in `text`. Errors: invalid_argument if there is no token, one
  /// is shorter than kLeast, or one is another client's too.
  Result<void> add(const Secret& text, Rights rights);

  [[nodiscard]] bool empty() const { return tokens_.empty(); }
  [[nodiscard]] std::size_t clients() const { return rights_.size(); }
  [[nodiscard]] const Rights& rights(std::size_t client) const { return rights_[client]; }
  /// Which client's token an `Authorization` header shows, or else an `X-API-Key` header, whose value is the
  /// token. Compares with every token, in a time that does not depend on where they differ.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view authorization,
                                                std::string_view api_key = "") const;

 private:
  [[nodiscard]] std::optional<std::size_t> client_of(std::string_view shown) const;

  struct Token {
    Secret secret;
    std::size_t client = 0;
  };
  std::vector<Token> tokens_;
  std::vector<Rights> rights_;  ///< by client
};

}  // namespace embedd::serve
