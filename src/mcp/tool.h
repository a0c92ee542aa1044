/// What all tools share: who calls, the arguments, and the answer.
#pragma once

#ifndef SIMDJSON_EXCEPTIONS
#define SIMDJSON_EXCEPTIONS 0
#endif
#include <simdjson.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "app/search_failure.h"
#include "app/wait_for.h"
#include "base/error.h"
#include "search/json_fields.h"
#include "search/request.h"

namespace embedd::mcp {

/// Hosts refuse answers of more than 25,000 tokens.
inline constexpr std::size_t kMostBytes = 50'000;
/// Bytes for the text before and after the rows.
inline constexpr std::size_t kForRemarks = 500;
/// Bytes of each text of a row, by the level of detail.
inline constexpr std::size_t kBrief = 300, kFull = 4000;

struct ToolResult {
  std::string text;
  bool failed = false;
  /// For logs and metrics.
  std::string code;                       ///< of the failure, as in app::SearchFailure
  std::string vectorizer;                 ///< that was asked for
  std::size_t hits = 0;                   ///< of a search
  std::optional<app::Degraded> degraded;  ///< of a search
  std::optional<bool> tagged;             ///< of a search for traces: whether the search named tags
};

/// What the caller of a tool may see and do.
struct Scope {
  std::function<bool(std::string_view)> may_use;  ///< by a vectorizer's name; null: all of them
  std::optional<search::Filter> filter;           ///< which rows there are for this caller
  std::string read_only;                          ///< why the caller may not write; empty: the caller may
  std::string contributor;                        ///< whose traces the caller's are: a uuid, or empty
};

using Arguments = std::optional<simdjson::dom::object>;

/// The arguments by their names. Errors: invalid_argument; one is there twice.
Result<search::Json::Object> fields_of(const Arguments& arguments);
/// Errors: invalid_argument; there is an argument.
Result<void> nothing_else(const Arguments& arguments);
/// The bytes of each text that an argument `detail` asks for.
Result<std::size_t> bytes_of_detail(const search::Json& value);

/// Notes in `result` why there is no answer.
std::unexpected<Error> failed(app::SearchFailure failure, ToolResult& result);
/// The tool's answer: `text`, or in words why there is none.
ToolResult finished(ToolResult result, Result<std::string> text);

/// Waits for the service's answer.
template <typename T, typename Start>
Result<T> wait(ToolResult& result, Start start) {
  auto answer = app::wait_for<T>(std::move(start));
  if (!answer) return failed(std::move(answer.error()), result);
  return *std::move(answer);
}

}  // namespace embedd::mcp
