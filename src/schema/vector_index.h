/// The vector index of a vectorizer's column: whether there is one, and dropping and building it around a
/// large backlog. Storing a vector under an index costs several times what storing it without does.
///
/// Building and dropping is for the table's owner, on a command's connection, and always CONCURRENTLY:
/// neither reads nor writes wait.
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

/// Whether a column can have an index of `kind` (none, hnsw, halfvec, ivfflat). Error invalid_argument: what
/// to choose instead.
Result<void> check_index_kind(const SourceTable& table, const SourceColumn& column, std::string_view kind,
                              int dimensions);

/// What to know of a column that is to have no index, if it cannot have every kind later.
std::optional<std::string> index_remark(const SourceColumn& column, std::string_view kind, int dimensions);

struct VectorIndex {
  std::string name;
  std::string definition;  ///< qualified: means the same under any search_path
  bool valid = false;      ///< false: left over from a build that was interrupted, or being built
  bool serves = false;     ///< is of the kind that the vectorizer asks for
};

/// Those of the destination column, valid or not, in the order of their names. Not inside a transaction.
Result<std::vector<VectorIndex>> vector_indexes(pg::Connection& db, const VectorizerInfo& vectorizer);

/// Whether `embedd vectorizer reindex` has something to build. Not inside a transaction.
Result<bool> index_wanted(pg::Connection& db, const VectorizerInfo& vectorizer);

/// Error misconfigured, naming the owner, unless this connection's role may build and drop the table's
/// indexes.
Result<void> check_index_owner(pg::Connection& db, const VectorizerInfo& vectorizer);

/// What waits to be embedded, as far as it decides whether to build now.
struct Backlog {
  bool walked = false;    ///< reconcile has been through the table once
  std::int64_t jobs = 0;  ///< exact up to 10,000, then that or the statistics' idea
  std::int64_t rows = 0;  ///< of the table, by the planner's statistics; -1 unknown
  bool paused = false;
  bool worker_running = false;  ///< heard of within the last minute

  /// A table that is in use is never quite still, so one row in a hundred may wait.
  [[nodiscard]] bool drained() const { return walked && jobs * 100 <= (rows < 0 ? 0 : rows); }
};
Result<Backlog> read_backlog(pg::Connection& db, const VectorizerInfo& vectorizer);

/// Records the kind, checked. Errors: invalid_argument, misconfigured (not the owner).
Result<VectorizerInfo> choose_index(pg::Connection& db, std::string_view name, std::string_view kind);

struct BuildOptions {
  int memory_mib = 0;  ///< maintenance_work_mem; 0: the server's, but at least 256 MiB
  int workers = -1;    ///< max_parallel_maintenance_workers; -1: the server's
};

/// A statement that failed so lacked shared memory for its parallel workers, and may succeed without them.
bool lacks_shared_memory(std::string_view sqlstate, std::string_view message);

struct BuildProgress {
  std::string index;
  std::string phase;  ///< as PostgreSQL calls it; empty: not known yet
  double share = -1;  ///< of the phase, 0 to 1; negative: not known
};

struct BuiltIndex {
  std::string name;
  bool built = false;     ///< false: it was there already
  bool serially = false;  ///< the server's shared memory is too small for parallel workers
  double seconds = 0;
  std::int64_t bytes = 0;
};

/// Builds what is wanted: the deferred indexes by their own definitions, then the recorded kind, unless a
/// valid index serves already. An invalid leftover of the same name is dropped first. `builder` is another
/// connection to the same database, kept busy for as long as it takes; `on_progress` is called every second
/// or so. Errors: misconfigured (not the owner), conflict (somebody else is at it, or the name is taken),
/// invalid_argument (nothing is asked for), PostgreSQL's own. What failed leaves no invalid index behind,
/// unless the connection was lost.
Result<std::vector<BuiltIndex>> build_indexes(pg::Connection& db, pg::Connection& builder,
                                              const VectorizerInfo& vectorizer, const BuildOptions& options,
                                              const std::function<void(const BuildProgress&)>& on_progress);

/// The names of the column's vector indexes. Errors: misconfigured (not the owner).
Result<std::vector<std::string>> deferrable_indexes(pg::Connection& db, const VectorizerInfo& vectorizer);

/// Remembers the definitions of the named indexes, then drops these. What is gone already and remembered is
/// fine. Errors: invalid_argument (a name that is not there), misconfigured (not the owner).
Result<void> defer_indexes(pg::Connection& db, const VectorizerInfo& vectorizer,
                           std::span<const std::string> names);

}  // namespace embedd::schema
