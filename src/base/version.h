/// The version of this build.
#pragma once

#include <string_view>

namespace embedd {

/// For example "0.1.0". The text ends with a NUL.
std::string_view version();

}  // namespace embedd
