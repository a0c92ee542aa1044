/// The tools that agents call. Each one only reads; its answer is text of at most kMostBytes, and says
/// problems in words.
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

#include "app/search_service.h"
#include "app/settings.h"
#include "search/request.h"

namespace embedd::mcp {

/// Hosts refuse answers of more than 25,000 tokens.
inline constexpr std::size_t kMostBytes = 50'000;

struct ToolResult {
  std::string text;
  bool failed = false;
  /// For logs and metrics.
  std::string code;                       ///< of the failure, as in app::SearchFailure
  std::string vectorizer;                 ///< that was asked for
  std::size_t hits = 0;                   ///< of a search
  std::optional<app::Degraded> degraded;  ///< of a search
};

/// What the caller of a tool may see.
struct Scope {
  std::function<bool(std::string_view)> may_use;  ///< by a vectorizer's name; null: all of them
  std::optional<search::Filter> filter;           ///< which rows there are for this caller
};

class Tools {
 public:
  /// Both references must outlive this object.
  Tools(const app::Settings& settings, app::SearchService& service, Scope scope = {})
      : settings_(settings), service_(service), scope_(std::move(scope)) {}

  /// Blocks until the answer is there. None if there is no tool of that name.
  std::optional<ToolResult> call(std::string_view name, std::optional<simdjson::dom::object> arguments);

 private:
  using Arguments = std::optional<simdjson::dom::object>;
  /// Each returns the text, and notes in `result` what else there is to tell.
  Result<std::string> list_vectorizers(const Arguments& arguments, ToolResult& result);
  Result<std::string> search(const Arguments& arguments, ToolResult& result);
  Result<std::string> get_row(const Arguments& arguments, ToolResult& result);
  Result<std::string> status(const Arguments& arguments, ToolResult& result);

  [[nodiscard]] bool may_use(const std::string& vectorizer) const {
    return !scope_.may_use || scope_.may_use(vectorizer);
  }
  /// Error: there is no vectorizer of that name, for this caller.
  Result<void> check(const std::string& vectorizer, ToolResult& result) const;

  const app::Settings& settings_;
  app::SearchService& service_;
  const Scope scope_;
};

}  // namespace embedd::mcp
