/// The limits that a refusal names in its words. Pure.
#pragma once

#include <string_view>

#include "base/error.h"

namespace embedd::provider {

/// `message` in lower case. What holds for all texts of a request together is not a text's limit, and is left
/// out.
NamedLimits named_limits(std::string_view message);

}  // namespace embedd::provider
