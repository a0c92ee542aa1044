/// The JSON of the search service's answers. Pure.
#pragma once

#include <string>
#include <vector>

#include "app/search_service.h"

namespace embedd::serve {

std::string search_json(const app::SearchAnswer& answer);
std::string list_json(const std::vector<app::Listed>& listed);
/// {"vector": […], "model": …, "dimensions": …}. `base64`: the packed little-endian float32, in place of
/// numbers.
std::string vector_json(const app::VectorAnswer& answer, bool base64);
/// The same in OpenAI's shape.
std::string embeddings_json(const app::VectorAnswer& answer, bool base64);

}  // namespace embedd::serve
