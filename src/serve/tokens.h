/// The bearer tokens that clients may show.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace embedd::serve {

class Tokens {
 public:
  static constexpr std::size_t kLeast = 16;  ///< bytes of a token

  /// `text`: tokens with blanks between them, so that one can replace another; empty: none. Errors:
  /// invalid_argument if a token is shorter than kLeast.
  static Result<Tokens> parse(const Secret& text);

  [[nodiscard]] bool empty() const { return tokens_.empty(); }
  [[nodiscard]] std::size_t size() const { return tokens_.size(); }
  /// Which token an `Authorization` header shows. Compares with every token, in a time that does not depend
  /// on where they differ.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view authorization) const;

 private:
  std::vector<Secret> tokens_;
};

}  // namespace embedd::serve
