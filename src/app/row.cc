#include "app/row.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/database.h"
#include "search/subject.h"

namespace embedd::app {

Result<std::string> read_row(const Settings& settings, std::string_view vectorizer,
                             const search::RowRequest& request) {
  auto db = TRY(connect(settings));
  const auto subject = TRY(search::load_subject(db, vectorizer));
  if (!subject)
    return fail(ErrorKind::invalid_argument, fmt::format("there is no vectorizer {}", vectorizer));
  for (const std::string& column : subject->info.key_columns) {
    const auto is_of_key = [&](const search::Filter& test) { return test.column == column; };
    if (std::ranges::none_of(request.key->parts, is_of_key))
      return fail(ErrorKind::invalid_argument, fmt::format("key: the column {} is missing", column));
  }
  TRY(db.exec("BEGIN READ ONLY"));
  TRY(db.exec("SET LOCAL statement_timeout = '10s'"));
  return search::read_row(db, *subject, request);
}

}  // namespace embedd::app
