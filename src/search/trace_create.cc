#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pg/quoting.h"
#include "search/forms.h"
#include "search/trace_statement.h"
#include "search/traces.h"

namespace embedd::search {
namespace {

constexpr Duration kGrace = seconds(1);

/// What a new trace has in columns that must have a value and have no default, as SQL that takes the column's
/// type.
struct Default {
  std::string_view column, sql;
};
constexpr Default kTraceDefaults[] = {{"status", "'pending'"},
                                      {"trust_score", "0"},
                                      {"confirmation_count", "0"},
                                      {"retrieval_count", "0"},
                                      {"depth_score", "0"},
                                      {"somatic_intensity", "0"},
                                      {"impact_level", "'normal'"},
                                      {"trace_type", "'episodic'"},
                                      {"is_seed", "false"},
                                      {"is_stale", "false"},
                                      {"is_flagged", "false"},
                                      {"created_at", "pg_catalog.now()"},
                                      {"updated_at", "pg_catalog.now()"}};
constexpr Default kTagDefaults[] = {
    {"id", "pg_catalog.gen_random_uuid()"}, {"is_curated", "false"}, {"created_at", "pg_catalog.now()"}};

/// The columns of an INSERT, with their values.
struct Columns {
  std::string names, values;
  std::vector<std::string> seen{};

  void add(const std::string& name, std::string_view value) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", pg::quote_identifier(name));
    values += fmt::format("{}{}", values.empty() ? "" : ", ", value);
    seen.push_back(name);
  }

  /// Adds what is missing of `required`.
  Result<void> complete(const std::vector<std::string>& required, std::span<const Default> defaults,
                        const schema::SourceTable& table) {
    for (const std::string& name : required) {
      if (std::ranges::find(seen, name) != seen.end()) continue;
      const auto known = std::ranges::find(defaults, name, &Default::column);
      if (known == defaults.end())
        return fail(ErrorKind::misconfigured,
                    fmt::format("the column {} of {} must have a value, and has no default: set one", name,
                                table.quoted()));
      add(name, known->sql);
    }
    return {};
  }
};

Result<Columns> columns_of(TraceStatement& statement, const TraceTables& tables, const std::string& id,
                           const NewTrace& trace) {
  Columns out;
  out.add("id", statement.bind(id));
  out.add("title", statement.bind(trace.title));
  out.add("context_text", statement.bind(trace.context_text));
  out.add("solution_text", statement.bind(trace.solution_text));
  for (const auto& [name, value] : trace.values) {
    if (!tables.has(name))
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: {} has no such column", name, tables.traces().quoted()));
    out.add(name, statement.bind(value));
  }
  if (!trace.contributor.empty() && tables.has("contributor_id"))
    out.add("contributor_id", statement.bind(trace.contributor));
  TRY(out.complete(tables.required, kTraceDefaults, tables.traces()));
  return out;
}

Result<std::string> tagging(TraceStatement& statement, const TraceTables& tables,
                            const std::vector<std::string>& names) {
  if (names.empty()) return "";
  if (!tables.tags)
    return fail(ErrorKind::invalid_argument, "tags: there are no tables tags and trace_tags beside traces");
  const schema::SourceTable &tags = tables.tags->table, &links = tables.links->table;
  for (const char* name : {"id", "name"}) statement.column("g", tags, name);
  for (const char* name : {"trace_id", "tag_id"}) statement.column("l", links, name);
  Columns columns;
  columns.add("name", "w.name");
  TRY(columns.complete(tables.tags->required, kTagDefaults, tags));
  return pg::fill(forms().form("traces_tagging"), {{"tag_names", statement.bind(pg::array_literal(names))},
                                                   {"tag_table", tags.quoted()},
                                                   {"links", links.quoted()},
                                                   {"tag_columns", columns.names},
                                                   {"tag_values", columns.values}});
}

/// The table's own functions run with this role's search_path, as for any INSERT.
std::string create_settings(Duration timeout) {
  return fmt::format("SELECT pg_catalog.set_config('statement_timeout', '{}', true)",
                     std::max<std::int64_t>(1, std::chrono::duration_cast<milliseconds>(timeout).count()));
}

Error explain(Error error, const std::string& sqlstate) {
  if (sqlstate == "57014") return {ErrorKind::canceled, "the table was busy; try again"};
  if (sqlstate.starts_with("22"))
    return {ErrorKind::invalid_argument,
            fmt::format("a value does not fit its column (SQLSTATE {})", sqlstate)};
  if (sqlstate.starts_with("23"))
    return {ErrorKind::invalid_argument,
            fmt::format("a constraint of the table refuses the trace (SQLSTATE {})", sqlstate)};
  return error;
}

}  // namespace

Result<AddedTrace> add_trace(pg::OneTrip& trip, const TraceTables& tables, const std::string& id,
                             const NewTrace& trace, Instant deadline) {
  trip.clear();
  TraceStatement statement(tables);
  const Columns columns = TRY(columns_of(statement, tables, id, trace));
  statement.set("columns", columns.names);
  statement.set("values", columns.values);
  statement.set("key", statement.bind(id));
  statement.set("status", statement.text("status"));
  statement.set("tagging", TRY(tagging(statement, tables, trace.tags)));
  Statement made = std::move(statement).finish("traces_create");
  auto outcome = trip.run({.settings = create_settings(deadline - std::chrono::steady_clock::now()),
                           .sql = std::move(made.sql),
                           .params = std::move(made.params)},
                          deadline + kGrace);
  if (!outcome) return std::unexpected(explain(std::move(outcome.error()), trip.last_sqlstate()));
  return AddedTrace{outcome->rows.text(0, 0), outcome->rows.text(0, 1)};
}

}  // namespace embedd::search
