/// The JSON of the search service's answers. Pure.
#pragma once

#include <string>
#include <vector>

#include "app/search_service.h"

namespace embedd::serve {

std::string search_json(const app::SearchAnswer& answer);
std::string list_json(const std::vector<app::Listed>& listed);

}  // namespace embedd::serve
