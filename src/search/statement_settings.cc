#include <fmt/format.h>

#include <algorithm>

#include "pg/pinned_settings.h"
#include "search/statement.h"

namespace embedd::search {
namespace {

constexpr int kMaxScanTuples = 20 * kMaxCandidates;

}  // namespace

std::string settings_statement(const Subject& subject, const Request& request, Duration timeout) {
  std::string sql = "SELECT pg_catalog.set_config('search_path', 'pg_catalog', true)";
  const auto set = [&sql](std::string_view name, std::string_view value) {
    sql += fmt::format(", pg_catalog.set_config('{}', '{}', true)", name, value);
  };
  set("transaction_read_only", "on");
  set("statement_timeout",
      std::to_string(std::max<std::int64_t>(1, std::chrono::duration_cast<milliseconds>(timeout).count())));
  set("jit", "off");
  set("synchronize_seqscans", "off");  // so that each page has the same kMaxMatches rows
  for (const pg::PinnedSetting& setting : pg::pinned_settings()) set(setting.name, setting.value);
  if (!subject.vector_index) return sql;
  set("hnsw.ef_search", std::to_string(std::clamp(request.candidates, 40, 1000)));
  set("ivfflat.probes", std::to_string(subject.probes));
  if (subject.pgvector.iterative_scan) {
    set("hnsw.iterative_scan", "strict_order");
    // Dead rows count, too. With a filter pgvector's own limit stays: after it, all rows that pass are read.
    if (!request.filter && !request.mandatory) set("hnsw.max_scan_tuples", std::to_string(kMaxScanTuples));
    set("ivfflat.iterative_scan", "relaxed_order");
  }
  return sql;
}

}  // namespace embedd::search
