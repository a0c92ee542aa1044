#include "pg/session_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/pinned_settings.h"
#include "pg/quoting.h"

namespace embedd::pg {

std::string settings_sql(const PipelineOptions& options, const std::string& path) {
  const auto ms = [](Duration d) {
    return quote_literal(std::to_string(std::chrono::duration_cast<milliseconds>(d).count()));
  };
  std::string sql = "SELECT pg_catalog.set_config('role', 'none', true)";
  const auto set = [&sql](std::string_view name, const std::string& value) {
    sql += fmt::format(", pg_catalog.set_config('{}', {}, true)", name, value);
  };
  set("lock_timeout", ms(options.lock_timeout));
  // The server gives up first, so that a slow statement ends with a plain error and not in doubt.
  set("statement_timeout",
      ms(std::min<Duration>(options.statement_timeout, options.command_timeout * 5 / 6)));
  set("jit", "'off'");
  // To newer planners a bitmap of all due jobs, to be sorted, looks cheap while a queue has some thousands of
  // jobs: each claim would read all of them.
  if (options.planning == Planning::custom) set("enable_bitmapscan", "'off'");
  set("plan_cache_mode",
      options.planning == Planning::generic ? "'force_generic_plan'" : "'force_custom_plan'");
  // PostgreSQL's own objects come first, whatever the role's path says.
  set("search_path", options.search_path.empty()
                         ? fmt::format("pg_catalog.concat_ws(', ', 'pg_catalog', nullif({}, ''))", path)
                         : quote_literal(options.search_path));
  if (options.sees_every_row) set("row_security", "'off'");
  if (options.settles) set("embedd.settles", "'on'");
  set("client_encoding", "'UTF8'");
  set("default_transaction_isolation", "'read committed'");
  for (const PinnedSetting& setting : pinned_settings()) set(setting.name, quote_literal(setting.value));
  return sql;
}

}  // namespace embedd::pg
