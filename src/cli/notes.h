/// What commands say on stderr beside their result.
#pragma once

#include <string_view>

#include "app/settings.h"

namespace embedd::cli {

/// Says that the endpoint is unknown here, has no key, or finds words and not meaning.
void note_endpoint(const app::Settings& settings, std::string_view endpoint);

}  // namespace embedd::cli
