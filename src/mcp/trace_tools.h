/// The tools of the traces service: search_traces, get_trace, list_tags and contribute_trace. They are listed
/// if there is a vectorizer `traces` that the caller may use; the last one, which alone writes, if the caller
/// may write too. A call of a tool that is not listed says in words why there is no answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "app/trace_service.h"
#include "mcp/tool.h"

namespace embedd::mcp {

class TraceTools {
 public:
  /// `service` must outlive this object.
  TraceTools(app::TraceService& service, Scope scope) : service_(service), scope_(std::move(scope)) {}

  /// Blocks until the answer is there. None if there is no tool of that name here.
  std::optional<ToolResult> call(std::string_view name, const Arguments& arguments);
  /// Whether a tool is listed; true if its name is not one of these. Asks the database, now and then; not
  /// listed if the database does not answer.
  [[nodiscard]] bool offers(std::string_view name) const;

 private:
  /// Each returns the text, and notes in `result` what else there is to tell.
  Result<std::string> search_traces(const Arguments& arguments, ToolResult& result);
  Result<std::string> get_trace(const Arguments& arguments, ToolResult& result);
  Result<std::string> list_tags(const Arguments& arguments, ToolResult& result);
  Result<std::string> contribute_trace(const Arguments& arguments, ToolResult& result);
  using Tool = Result<std::string> (TraceTools::*)(const Arguments&, ToolResult&);
  static Tool tool_named(std::string_view name);

  [[nodiscard]] bool may_use() const;

  app::TraceService& service_;
  const Scope scope_;
};

}  // namespace embedd::mcp
