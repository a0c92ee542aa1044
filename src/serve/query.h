/// The query of a request's target, such as ?kind=rejected&limit=10. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace embedd::serve {

/// Names and values, decoded. Errors: invalid_argument if a percent sign begins no byte, a byte is NUL, or a
/// name is there twice.
Result<std::map<std::string, std::string>> query_of(std::string_view target);

}  // namespace embedd::serve
