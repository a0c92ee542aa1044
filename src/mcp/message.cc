#include "mcp/message.h"

#include <utility>

#include "base/json.h"

namespace embedd::mcp {

namespace {

constexpr std::string_view kNoId = "null";

bool is_id(simdjson::dom::element element) {
  const auto type = element.type();
  return type == simdjson::dom::element_type::STRING || type == simdjson::dom::element_type::INT64 ||
         type == simdjson::dom::element_type::UINT64;
}

}  // namespace

std::expected<std::optional<Request>, Reply> parse_message(simdjson::dom::parser& parser,
                                                           std::string_view message) {
  if (message.empty()) return std::unexpected(refusal(kNoId, kParseError, "the message is empty"));
  simdjson::dom::element root;
  if (const auto error = parser.parse(message.data(), message.size()).get(root))
    return std::unexpected(
        refusal(kNoId, kParseError, std::string("this is not JSON: ") + simdjson::error_message(error)));
  simdjson::dom::object object;
  if (root.get(object))
    return std::unexpected(
        refusal(kNoId, kInvalidRequest, "a message is one JSON object; there are no batches"));
  Request request;
  simdjson::dom::element id;
  if (!object["id"].get(id)) {
    if (!is_id(id))
      return std::unexpected(refusal(kNoId, kInvalidRequest, "id must be a string or a whole number"));
    request.id = simdjson::minify(id);
  }
  const std::string_view answered = request.id.empty() ? kNoId : std::string_view(request.id);
  std::string_view version, method;
  if (object["jsonrpc"].get(version) || version != "2.0")
    return std::unexpected(refusal(answered, kInvalidRequest, "jsonrpc must be \"2.0\""));
  if (object["method"].get(method)) {
    if (!object["result"].error() || !object["error"].error()) return std::nullopt;
    return std::unexpected(refusal(answered, kInvalidRequest, "method must be a string"));
  }
  request.method = method;
  simdjson::dom::element params;
  if (!object["params"].get(params)) {
    simdjson::dom::object fields;
    if (params.get(fields))
      return std::unexpected(refusal(answered, kInvalidParams, "params must be an object"));
    request.params = fields;
  }
  return request;
}

Reply answer(std::string_view id, std::string_view result) {
  JsonWriter json;
  json.object().key("jsonrpc").value("2.0").key("id").raw(id).key("result").raw(result).end();
  std::string line = json.str();
  std::erase(line, '\n');  // a message is one line, and a text of JSON has no newline as such
  return {.json = std::move(line)};
}

Reply refusal(std::string_view id, int code, std::string_view message, std::string_view data) {
  JsonWriter json;
  json.object().key("jsonrpc").value("2.0").key("id").raw(id).key("error").object();
  json.key("code").value(code).key("message").value(message);
  if (!data.empty()) json.key("data").raw(data);
  json.end().end();
  return {.json = json.str(), .error = code, .status = code == kMethodNotFound ? 404 : 400};
}

Reply refusal_of(std::string_view message, int code, std::string_view says) {
  simdjson::dom::parser parser;
  simdjson::dom::element root, id;
  const bool has_id = !message.empty() && !parser.parse(message.data(), message.size()).get(root) &&
                      !root["id"].get(id) && is_id(id);
  return refusal(has_id ? simdjson::minify(id) : std::string(kNoId), code, says);
}

}  // namespace embedd::mcp
