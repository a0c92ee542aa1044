#include "app/row.h"

#include <fmt/format.h>

#include "app/database.h"
#include "search/subject.h"

namespace embedd::app {

Result<search::Row> read_row(const Settings& settings, std::string_view vectorizer,
                             const search::RowRequest& request) {
  auto db = TRY(connect(settings));
  const auto subject = TRY(search::load_subject(db, vectorizer));
  if (!subject)
    return fail(ErrorKind::invalid_argument, fmt::format("there is no vectorizer {}", vectorizer));
  return search::read_row(db, *subject, request);
}

}  // namespace embedd::app
