/// The version of this build.
#pragma once

#include <string_view>

namespace embedd {

/// For example "0.1.0". It ends with a NUL.
std::string_view version();

}  // namespace embedd
