#include "pg/server_error.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <string_view>

#include "pg/condition_names.h"

namespace embedd::pg {
namespace {

constexpr std::size_t kLongestName = 300, kLongestVerbatim = 1900;

/// SQLSTATEs about the server itself: its limits, locks, connections and privileges. Not all of class 58,
/// whose undefined_file may name what a row named; not XX000, which extensions raise for many reasons.
constexpr std::string_view kAboutTheServer[] = {"08", "25", "26",    "40",    "42501", "53",   "54",
                                                "55", "57", "58000", "58030", "XX001", "XX002"};

bool may_quote_a_row(const ServerError& error, Reader reader) {
  if (error.sqlstate.empty()) return false;
  if (!error.context.empty()) return true;
  if (error.positioned || reader == Reader::person) return false;
  return std::ranges::none_of(kAboutTheServer,
                              [&](std::string_view prefix) { return error.sqlstate.starts_with(prefix); });
}

/// The innermost call, if it is a function's. Other calls are shown as the SQL that they run, which may be
/// made of rows.
std::string_view raised_in(std::string_view context) {
  const std::string_view first = context.substr(0, context.find('\n'));
  const bool function = first.starts_with("PL/pgSQL function ") || first.starts_with("SQL function ");
  return function ? first.substr(0, kLongestName) : std::string_view();
}

/// " (table public.notes, constraint notes_check)". A function may choose any names, so its names are left
/// out.
std::string names_of(const ServerError& error) {
  std::string names(raised_in(error.context));
  const auto add = [&](std::string_view kind, const std::string& name) {
    if (!name.empty() && error.context.empty())
      names += fmt::format("{}{} {}", names.empty() ? "" : ", ", kind, name);
  };
  add("table", error.table.empty() || error.schema.empty() ? error.table : error.schema + '.' + error.table);
  add("column", error.column);
  add("type", error.type);
  add("constraint", error.constraint);
  return names.empty() ? names : fmt::format(" ({})", names);
}

}  // namespace

ServerError read_error(const PGresult* result) {
  const auto field = [result](int code) -> std::string {
    const char* value = PQresultErrorField(result, code);
    return value ? value : "";
  };
  ServerError out;
  out.sqlstate = field(PG_DIAG_SQLSTATE);
  out.message = field(PG_DIAG_MESSAGE_PRIMARY);
  if (out.message.empty()) {
    const std::string_view whole = PQresultErrorMessage(result);
    out.message = whole.substr(0, whole.find_last_not_of(" \n") + 1);
  }
  out.detail = field(PG_DIAG_MESSAGE_DETAIL);
  out.hint = field(PG_DIAG_MESSAGE_HINT);
  out.context = field(PG_DIAG_CONTEXT);
  out.schema = field(PG_DIAG_SCHEMA_NAME);
  out.table = field(PG_DIAG_TABLE_NAME);
  out.column = field(PG_DIAG_COLUMN_NAME);
  out.type = field(PG_DIAG_DATATYPE_NAME);
  out.constraint = field(PG_DIAG_CONSTRAINT_NAME);
  out.positioned = !field(PG_DIAG_STATEMENT_POSITION).empty();
  return out;
}

bool is_index_fault(const ServerError& error) {
  if (error.sqlstate == "XX002") return true;  // index_corrupted
  if (!error.context.empty() || error.sqlstate != "22000") return false;
  // A stored vector has the column's dimensions, or was refused with another message ("expected 3
  // dimensions").
  return error.message.starts_with("different vector dimensions") ||
         error.message.starts_with("different halfvec dimensions");
}

std::string describe(const ServerError& error, Reader reader) {
  if (may_quote_a_row(error, reader)) {
    const std::string_view name = condition_name(error.sqlstate);
    return fmt::format("{}{}{}{}", error.sqlstate, name.empty() ? "" : " ", name, names_of(error));
  }
  std::string out = error.message;
  if (reader == Reader::log) return out;
  const bool about_data = error.sqlstate.starts_with("22") || error.sqlstate.starts_with("23");
  if (!error.detail.empty() && !about_data) out += fmt::format(" ({})", error.detail);
  if (!error.hint.empty()) out += fmt::format(" Hint: {}", error.hint);
  return out;
}

std::string describe_verbatim(const ServerError& error) {
  const std::string safe = describe(error, Reader::log);
  std::string words = safe == error.message ? "" : ": " + error.message;
  if (!error.detail.empty()) words += fmt::format(" ({})", error.detail);
  return safe + words.substr(0, kLongestVerbatim);
}

}  // namespace embedd::pg
