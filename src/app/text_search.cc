#include "app/text_search.h"

#include "app/database.h"

namespace embedd::app {

Result<search::TextSearch> set_text_search(const Settings& settings, std::string_view vectorizer,
                                           std::string_view configuration, bool build) {
  auto db = TRY(connect(settings, Schema::required, true));
  return search::set_text_search(db, vectorizer, configuration, build);
}

}  // namespace embedd::app
