#include "app/dead_letters.h"

#include "app/database.h"
#include "schema/vectorizers.h"

namespace embedd::app {

namespace {

Result<pg::Connection> connect_for(const Settings& settings, const schema::DeadLetterFilter& filter) {
  auto db = connect(settings);
  if (!db || filter.vectorizer.empty()) return db;
  TRY(schema::find_vectorizer(*db, filter.vectorizer));
  return db;
}

}  // namespace

Result<void> visit_dead_letters(const Settings& settings, const schema::DeadLetterFilter& filter, int limit,
                                const std::function<void(const schema::DeadLetter&)>& visit) {
  auto db = TRY(connect_for(settings, filter));
  return schema::visit_dead_letters(db, filter, limit, visit);
}

Result<std::int64_t> retry_dead_letters(const Settings& settings, const schema::DeadLetterFilter& filter) {
  auto db = TRY(connect_for(settings, filter));
  return schema::retry_dead_letters(db, filter);
}

Result<std::int64_t> purge_dead_letters(const Settings& settings, const schema::DeadLetterFilter& filter) {
  auto db = TRY(connect_for(settings, filter));
  return schema::purge_dead_letters(db, filter);
}

}  // namespace embedd::app
