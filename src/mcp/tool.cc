#include "mcp/tool.h"

#include <algorithm>

#include "base/readable.h"

namespace embedd::mcp {

std::unexpected<Error> failed(app::SearchFailure failure, ToolResult& result) {
  result.code = std::move(failure.code);
  return std::unexpected(std::move(failure.error));
}

ToolResult finished(ToolResult result, Result<std::string> text) {
  if (text) {
    result.text = *std::move(text);
    return result;
  }
  result.text = "[failed] " + printable(text.error().message, 2000);
  result.failed = true;
  if (result.code.empty()) result.code = app::failure_of(std::move(text.error())).code;
  return result;
}

Result<search::Json::Object> fields_of(const Arguments& arguments) {
  if (!arguments) return search::Json::Object{};
  search::Json::Object out;
  for (const auto& [name, value] : *arguments) {
    const auto is_name = [&](const auto& field) { return field.first == name; };
    const search::Json field(value, std::string(name.substr(0, 100)));
    if (std::ranges::any_of(out, is_name)) return field.wrong("is there twice");
    out.emplace_back(name, field);
  }
  return out;
}

Result<void> nothing_else(const Arguments& arguments) {
  for (const auto& [name, value] : TRY(fields_of(arguments)))
    return value.wrong("is not known; this tool takes no arguments");
  return {};
}

Result<std::size_t> bytes_of_detail(const search::Json& value) {
  const std::string detail = TRY(value.text(10));
  if (detail != "brief" && detail != "full") return value.wrong("must be brief or full");
  return detail == "full" ? kFull : kBrief;
}

}  // namespace embedd::mcp
