#include "mcp/headers.h"

#include <optional>
#include <string_view>

#include "provider/base64.h"

namespace embedd::mcp {
namespace {

/// A value that cannot stand in a header as such is written =?base64?…?=. None: it is no Base64.
std::optional<std::string> decoded(const std::string& value) {
  constexpr std::string_view kBegin = "=?base64?", kEnd = "?=";
  std::string_view text = value;
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd) || text.size() < kBegin.size() + kEnd.size())
    return value;
  text = text.substr(kBegin.size(), text.size() - kBegin.size() - kEnd.size());
  const auto bytes = provider::base64_bytes(text);
  if (!bytes) return std::nullopt;
  std::string out(*bytes, '\0');
  if (!provider::base64_decode(text, out.data())) return std::nullopt;
  return out;
}

std::string compared(std::string_view header, const std::string& value, std::string_view with) {
  if (value.empty()) return "the header " + std::string(header) + " is missing";
  const auto plain = decoded(value);
  if (!plain) return "the header " + std::string(header) + " is no Base64";
  if (*plain != with) return "the header " + std::string(header) + " differs from the body";
  return "";
}

}  // namespace

std::string disagreement(const Headers& headers, const Request& request) {
  if (std::string wrong = compared("Mcp-Method", headers.method, request.method); !wrong.empty())
    return wrong;
  std::string_view name;
  if (request.method != "tools/call" || !request.params || request.params->at_key("name").get(name))
    return "";
  return compared("Mcp-Name", headers.name, name);
}

}  // namespace embedd::mcp
