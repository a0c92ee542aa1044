/// The tools that agents call. An answer is text of at most kMostBytes, and says problems in words. All but
/// TraceTools' one only read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "app/search_service.h"
#include "app/settings.h"
#include "app/trace_service.h"
#include "mcp/tool.h"
#include "mcp/trace_tools.h"

namespace embedd::mcp {

class Tools {
 public:
  /// The references must outlive this object.
  Tools(const app::Settings& settings, app::SearchService& service, app::TraceService& traces, Scope scope)
      : settings_(settings), service_(service), scope_(std::move(scope)), traces_(traces, scope_) {}

  /// Blocks until the answer is there. None if there is no tool of that name.
  std::optional<ToolResult> call(std::string_view name, Arguments arguments);
  /// Whether the caller gets to see a tool. May block.
  [[nodiscard]] bool offers(std::string_view name) const { return traces_.offers(name); }

 private:
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
  TraceTools traces_;
};

}  // namespace embedd::mcp
