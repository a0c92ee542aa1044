/// The vector index of a vectorizer's column: whether there is one, and dropping and building it around a
/// large backlog. Storing a vector with an index takes several times as long as without.
///
/// The table's owner builds and drops, on a command's connection and always CONCURRENTLY, so that neither
/// reads nor writes wait.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/source_table.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// Whether a column can have an index of `kind` (none, hnsw, halfvec, ivfflat). Error: invalid_argument, with
/// what to choose instead.
Result<void> check_index_kind(const SourceTable& table, const SourceColumn& column, std::string_view kind,
                              int dimensions);

/// What to know of a column that is to have no index, if it cannot have every kind later.
std::optional<std::string> index_note(const SourceColumn& column, std::string_view kind, int dimensions);

struct VectorIndex {
  std::string name;
  std::string definition;  ///< qualified, so that it means the same under any search_path
  bool valid = false;      ///< false: an interrupted build left it, or it is being built
  bool serves = false;     ///< its kind is the one that the vectorizer asks for
};

/// The vector indexes of the destination column, valid or not, by name. Not inside a transaction.
Result<std::vector<VectorIndex>> vector_indexes(pg::Connection& db, const VectorizerInfo& vectorizer);

/// The valid index for searches by words, quoted; empty: there is none.
Result<std::string> find_text_index(pg::Connection& db, const VectorizerInfo& vectorizer);

/// Whether `embedd vectorizer reindex` has something to build. Not inside a transaction.
Result<bool> index_wanted(pg::Connection& db, const VectorizerInfo& vectorizer);

/// Error misconfigured, naming the owner, unless this connection's role may build and drop the table's
/// indexes.
Result<void> check_index_owner(pg::Connection& db, const VectorizerInfo& vectorizer);

/// The work that waits, as far as it decides whether to build now.
struct Backlog {
  bool walked = false;    ///< the whole table was walked once
  std::int64_t jobs = 0;  ///< exact up to 10,000, then 10,000 or the statistics' number
  std::int64_t rows = 0;  ///< rows of the table, by the planner's statistics; -1: unknown
  bool paused = false;
  bool worker_running = false;  ///< a heartbeat came within the last minute

  /// A table in use always has some jobs, so one row in a hundred may wait.
  [[nodiscard]] bool done() const { return walked && jobs * 100 <= (rows < 0 ? 0 : rows); }
};
Result<Backlog> read_backlog(pg::Connection& db, const VectorizerInfo& vectorizer);

/// Checks and records the kind. Errors: invalid_argument, misconfigured (not the owner).
Result<VectorizerInfo> choose_index(pg::Connection& db, std::string_view name, std::string_view kind);

struct BuildOptions {
  int memory_mib = 0;  ///< maintenance_work_mem; 0: the server's, but at least 256 MiB
  int workers = -1;    ///< max_parallel_maintenance_workers; -1: the server's
};

/// True if the statement failed for want of shared memory for its parallel workers, and may succeed without
/// them.
bool lacks_shared_memory(std::string_view sqlstate, std::string_view message);

struct BuildProgress {
  std::string index;
  std::string phase;  ///< as PostgreSQL calls it; empty: unknown
  double share = -1;  ///< of the phase, 0 to 1; negative: unknown
};

struct BuiltIndex {
  std::string name;
  bool built = false;     ///< false: it existed already
  bool serially = false;  ///< the server's shared memory is too small for parallel workers
  double seconds = 0;
  std::int64_t bytes = 0;
};

/// Builds the deferred indexes by their own definitions, then an index of the recorded kind unless a valid
/// index serves already. First drops an invalid leftover of the same name. `builder` is another connection to
/// the same database, busy during the build; `on_progress` is called about every second. Errors:
/// misconfigured (not the owner), conflict (another process builds, or the name is taken), invalid_argument
/// (there is nothing to build), PostgreSQL's own. A failed build leaves no invalid index unless the
/// connection was lost.
Result<std::vector<BuiltIndex>> build_indexes(pg::Connection& db, pg::Connection& builder,
                                              const VectorizerInfo& vectorizer, const BuildOptions& options,
                                              const std::function<void(const BuildProgress&)>& on_progress);

/// The names of the column's vector indexes. Errors: misconfigured (not the owner).
Result<std::vector<std::string>> deferrable_indexes(pg::Connection& db, const VectorizerInfo& vectorizer);

/// Records the definitions of the named indexes, then drops the indexes. An index that is recorded and
/// dropped already is no error. Errors: invalid_argument (no such index), misconfigured (not the owner).
Result<void> defer_indexes(pg::Connection& db, const VectorizerInfo& vectorizer,
                           std::span<const std::string> names);

}  // namespace embedd::schema
