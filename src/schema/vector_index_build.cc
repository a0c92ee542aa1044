// Building vector indexes; see schema/vector_index.h.
#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>

#include "pg/notifications.h"
#include "pg/quoting.h"
#include "schema/pgvector.h"
#include "schema/vector_index.h"

namespace embedd::schema {
namespace {

constexpr milliseconds kBetweenLooks{1000};
constexpr int kLeastMemoryMib = 256;
constexpr std::int64_t kParallelBytes = 32'000'000;
/// The class of pg_try_advisory_lock(class, vectorizer): "embx" in ASCII.
constexpr const char* kLockClass = "1701667448";

/// The connection that builds. Behind a pooler there is no session, so the server's settings apply.
struct Builder {
  pg::Connection& db;
  bool direct = false;
};

struct Wanted {
  std::string name;
  std::string statement;  ///< CREATE INDEX CONCURRENTLY …
};

std::string table_of(const VectorizerInfo& v) {
  return pg::quote_qualified(v.vectors_schema(), v.vectors_table());
}

/// Sets up the building session, and makes it the only one that builds for this vectorizer.
Result<void> prepare(pg::Connection& builder, const VectorizerInfo& v, const BuildOptions& options) {
  auto locked = TRY(builder.exec(fmt::format("SELECT pg_try_advisory_lock({}, {})", kLockClass, v.id)));
  if (!locked.flag(0, 0))
    return fail(
        ErrorKind::conflict,
        fmt::format("another session is building the index of {} already; see pg_stat_progress_create_"
                    "index, and try again when it is through",
                    v.name));
  // A client that is killed must not leave a build that runs for hours. Not every system supports this
  // setting.
  (void)builder.exec("SET client_connection_check_interval = '2s'");
  std::vector<std::string> settings = {"SET statement_timeout = 0", "SET lock_timeout = 0"};
  settings.push_back(
      options.memory_mib > 0
          ? fmt::format("SET maintenance_work_mem = '{}MB'", options.memory_mib)
          : fmt::format(
                "SELECT set_config('maintenance_work_mem', greatest(setting::bigint, {}) || 'kB', false) "
                "FROM pg_settings WHERE name = 'maintenance_work_mem'",
                kLeastMemoryMib * 1024));
  // PostgreSQL counts only the pages of the table, but vectors are stored beside them: a table of a gigabyte
  // would look small.
  settings.push_back(
      fmt::format("SELECT set_config('min_parallel_table_scan_size', '0', false) WHERE "
                  "pg_table_size(to_regclass({})) > {}",
                  pg::quote_literal(table_of(v)), kParallelBytes));
  if (options.workers >= 0)
    settings.push_back(fmt::format("SET max_parallel_maintenance_workers = {}", options.workers));
  for (const std::string& setting : settings) TRY(builder.exec(setting));
  return {};
}

/// pgvector's advice: one list for a thousand rows up to a million rows, beyond that the square root of the
/// number of rows.
Result<std::int64_t> lists_for(pg::Connection& db, const VectorizerInfo& v) {
  auto rows = estimate_rows(db, v);
  if (rows && *rows < 0) {  // never analysed: counting is quick compared with the build
    auto counted = TRY(db.exec("SELECT count(*) FROM " + table_of(v)));
    rows = counted.integer(0, 0);
  }
  if (!rows) return std::unexpected(rows.error());
  if (*rows > 1'000'000) return static_cast<std::int64_t>(std::sqrt(static_cast<double>(*rows)));
  return std::max<std::int64_t>(10, *rows / 1000);
}

Result<Wanted> wanted_by_kind(pg::Connection& db, const VectorizerInfo& v) {
  const std::string schema = TRY(find_pgvector(db)).schema;
  const bool half = v.index_kind == "halfvec" || v.destination_type == "halfvec";
  std::string column = pg::quote_identifier(v.destination_column);
  if (half && v.destination_type == "vector")
    column = fmt::format("({}::{}.halfvec({}))", column, schema, v.dimensions);
  std::string with = "m = 16, ef_construction = 64";
  if (v.index_kind == "ivfflat") {
    auto lists = TRY(lists_for(db, v));
    with = fmt::format("lists = {}", lists);
  }
  Wanted out;
  out.name = fmt::format("embedd_{}_{}", v.id, v.index_kind);
  out.statement =
      fmt::format("CREATE INDEX CONCURRENTLY {} ON {} USING {} ({} {}.{}) WITH ({})",
                  pg::quote_identifier(out.name), table_of(v), v.index_kind == "ivfflat" ? "ivfflat" : "hnsw",
                  column, schema, half ? "halfvec_cosine_ops" : "vector_cosine_ops", with);
  return out;
}

Result<std::vector<Wanted>> wanted_again(pg::Connection& db, const VectorizerInfo& v) {
  auto rows = TRY(db.exec(
      "SELECT d.key, d.value FROM embedd.vectorizers, jsonb_each_text(deferred_indexes) d WHERE id = $1 "
      "ORDER BY d.key",
      {std::to_string(v.id)}));
  std::vector<Wanted> out;
  constexpr std::string_view kCreate = "CREATE INDEX ";
  for (int i = 0; i < rows.size(); ++i) {
    const std::string definition = rows.text(i, 1);
    if (!definition.starts_with(kCreate))
      return fail(ErrorKind::misconfigured,
                  fmt::format("the remembered definition of {} is not an index's", rows.view(i, 0)));
    out.push_back({rows.text(i, 0), "CREATE INDEX CONCURRENTLY " + definition.substr(kCreate.size())});
  }
  return out;
}

struct Found {
  bool there = false;
  bool valid = false;
  std::int64_t bytes = 0;
};

/// Looks up the index with this name. Error: conflict if another object has the name.
Result<Found> look(pg::Connection& db, const VectorizerInfo& v, const std::string& name) {
  auto rows = TRY(db.exec(
      "SELECT i.indrelid IS NOT DISTINCT FROM to_regclass($1)::oid, coalesce(i.indisvalid, false), "
      "pg_relation_size(c.oid) FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.oid = "
      "to_regclass($2)",
      {table_of(v), pg::quote_qualified(v.vectors_schema(), name)}));
  if (rows.empty()) return Found{};
  if (!rows.flag(0, 0))
    return fail(ErrorKind::conflict,
                fmt::format("{} is the name of something else in the schema {}; rename that, then try again",
                            name, v.vectors_schema()));
  return Found{true, rows.flag(0, 1), rows.integer(0, 2)};
}

Result<void> drop(pg::Connection& db, const VectorizerInfo& v, const std::string& name) {
  TRY(db.exec("DROP INDEX CONCURRENTLY IF EXISTS " + pg::quote_qualified(v.vectors_schema(), name)));
  return {};
}

BuildProgress read_progress(pg::Connection& db, const VectorizerInfo& v, const std::string& name) {
  BuildProgress out{name, "", -1};
  auto rows = db.exec(
      "SELECT phase, CASE WHEN blocks_total > 0 THEN blocks_done::float8 / blocks_total END FROM "
      "pg_stat_progress_create_index WHERE relid = to_regclass($1) AND datname = current_database() AND "
      "command = 'CREATE INDEX CONCURRENTLY'",
      {table_of(v)});
  if (!rows || rows->empty()) return out;  // a failed look at the progress must not end the build
  out.phase = rows->text(0, 0);
  if (!rows->is_null(0, 1)) out.share = std::clamp(rows->number(0, 1), 0.0, 1.0);
  return out;
}

/// Runs the statement on `builder`, in a thread of its own, while this thread watches through `db`.
Result<void> run_watched(pg::Connection& db, Builder& builder, const VectorizerInfo& v, const Wanted& wanted,
                         const std::function<void(const BuildProgress&)>& on_progress) {
  auto running = std::async(std::launch::async, [&] { return builder.db.exec(wanted.statement); });
  while (running.wait_for(kBetweenLooks) != std::future_status::ready)
    on_progress(read_progress(db, v, wanted.name));
  TRY(running.get());
  return {};
}

/// Builds, and builds once more without parallel workers if the server lacks the shared memory for them
/// (Docker gives 64 MiB). True if it lacked the memory.
Result<bool> create(pg::Connection& db, Builder& builder, const VectorizerInfo& v, const Wanted& wanted,
                    const std::function<void(const BuildProgress&)>& on_progress) {
  const pg::Connection::OverRows over_rows(builder.db);
  for (const bool last : {false, true}) {
    auto built = run_watched(db, builder, v, wanted, on_progress);
    if (built) return last;
    const bool short_of_it = lacks_shared_memory(builder.db.last_sqlstate(), built.error().message);
    if (auto found = look(db, v, wanted.name); found && found->there && !found->valid)
      (void)drop(db, v, wanted.name);
    if (!short_of_it || !builder.direct || last) return std::unexpected(built.error());
    if (auto set = builder.db.exec("SET max_parallel_maintenance_workers = 0"); !set)
      return std::unexpected(built.error());
  }
  return true;
}

Result<BuiltIndex> build(pg::Connection& db, Builder& builder, const VectorizerInfo& v, const Wanted& wanted,
                         const std::function<void(const BuildProgress&)>& on_progress) {
  const auto began_at = std::chrono::steady_clock::now();
  auto before = TRY(look(db, v, wanted.name));
  if (before.valid) return BuiltIndex{.name = wanted.name, .bytes = before.bytes};
  if (before.there) TRY(drop(db, v, wanted.name));
  auto serially = TRY(create(db, builder, v, wanted, on_progress));
  auto after = TRY(look(db, v, wanted.name));
  return BuiltIndex{.name = wanted.name,
                    .built = true,
                    .serially = serially,
                    .seconds = to_seconds(std::chrono::steady_clock::now() - began_at),
                    .bytes = after.bytes};
}

Result<std::vector<BuiltIndex>> build_missing(pg::Connection& db, Builder& builder, const VectorizerInfo& v,
                                              const std::function<void(const BuildProgress&)>& on_progress) {
  std::vector<BuiltIndex> out;
  auto again = TRY(wanted_again(db, v));
  for (const Wanted& wanted : again) {
    auto built = TRY(build(db, builder, v, wanted, on_progress));
    out.push_back(built);
    TRY(db.exec("UPDATE embedd.vectorizers SET deferred_indexes = deferred_indexes - $2::text WHERE id = $1",
                {std::to_string(v.id), wanted.name}));
  }
  auto indexes = TRY(vector_indexes(db, v));
  const bool served = std::ranges::any_of(indexes, &VectorIndex::serves);
  if (v.index_kind != "none" && !served) {
    auto wanted = TRY(wanted_by_kind(db, v));
    auto built = TRY(build(db, builder, v, wanted, on_progress));
    out.push_back(built);
  }
  if (!out.empty()) return out;
  // Having nothing to build is no error if an index exists.
  for (const VectorIndex& index : indexes) {
    if (!index.valid || (v.index_kind != "none" && !index.serves)) continue;
    auto found = TRY(look(db, v, index.name));
    out.push_back({.name = index.name, .bytes = found.bytes});
  }
  if (out.empty())
    return fail(ErrorKind::invalid_argument,
                fmt::format("no index is declared for {0}; choose one: embedd vectorizer reindex {0} --index "
                            "hnsw (or halfvec, ivfflat)",
                            v.name));
  return out;
}

}  // namespace

/// Any file may be too large for a disk, but only shared memory has names like these, in any language. EFBIG
/// and ENOMEM are reported as out of memory, ENOSPC as disk full.
bool lacks_shared_memory(std::string_view sqlstate, std::string_view message) {
  if (sqlstate != "53100" && sqlstate != "53200") return false;
  return message.find("\"/PostgreSQL.") != std::string_view::npos ||
         message.find("pg_dynshmem/") != std::string_view::npos;
}

Result<std::vector<BuiltIndex>> build_indexes(pg::Connection& db, pg::Connection& connection,
                                              const VectorizerInfo& v, const BuildOptions& options,
                                              const std::function<void(const BuildProgress&)>& on_progress) {
  TRY(check_index_owner(db, v));
  auto direct = TRY(pg::is_direct(connection));
  Builder builder{connection, direct};
  if (direct) TRY(prepare(connection, v, options));
  auto built = build_missing(db, builder, v, on_progress);
  // The end of the session would unlock too, but only shortly after the end of this command.
  if (built && direct)
    (void)connection.exec(fmt::format("SELECT pg_advisory_unlock({}, {})", kLockClass, v.id));
  return built;
}

}  // namespace embedd::schema
