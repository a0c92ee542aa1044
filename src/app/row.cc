#include "app/row.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/database.h"
#include "search/subject.h"

namespace embedd::app {

namespace {

constexpr int kShortestPiece = 20;

}  // namespace

Result<search::Row> read_row(const Settings& settings, std::string_view vectorizer,
                             search::RowRequest& request, std::size_t most_bytes) {
  auto db = TRY(connect(settings));
  const auto subject = TRY(search::load_subject(db, vectorizer));
  if (!subject)
    return fail(ErrorKind::invalid_argument, fmt::format("there is no vectorizer {}", vectorizer));
  for (const std::string& column : subject->info.key_columns) {
    const auto is_of_key = [&](const search::Filter& test) { return test.column == column; };
    if (std::ranges::none_of(request.key->parts, is_of_key))
      return fail(ErrorKind::invalid_argument, fmt::format("key: the column {} is missing", column));
  }
  for (;; request.most /= 2) {
    auto row = TRY(search::read_row(db, *subject, request));
    if (row.json.size() + row.goes_on.size() <= most_bytes) return row;
    if (request.most < 2 * kShortestPiece)
      return fail(ErrorKind::too_large, "the row has too many columns for one answer");
    TRY(db.exec("ROLLBACK"));
  }
}

}  // namespace embedd::app
