/// Messages of the Model Context Protocol: JSON-RPC 2.0, one object a message. Pure.
#pragma once

#ifndef SIMDJSON_EXCEPTIONS
#define SIMDJSON_EXCEPTIONS 0
#endif
#include <simdjson.h>

#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace embedd::mcp {

inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kBusy = -32010;  ///< of this server: ask again later
inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kUnsupportedVersion = -32022;

struct Reply {
  std::string json;  ///< one line without its end
  int error = 0;     ///< of JSON-RPC; 0: a result
  int status = 200;  ///< of HTTP, if that carries the reply
};

struct Request {
  std::string id;  ///< JSON; empty: a notification, which gets no answer
  std::string method;
  std::optional<simdjson::dom::object> params;  ///< valid as long as the parser, until its next use
};

/// A request; nothing for an answer to a request that was never sent; or the answer to a message that is
/// neither.
std::expected<std::optional<Request>, Reply> parse_message(simdjson::dom::parser& parser,
                                                           std::string_view message);

/// `id` and `result` are JSON.
Reply answer(std::string_view id, std::string_view result);
/// `data`: JSON, or empty. The status is 404 for a method that is not known, and 400 otherwise.
Reply refusal(std::string_view id, int code, std::string_view message, std::string_view data = "");
/// To a message that is not looked at: the same with the message's id, if that can be read.
Reply refusal_of(std::string_view message, int code, std::string_view says);

}  // namespace embedd::mcp
