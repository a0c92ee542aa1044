/// Lower case for all of Unicode, in no particular language.
#pragma once

#include <string>
#include <string_view>

namespace embedd {

/// `text`, valid UTF-8, in lower case.
std::string lower(std::string_view text);

}  // namespace embedd
