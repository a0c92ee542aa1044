/// The worker's SQL for one vectorizer, made from its declaration. Pure: text in, text out.
///
/// Aliases: `q` is a queue row, `l` a ledger row, `t` a source row, `j` a job of the settlement at hand, `f`
/// a fenced one. Key columns are k1..kn everywhere but in the source. The parameters stand with each
/// statement.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/job.h"
#include "pg/codec.h"
#include "pg/pipeline.h"

namespace embedd::queue {

/// A row of embedd.vectorizers, as the queue needs it.
struct Definition {
  Vectorizer vectorizer;
  std::string source;  ///< qualified and quoted; empty: the table is gone
  std::vector<std::string> key_columns;
  std::vector<std::string> key_types;     ///< as SQL
  std::vector<pg::TypeId> key_type_ids;   ///< as binary arrays name them
  std::string key_json_sql;               ///< over alias q
  std::string text_sql;                   ///< over alias t
  std::string types_sql;                  ///< over alias t: embedd.types_of
  std::optional<std::string> filter_sql;  ///< over alias t
  std::string destination_column;
  std::string destination_type;  ///< qualified: public.vector, public.halfvec
  std::string vector_type;       ///< qualified: public.vector
  pg::TypeId vector_type_id = 0;
  std::optional<std::string> model_id_column;
  std::optional<std::string> model_version_column;
  struct Store {
    std::string table;        ///< qualified and quoted
    VectorizerId chunks = 0;  ///< the vectorizer of its chunks
    bool operator==(const Store&) const = default;
  };
  std::optional<Store> store;     ///< where the vectors are, if not in the source
  std::string encoding = "UTF8";  ///< the database's
  bool operator==(const Definition&) const = default;
};

/// Whether this key column's values travel as the bytes that the database stores: not every text can be
/// converted to UTF-8, and every key must reach the worker and come back unchanged.
bool travels_as_bytes(const Definition& definition, std::size_t column);

/// Outcome letters as the settling statements return them, one per job, in order.
inline constexpr char kDone = 'd', kKept = 'k', kBusy = 'b', kGone = 'g', kStale = 's';

/// What a claim says is to be done with a row.
enum ClaimCode { kClear, kCurrent, kStoreKept, kEmbed, kConditionFails, kNotUtf8, kWait, kChunkIsDead };

/// Most characters of a text to be cut that one claim takes.
inline constexpr int kWindowCharacters = 256 * 1024;

/// Columns of begin_walk.
enum WalkBegin {
  kDeferred,  ///< the queue is long, so no walk begins
  kPutOff,    ///< the walk is put off, so no walk begins
  kRoutine,   ///< the walk is due by the clock alone
  kCursor,    ///< where another worker left the walk; NULL: the walk begins at the table's beginning
};

/// How a settling statement takes its jobs: $1 lease uuid[], then the key columns' arrays $2..$(n+1); further
/// parameters follow.
///
/// The vectorizer's condition may fail on a row, and with it the statement; so may a claim whose texts cannot
/// all be converted to UTF-8. `guarded` statements evaluate each row by itself, which takes longer: a row on
/// which the condition fails has no text, and the claim or walk says why.
struct QueueStatements {
  explicit QueueStatements(const Definition& definition, bool guarded = false);

  /// $1 lease uuid, $2 lease time in seconds float8, $3 rows bigint, $4 text bytes bigint, $5 where to begin
  /// with live jobs timestamptz, $6 with the others (queue/heads.h) → n, attempt, task (a ClaimCode), text
  /// or reason, hash, rescued, age, due (all rows that were due), full (a row limit was hit), where the next
  /// claim may begin with live jobs, with the others, k1..kn; in no order. The reason: SQLSTATE and message
  /// of the condition's failure; the SQLSTATE alone with which the text cannot be converted.
  pg::Statement claim;
  /// jobs, then slot int[] (negative: the kept vector), hash bigint[], vector[], and, where the vectorizer
  /// names the columns, model id text, model version text → outcomes text.
  pg::Statement complete;
  /// jobs, then slot int[], hash bigint[], vector[] → outcomes text. Does not touch the source.
  pg::Statement keep;
  /// jobs → outcomes text.
  pg::Statement clear;
  pg::Statement drop;
  /// jobs, then delay in seconds float8, charged attempts bigint → outcomes text.
  pg::Statement reschedule;
  /// jobs, then seconds from now float8 → outcomes text.
  pg::Statement extend;
  /// jobs, then hash bigint[], kind text, message text → outcomes text.
  pg::Statement discard;
  /// Stores only: jobs, then hash bigint[], where the next window begins: characters bigint[] (negative:
  /// there is none), chunks int[], state bytea[]; then the chunks: job int[] from 1, number int[], chunk
  /// text[], what is sent text[] → outcomes text.
  pg::Statement stage;
  /// Begins a walk, or puts it off: $1 jobs in the queue beyond which the walk is deferred bigint, $2 seconds
  /// between walks float8, $3 the worker uuid → columns of WalkBegin; no row: another worker has the walk.
  pg::Statement begin_walk;
  /// $1 rows of the page bigint, $2 jobs in the queue beyond which the page is deferred bigint, $3 the worker
  /// uuid, $4 seconds between walks float8, then the cursor, once as it is and once as the key columns
  /// (`walk_page` only) → whether the walk is still this worker's, deferred, scanned, enqueued, last,
  /// replaced vectors whose rows are enqueued, replaced vectors that are left alone, seconds that the page
  /// took float8, k1..kn of the page's end.
  pg::Statement walk_page_first;
  pg::Statement walk_page;

 private:
  class Form;
  explicit QueueStatements(const Form& form);
  static pg::Statement walk_page_from(const Form& form, bool first);
};

}  // namespace embedd::queue
