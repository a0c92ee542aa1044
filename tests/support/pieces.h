/// Looks for pieces of a secret in what was shown, on its own, without the code that is to hide them.
#pragma once

#include <string>
#include <string_view>

namespace embedd::test {

/// With padding.
std::string base64(std::string_view text);

/// The first piece of 8 bytes of `secret` that stands in `shown`: ignoring case, as it is, percent-encoded,
/// with JSON escapes or in base64. "" if there is none.
std::string piece_in(std::string_view shown, std::string_view secret);

}  // namespace embedd::test
