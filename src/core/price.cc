#include "core/price.h"

namespace embedd {

double usd_per_million_tokens(std::string_view model) {
  if (model == "text-embedding-3-small") return 0.02;
  if (model == "text-embedding-3-large") return 0.13;
  if (model == "text-embedding-ada-002") return 0.10;
  return 0;
}

}  // namespace embedd
