#include "search/text_search.h"

#include <fmt/format.h>

#include <memory>

#include "pg/quoting.h"
#include "schema/sql_text.h"
#include "schema/vector_index.h"
#include "search/subject.h"

namespace embedd::search {
namespace {

/// The qualified name of a text configuration, as this session finds it.
Result<std::string> find_configuration(pg::Connection& db, std::string_view name) {
  const auto found = TRY(db.exec(R"(
SELECT pg_catalog.format('%I.%I', n.nspname, c.cfgname)
FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
WHERE c.cfgname = $1 AND pg_catalog.pg_ts_config_is_visible(c.oid)
   OR pg_catalog.format('%s.%s', n.nspname, c.cfgname) = $1)",
                                 {std::string(name)}));
  if (!found.empty()) return found.text(0, 0);
  const auto known =
      TRY(db.exec("SELECT string_agg(cfgname, ', ' ORDER BY cfgname) FROM pg_catalog.pg_ts_config WHERE "
                  "pg_catalog.pg_ts_config_is_visible(oid)"));
  return fail(
      ErrorKind::invalid_argument,
      fmt::format("there is no text search configuration '{}'; there are {}", name, known.view(0, 0)));
}

/// CREATE INDEX CONCURRENTLY leaves an invalid index behind when it fails, so an index is dropped first.
Result<void> drop_index(pg::Connection& db, const Subject& subject) {
  TRY(db.exec(
      fmt::format("DROP INDEX CONCURRENTLY IF EXISTS {}",
                  pg::quote_qualified(subject.info.vectors_schema(), schema::text_index(subject.info.id)))));
  return {};
}

}  // namespace

Result<TextSearch> set_text_search(pg::Connection& db, std::string_view vectorizer,
                                   std::string_view configuration, bool build) {
  const auto info = TRY(schema::find_vectorizer(db, vectorizer));
  TRY(schema::check_index_owner(db, info));
  const bool none = configuration == "none";
  TextSearch out;
  if (!none) out.configuration = TRY(find_configuration(db, configuration));
  auto found = TRY(load_subject(db, info.name));
  if (!found) return fail(ErrorKind::invalid_argument, fmt::format("there is no vectorizer {}", info.name));
  Subject subject = *found;
  const bool changes = subject.text_search != out.configuration;
  subject.text_search = out.configuration;
  const std::string document = none ? "" : subject.document_sql("");
  if (!none && document.empty())
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("the template of {} reads no column of a text type, so there are no words to search",
                    info.name));
  TRY(db.exec("UPDATE embedd.vectorizers SET text_search = nullif($2, '') WHERE id = $1::bigint",
              {std::to_string(info.id), out.configuration}));
  if (none || (changes && !subject.source.partitioned)) TRY(drop_index(db, subject));
  if (none) return out;
  out.index = fmt::format("CREATE INDEX CONCURRENTLY {} ON {} USING gin ({})",
                          schema::text_index(subject.info.id), subject.vectors_table(), document);
  if (!build || (subject.source.partitioned && !info.stores())) return out;
  const auto valid =
      TRY(db.exec("SELECT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid = "
                  "pg_catalog.to_regclass($1)",
                  {pg::quote_qualified(info.vectors_schema(), schema::text_index(subject.info.id))}));
  if (valid.empty() || !valid.flag(0, 0)) {
    TRY(drop_index(db, subject));
    TRY(db.exec(out.index));
  }
  out.built = true;
  return out;
}

}  // namespace embedd::search
