/// Declares, lists and removes vectorizers: the rows of embedd.vectorizers with their queues and triggers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports.h"
#include "pg/connection.h"

namespace embedd::pg {

/// What a person asks for, as in `embedd vectorizer create`.
struct VectorizerSpec {
  std::string name;
  std::string table;                ///< as in SQL: `traces`, `app.notes`, `"Mixed Case"`
  std::string text;                 ///< the template, e.g. "{title}\\n{body}"; see text/template.h
  std::string column;               ///< destination column, of type vector or halfvec
  std::string store;                ///< destination table: not supported yet
  std::vector<std::string> key;     ///< empty: the primary key
  std::string where;                ///< SQL over the row's own columns; empty: every row
  std::string endpoint = "openai";  ///< a name of the worker's configuration
  std::string model = "text-embedding-3-small";
  int dimensions = 0;                   ///< 0: those of the column, else 1536
  std::optional<bool> send_dimensions;  ///< default: only if the model's own are others
  std::string model_id_column;          ///< optional
  std::string model_version_column;     ///< optional
  std::string long_texts = "truncate";  ///< truncate, average or discard; see LongTexts
  std::string index = "none";           ///< none, hnsw, halfvec or ivfflat; see pg/vector_index.h
  bool adopt_existing = false;  ///< trust vectors that are there, if model_id_column names the model …
  bool trust_all = false;       ///< … or says nothing
};

struct VectorizerInfo {
  VectorizerId id = 0;
  std::string name;
  std::string source_schema;
  std::string source_table;
  std::vector<std::string> key_columns;
  std::vector<std::string> key_types;
  std::string text_template;
  std::optional<std::string> filter;
  std::string destination_column;
  std::string destination_type;  ///< vector or halfvec
  std::string vector_schema;     ///< where those are, quoted
  std::optional<std::string> model_id_column;
  std::optional<std::string> model_version_column;
  std::string endpoint;
  std::string model;
  int dimensions = 0;
  bool send_dimensions = false;
  std::string long_texts;
  std::string index_kind;                     ///< none, hnsw, halfvec or ivfflat
  std::vector<std::string> deferred_indexes;  ///< names of those dropped for the time of a backlog
  bool paused = false;
  std::string text_sql;   ///< over alias t
  std::string types_sql;  ///< over alias t: refuses to be parsed where a column has another type by now
  std::optional<std::string> filter_sql;
  std::string key_json_sql;  ///< over alias q with columns k1..kn
  std::string created_at;
};

/// Checks everything, then makes the row, the queue and ledger tables and the triggers, in one transaction.
/// Existing rows are found by the next reconcile, and embedded anew where nothing proves their vector (see
/// pg/adoption.h, whose declare_vectorizer() says how many). Errors: invalid_argument with what to do next
/// (no such table, no key, unknown column and the nearest one, wrong destination, name taken, bad filter),
/// misconfigured (privileges, schema not migrated), conflict (the table stays busy, in thirty short tries).
Result<VectorizerInfo> create_vectorizer(Connection& db, const VectorizerSpec& spec);

Result<std::vector<VectorizerInfo>> list_vectorizers(Connection& db);
/// Error invalid_argument, naming the nearest one, if there is none of that name.
Result<VectorizerInfo> find_vectorizer(Connection& db, std::string_view name);

/// A paused vectorizer goes on collecting jobs; workers leave them alone until it is resumed.
Result<void> pause_vectorizer(Connection& db, std::string_view name);
Result<void> resume_vectorizer(Connection& db, std::string_view name);

/// Removes triggers, functions, queue, dead letters and the declaration. Stored vectors and usage stay, and
/// the ledger, if it proves anything: the same declaration made again buys nothing.
Result<void> drop_vectorizer(Connection& db, std::string_view name);

/// How long ago the vectorizer was walked whose last walk is the longest ago, paused ones aside; nothing if
/// one has not been yet, 0 if there are none.
Result<std::optional<double>> seconds_since_walks(Connection& db);

/// A rough number of source rows, from the planner's statistics; -1 if unknown.
Result<std::int64_t> estimate_rows(Connection& db, const VectorizerInfo& vectorizer);

/// SQL over the oid of a table: why the current role cannot be trusted to see its rows; NULL if it sees all.
inline constexpr std::string_view kHiddenRows = R"(
(CASE WHEN pg_catalog.row_security_active({0}) THEN
   pg_catalog.format('row-level security may hide rows of %s from the role %I, which would take them for deleted: as an '
                     'administrator, run ALTER ROLE %2$I BYPASSRLS', ({0})::pg_catalog.regclass, current_user) END))";

/// SQL over a row `v` of embedd.vectorizers: what has become of the destination column, if no vector of the
/// vectorizer's fits into it any more; NULL if all is well. A domain is its owner's affair.
inline constexpr std::string_view kDestinationProblem = R"(
(SELECT CASE
   WHEN a.attname IS NULL THEN
     pg_catalog.format('its column %I is gone', v.destination_column)
   WHEN t.typtype = 'b' AND (t.typname NOT IN ('vector', 'halfvec') OR a.atttypmod > 0 AND a.atttypmod <> v.dimensions) THEN
     pg_catalog.format('its column %I is %s by now, and its vectors have %s dimensions: change the column back, or drop the '
                       'vectorizer and create it again', a.attname, t.typname || coalesce('(' || nullif(a.atttypmod, -1) || ')', ''), v.dimensions)
   END
 FROM pg_catalog.pg_class r
 LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attname = v.destination_column AND NOT a.attisdropped
 LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
 WHERE r.oid = v.source))";

}  // namespace embedd::pg
