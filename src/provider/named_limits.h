/// Reads the limits that a refusal's message names. Pure.
#pragma once

#include <string_view>

#include "base/error.h"

namespace embedd::provider {

/// `message` must be in lower case. A limit for all texts of a request together is left out, because it is
/// not a limit of one text.
NamedLimits named_limits(std::string_view message);

}  // namespace embedd::provider
