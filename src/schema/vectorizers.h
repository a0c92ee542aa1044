/// Declares, lists and removes vectorizers: the rows of embedd.vectorizers with their queues and triggers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/job.h"
#include "core/models.h"
#include "pg/connection.h"

namespace embedd::schema {

/// What has embedded the same rows so far: a vectorizer of pgai.
struct Predecessor {
  std::string pgai_id;               ///< its id among pgai's vectorizers, if the declaration removes it
  std::vector<std::string> waiting;  ///< quoted tables, which have the keys of rows that it has not embedded
  std::vector<std::string> removal;  ///< statements that end it, for the transaction of the declaration
};

/// What may be bought in a day, as a person writes it; none: no limit.
struct DailyBudget {
  std::optional<double> usd;
  std::optional<std::int64_t> tokens;
  bool operator==(const DailyBudget&) const = default;
};

/// A person's request, as in `embedd vectorizer create`.
struct VectorizerSpec {
  std::string name;
  std::string table;   ///< as in SQL: `traces`, `app.notes`, `"Mixed Case"`
  std::string text;    ///< the template, e.g. "{title}\\n{body}"; see text/template.h
  std::string column;  ///< destination column, of type vector or halfvec
  std::optional<std::string>
      store;                        ///< destination table, in place of a column; empty: TABLE_embedding_store
  std::optional<std::string> view;  ///< joins the store with the source; empty: TABLE_embedding
  std::string chunk = "none";       ///< how a store's texts are cut; see text/chunk_rule.h
  std::string chunk_template;       ///< what is sent of a chunk; empty: the chunk
  bool halfvec = false;             ///< a store's vectors are of that type
  std::vector<std::string> key;     ///< empty: the primary key
  std::string where;                ///< SQL over the row's own columns; empty: every row
  std::string endpoint = "openai";  ///< a name of the worker's configuration
  std::string model = std::string(kDefaultModel);
  int dimensions = 0;                   ///< 0: those of the column, else 1536
  std::optional<bool> send_dimensions;  ///< default: only if the model has others by itself
  std::string model_id_column;          ///< optional
  std::string model_version_column;     ///< optional
  std::string long_texts = "truncate";  ///< truncate, average or discard; see LongTexts
  std::string index = "none";           ///< none, hnsw, halfvec or ivfflat; see schema/vector_index.h
  std::string score;                    ///< SQL over `similarity` and columns, for searches; empty: none
  bool capture_rows = false;            ///< row triggers alone: no transition tables, NOTIFY, advisory locks
  bool adopt_existing = false;          ///< trust existing vectors, if model_id_column names the model …
  bool trust_all = false;               ///< … or says nothing
  DailyBudget budget;
  bool paused = false;  ///< from the beginning, so that nothing is bought
  std::optional<Predecessor> predecessor;
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
  std::string destination_type;           ///< vector or halfvec
  std::string store_schema, store_table;  ///< where destination_column is; empty: in the source
  std::string chunk_rule, chunk_template;
  std::string vector_schema;  ///< where vector and halfvec are, quoted
  std::optional<std::string> model_id_column;
  std::optional<std::string> model_version_column;
  std::string endpoint;
  std::string model;
  int dimensions = 0;
  bool send_dimensions = false;
  std::string long_texts;
  bool capture_rows = false;                  ///< changes are captured by row triggers alone
  std::string index_kind;                     ///< none, hnsw, halfvec or ivfflat
  std::vector<std::string> deferred_indexes;  ///< indexes dropped for the time of a backlog
  bool paused = false;
  DailyBudget budget;
  std::string text_sql;   ///< over alias t
  std::string types_sql;  ///< over alias t: refused by the parser if a column's type has changed
  std::optional<std::string> filter_sql;
  std::string key_json_sql;                ///< over alias q with columns k1..kn
  std::optional<std::string> score;        ///< of searches, as its owner wrote it; see schema/score.h
  std::vector<std::string> score_columns;  ///< that it reads …
  std::vector<std::string> score_types;    ///< … and their types when it was set
  std::string created_at;
  std::string next_of, old_of;  ///< the vectorizer that this one is to replace, or that replaced it; or empty
  [[nodiscard]] bool stores() const { return !store_table.empty(); }
  /// The schema of the table that has destination_column.
  [[nodiscard]] const std::string& vectors_schema() const { return stores() ? store_schema : source_schema; }
  [[nodiscard]] const std::string& vectors_table() const { return stores() ? store_table : source_table; }
};

/// Checks everything, then creates the row, the queue and ledger tables and the triggers, in one transaction.
/// The first walk finds existing rows; rows whose vector nothing proves are embedded again
/// (declare_vectorizer() of schema/adoption.h says how many). Errors: invalid_argument with what to do next
/// (no such table, no key, unknown column and the nearest one, wrong destination, name taken, bad filter),
/// misconfigured (privileges, schema not migrated), conflict (the table stayed busy during thirty short
/// tries).
Result<VectorizerInfo> create_vectorizer(pg::Connection& db, const VectorizerSpec& spec);

Result<std::vector<VectorizerInfo>> list_vectorizers(pg::Connection& db);
/// Error: invalid_argument, with the nearest name, if there is no such vectorizer.
Result<VectorizerInfo> find_vectorizer(pg::Connection& db, std::string_view name);

/// A paused vectorizer still collects jobs; workers do not claim them until it is resumed.
Result<void> pause_vectorizer(pg::Connection& db, std::string_view name);
Result<void> resume_vectorizer(pg::Connection& db, std::string_view name);

/// A change of what may be bought in a day. A limit that is not named stays as it is.
struct BudgetChange {
  std::optional<std::optional<double>> usd;
  std::optional<std::optional<std::int64_t>> tokens;
};
/// Returns the budget that holds from now on. Errors: invalid_argument, as find_vectorizer().
Result<DailyBudget> change_budget(pg::Connection& db, std::string_view name, const BudgetChange& change);

/// Removes triggers, functions, queue, dead letters and the declaration. Stored vectors and usage stay. So
/// does a ledger that proves anything: the same declaration, made again, buys nothing.
Result<void> drop_vectorizer(pg::Connection& db, std::string_view name);
/// The same within the caller's transaction. `keep_proofs`: the ledger stays, if it proves anything.
Result<void> drop_in_transaction(pg::Connection& db, const VectorizerInfo& vectorizer, bool keep_proofs);

/// Whoever created a vectorizer may change and drop it, and so may superusers. Error: misconfigured, naming
/// the role.
Result<void> check_may_change(pg::Connection& db, const VectorizerInfo& vectorizer);

/// The time since the oldest of all vectorizers' last walks, except paused vectorizers; nothing if one was
/// never walked, 0 if there are no vectorizers.
Result<std::optional<double>> seconds_since_walks(pg::Connection& db);

/// A rough number of source rows, from the planner's statistics; -1 if unknown.
Result<std::int64_t> estimate_rows(pg::Connection& db, const VectorizerInfo& vectorizer);

}  // namespace embedd::schema
