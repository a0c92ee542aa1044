/// The JSON of the search service's answers. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/search_service.h"

namespace embedd::serve {

std::string search_json(const app::SearchAnswer& answer);
std::string list_json(const std::vector<app::Listed>& listed);
/// {"error": {"code": …, "message": …}}
std::string error_json(std::string_view code, std::string_view message);

}  // namespace embedd::serve
