#include "support/provider_answers.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/json.h"

namespace embedd::test {

namespace {

constexpr std::array<std::pair<Fault, std::string_view>, 35> kFaultNames{{
    {Fault::none, "none"},
    {Fault::floats, "floats"},
    {Fault::base64, "base64"},
    {Fault::reversed, "reversed"},
    {Fault::no_index, "no_index"},
    {Fault::zero_index_gone, "zero_index_gone"},
    {Fault::no_usage, "no_usage"},
    {Fault::pretty, "pretty"},
    {Fault::byte_order_mark, "byte_order_mark"},
    {Fault::short_count, "short_count"},
    {Fault::long_count, "long_count"},
    {Fault::no_data, "no_data"},
    {Fault::duplicate, "duplicate"},
    {Fault::out_of_range, "out_of_range"},
    {Fault::negative, "negative"},
    {Fault::wrong_dimensions, "wrong_dimensions"},
    {Fault::ragged, "ragged"},
    {Fault::nan, "nan"},
    {Fault::infinity, "infinity"},
    {Fault::zeros, "zeros"},
    {Fault::nulls, "nulls"},
    {Fault::null_value, "null_value"},
    {Fault::bad_base64, "bad_base64"},
    {Fault::truncated, "truncated"},
    {Fault::html, "html"},
    {Fault::empty, "empty"},
    {Fault::error_in_200, "error_in_200"},
    {Fault::not_json, "not_json"},
    {Fault::redirect, "redirect"},
    {Fault::disconnect, "disconnect"},
    {Fault::disconnect_in_body, "disconnect_in_body"},
    {Fault::slow_drip, "slow_drip"},
    {Fault::endless_body, "endless_body"},
    {Fault::endless_headers, "endless_headers"},
    {Fault::hang, "hang"},
}};

void append_floats(std::string& out, const std::vector<float>& values, std::string_view separator) {
  out.push_back('[');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out.append(separator);
    fmt::format_to(std::back_inserter(out), "{}", values[i]);
  }
  out.push_back(']');
}

/// The `embedding` of one item; the faults of a single vector hit the last one.
void append_embedding(std::string& out, const ParsedRequest& request, Fault fault, const std::string& text,
                      bool last) {
  int dimensions = request.dimensions;
  if (fault == Fault::wrong_dimensions || (fault == Fault::ragged && last)) ++dimensions;
  const bool base64 =
      (request.base64 && fault != Fault::floats && fault != Fault::pretty) || fault == Fault::base64;
  if (last && fault == Fault::nulls) {
    out.append("null");
    return;
  }
  if (last && fault == Fault::bad_base64) {
    out.append("\"!!!!not base64!!!!\"");
    return;
  }
  std::vector<float> values = expected_vector(text, dimensions);
  if (last && fault == Fault::zeros) std::ranges::fill(values, 0.0F);
  if (last && fault == Fault::nan) values.back() = std::numeric_limits<float>::quiet_NaN();
  if (last && (fault == Fault::infinity || fault == Fault::null_value)) {
    out.append("[");
    for (int i = 1; i < dimensions; ++i) out.append("0.5,");
    out.append(fault == Fault::infinity ? "1e300]" : "null]");
    return;
  }
  if (base64 || (last && fault == Fault::nan)) {
    out.push_back('"');
    append_base64(out, values);
    out.push_back('"');
  } else {
    append_floats(out, values, fault == Fault::pretty ? ",\n          " : ",");
  }
}

/// The `index` of the item at `position`, or nothing if it is left out.
std::optional<long> index_at(std::size_t position, std::size_t count, Fault fault) {
  if (fault == Fault::no_index || (fault == Fault::zero_index_gone && position == 0)) return std::nullopt;
  const bool last = position + 1 == count;
  if (last && fault == Fault::duplicate) return 0;
  if (last && fault == Fault::out_of_range) return static_cast<long>(count);
  if (last && fault == Fault::negative) return -1;
  return static_cast<long>(position);
}

std::string canned_body(Fault fault) {
  switch (fault) {
    case Fault::html: return "<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>";
    case Fault::not_json: return "upstream connect error or disconnect/reset before headers";
    case Fault::error_in_200:
      return R"({"error":{"message":"The engine is currently overloaded","type":"server_error","param":null,"code":null}})";
    default: return {};
  }
}

}  // namespace

std::string_view name_of(Fault fault) {
  const auto* found = std::ranges::find(kFaultNames, fault, &std::pair<Fault, std::string_view>::first);
  return found == kFaultNames.end() ? "unknown" : found->second;
}

std::optional<Fault> fault_named(std::string_view name) {
  const auto* found = std::ranges::find(kFaultNames, name, &std::pair<Fault, std::string_view>::second);
  if (found == kFaultNames.end()) return std::nullopt;
  return found->first;
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

Answer Answer::error(int status, std::string_view code, std::string_view message) {
  return raw(status, fmt::format(R"({{"error":{{"message":{},"type":"{}","param":null,"code":{}}}}})",
                                 json_string(message), status == 429 ? "requests" : "invalid_request_error",
                                 json_string(code)))
      .with("content-type", "application/json");
}

ParsedRequest parse_request(const std::string& body, int default_dimensions) {
  static thread_local simdjson::dom::parser parser;
  ParsedRequest request{.dimensions = default_dimensions};
  simdjson::dom::object root;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) {
    request.problem = "We could not parse the JSON body of your request.";
    return request;
  }
  std::string_view text;
  std::int64_t number = 0;
  if (root["model"].get(text) == simdjson::SUCCESS) request.model = text;
  if (root["encoding_format"].get(text) == simdjson::SUCCESS) request.base64 = text == "base64";
  if (root["dimensions"].get(number) == simdjson::SUCCESS) request.dimensions = static_cast<int>(number);
  simdjson::dom::array inputs;
  if (root["input"].get(text) == simdjson::SUCCESS) {
    request.inputs.emplace_back(text);
  } else if (root["input"].get(inputs) == simdjson::SUCCESS) {
    for (const simdjson::dom::element input : inputs)
      if (input.get(text) == simdjson::SUCCESS) request.inputs.emplace_back(text);
  }
  if (request.model.empty()) request.problem = "you must provide a model parameter";
  if (request.inputs.empty() || std::ranges::any_of(request.inputs, &std::string::empty))
    request.problem =
        "'$.input' is invalid. Please check the API reference: "
        "https://platform.openai.com/docs/api-reference.";
  return request;
}

std::string vectors_body(const ParsedRequest& request, Fault fault) {
  if (std::string canned = canned_body(fault); !canned.empty() || fault == Fault::empty) return canned;
  const std::size_t count = request.inputs.size();
  std::size_t items = count;
  if (fault == Fault::short_count) --items;
  if (fault == Fault::long_count) ++items;
  if (fault == Fault::no_data) items = 0;

  std::string out;
  out.reserve(items * static_cast<std::size_t>(request.dimensions) * (request.base64 ? 6 : 12) + 4096);
  if (fault == Fault::byte_order_mark) out.append("\xEF\xBB\xBF");
  out.append(fault == Fault::pretty ? "{\n  \"object\": \"list\",\n  \"data\": ["
                                    : R"({"object":"list","data":[)");
  const bool backwards = fault == Fault::reversed || fault == Fault::zero_index_gone;
  for (std::size_t i = 0; i < items; ++i) {
    const std::size_t position = backwards ? items - 1 - i : i;
    out.append(i > 0 ? R"(,{"object":"embedding")" : R"({"object":"embedding")");
    if (const auto index = index_at(position, items, fault))
      fmt::format_to(std::back_inserter(out), R"(,"index":{})", *index);
    out.append(R"(,"embedding":)");
    append_embedding(out, request, fault, request.inputs[std::min(position, count - 1)],
                     position + 1 == items);
    out.push_back('}');
  }
  out.push_back(']');
  if (fault != Fault::no_usage) {
    std::uint64_t tokens = 0;
    for (const std::string& input : request.inputs) tokens += tokens_of(input);
    fmt::format_to(std::back_inserter(out), R"(,"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}})",
                   json_string(request.model), tokens, tokens);
  }
  out.push_back('}');
  if (fault == Fault::truncated) out.resize(out.size() * 2 / 3);
  return out;
}

std::string http_answer(const Answer& answer, const std::string& body, bool keep_alive) {
  std::string out;
  out.reserve(body.size() + 512);
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} Scripted\r\n", answer.status);
  bool typed = false;
  for (const auto& [name, value] : answer.headers) {
    fmt::format_to(std::back_inserter(out), "{}: {}\r\n", name, value);
    typed |= name == "content-type";
  }
  if (!typed)
    fmt::format_to(std::back_inserter(out), "content-type: {}\r\n",
                   answer.fault == Fault::html ? "text/html" : "application/json");
  if (!keep_alive) out.append("connection: close\r\n");
  fmt::format_to(std::back_inserter(out), "content-length: {}\r\n\r\n", body.size());
  out.append(body);
  return out;
}

}  // namespace embedd::test
