/// Turns full-text search of a vectorizer on and off.
#pragma once

#include <string_view>

#include "app/settings.h"
#include "base/error.h"
#include "search/text_search.h"

namespace embedd::app {

/// See search::set_text_search().
Result<search::TextSearch> set_text_search(const Settings& settings, std::string_view vectorizer,
                                           std::string_view configuration, bool build);

}  // namespace embedd::app
