#include "provider/classify.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <span>

#include "base/redaction.h"
#include "provider/named_limits.h"
// Without simdjson's exceptions a hidden conversion that throws does not compile.
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

namespace embedd::provider {

namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kMaxErrorBody = 64 * kKiB;

/// The content of an error body, whichever of the many shapes it has. All but `message` in lower case.
struct ErrorBody {
  std::string message;
  std::string code;   ///< a string, or a number as text
  std::string type;   ///< `type`, `error_type` or `status`
  std::string param;  ///< the field at fault
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string scalar(const dom::object& object, std::string_view name) {
  const auto field = object[name];
  std::string_view text;
  std::int64_t number = 0;
  if (field.get(text) == simdjson::SUCCESS) return std::string(text);
  if (field.get(number) == simdjson::SUCCESS) return std::to_string(number);
  return {};
}

void read_flat(const dom::object& object, ErrorBody& out) {
  for (const std::string_view name : {"message", "msg", "detail", "error", "title"})
    if (out.message.empty()) out.message = scalar(object, name);
  if (out.code.empty()) out.code = lower(scalar(object, "code"));
  for (const std::string_view name : {"type", "error_type", "status"})
    if (out.type.empty()) out.type = lower(scalar(object, name));
  if (out.param.empty()) out.param = lower(scalar(object, "param"));
}

/// FastAPI's `detail`: [{loc: ["body", "dimensions"], msg, type, input}]. `input` echoes the row's text, so
/// only the named members are read.
void read_details(const dom::array& details, ErrorBody& out) {
  dom::object first;
  if (details.at(0).get(first) != simdjson::SUCCESS) return;
  read_flat(first, out);
  dom::array location;
  if (first["loc"].get(location) != simdjson::SUCCESS) return;
  std::size_t depth = 0;
  for (const dom::element part : location) {
    std::string_view name;
    if (part.get(name) == simdjson::SUCCESS && depth++ < 2) out.param = lower(name);
  }
}

ErrorBody read_body(std::string_view body) {
  ErrorBody out;
  body = without_bom(body).substr(0, kMaxErrorBody);
  dom::parser parser;
  dom::element root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) {
    const bool html = body.find("<html") != std::string_view::npos ||
                      body.find("<!DOCTYPE") != std::string_view::npos ||
                      body.find("<HTML") != std::string_view::npos;
    out.message = html ? "an HTML page" : redact(body).substr(0, 1000);
    return out;
  }
  if (root.is_array() && root.at(0).get(root) != simdjson::SUCCESS) return out;  // Gemini wraps its errors
  std::string_view text;
  dom::object object, error;
  dom::array details;
  if (root.get(text) == simdjson::SUCCESS) out.message = text;
  if (root.get(object) != simdjson::SUCCESS) return out;
  for (const std::string_view name : {"error", "detail", "message"})
    if (object[name].get(error) == simdjson::SUCCESS) {
      read_flat(error, out);
      if (error["detail"].get(details) == simdjson::SUCCESS) read_details(details, out);  // Mistral
    }
  if (object["detail"].get(details) == simdjson::SUCCESS) read_details(details, out);
  read_flat(object, out);
  return out;
}

bool any_of(std::string_view text, std::span<const std::string_view> parts) {
  return std::ranges::any_of(
      parts, [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

bool is_quota(const ErrorBody& error) {
  static constexpr std::string_view kCodes[] = {
      "insufficient_quota",      "credit_balance_exhausted", "spend_limit_exceeded", "usage_limit_exceeded",
      "billing_hard_limit",      "billing_not_active",       "insufficient_balance", "insufficient_credits",
      "insufficient_user_quota", "access_terminated"};
  return any_of(error.code, kCodes) || any_of(error.type, kCodes);
}

bool is_bad_key(const ErrorBody& error, std::string_view message) {
  static constexpr std::string_view kCodes[] = {"invalid_api_key", "api_key_invalid", "authentication_error"};
  static constexpr std::string_view kMessages[] = {"api key not valid", "incorrect api key",
                                                   "invalid api key"};
  return any_of(error.code, kCodes) || any_of(error.type, kCodes) || any_of(message, kMessages);
}

bool is_about_model(const ErrorBody& error, std::string_view message) {
  static constexpr std::string_view kCodes[] = {
      "model_not_found",       "invalid_model",       "unknown_model",
      "unsupported_model",     "model_not_supported", "deploymentnotfound",
      "operationnotsupported", "unknown_parameter",   "unsupported_parameter"};
  static constexpr std::string_view kParams[] = {"model", "dimensions", "output_dimension", "encoding_format",
                                                 "user"};
  static constexpr std::string_view kMessages[] = {"does not support specifying dimensions",
                                                   "matryoshka",
                                                   "value for 'dimensions'",
                                                   "dimensions must be",
                                                   "not support dimensions",
                                                   "invalid model",
                                                   "not a valid model",
                                                   "model not found",
                                                   "model_not_found",
                                                   "unknown model",
                                                   "try pulling it first",
                                                   "does not support embeddings",
                                                   "must provide a model",
                                                   "encoding_format"};
  return any_of(error.code, kCodes) || std::ranges::find(kParams, error.param) != std::end(kParams) ||
         any_of(message, kMessages);
}

/// Wordings of the compatible servers. A false match is harmless: a text that is alone and too large is cut,
/// then discarded.
bool is_too_large(const ErrorBody& error, std::string_view message) {
  static constexpr std::string_view kCodes[] = {
      "context_length_exceeded", "max_tokens_per_request", "array_above_max_length",
      "string_above_max_length", "exceed_context_size",    "token_limit_exceeded",
      "contextwindowexceeded",   "payload_too_large",      "request_too_large"};
  static constexpr std::string_view kMessages[] = {
      "context length",       "context window",      "contextwindow",   "context size",
      "too large to process", "input is too large",  "batch size",      "too many inputs",
      "too many input",       "too many tokens",     "too many texts",  "tokens per request",
      "max allowed tokens",   "array too long",      "string too long", "input too long",
      "is too long",          "must have less than", "must be at most", "at most 100",
      "should have at most",  "one batch",           "exceeds maximum", "exceeds the maximum",
      "exceeds the limit",    "exceeding max",       "maximum length",  "maximum number of",
      "cannot exceed",        "length exceeds",      "exceeds max",     "larger than",
      "token limit",          "payload too large",   "body too large"};
  return any_of(error.code, kCodes) || any_of(error.type, kCodes) || any_of(message, kMessages);
}

/// Errors that are permanent in spite of their 5xx: the same content always fails the same way.
bool is_permanent_server_error(std::string_view message) {
  static constexpr std::string_view kMessages[] = {"unsupported value: nan", "unsupported value: +inf",
                                                   "unsupported value: -inf"};
  return any_of(message, kMessages);
}

bool is_server_context_error(std::string_view message) {
  static constexpr std::string_view kMessages[] = {
      "too large to process", "exceeds the available context size", "larger than the max context",
      "input length exceeds", "increase the physical batch size"};
  return any_of(message, kMessages);
}

ErrorKind kind_of_bad_request(const ErrorBody& error, std::string_view message) {
  if (is_bad_key(error, message)) return ErrorKind::unauthenticated;
  if (error.param == "dimensions") return ErrorKind::misconfigured;
  if (is_too_large(error, message)) return ErrorKind::too_large;
  if (is_about_model(error, message)) return ErrorKind::misconfigured;
  return ErrorKind::rejected;
}

ErrorKind kind_of(int status, const ErrorBody& error, std::string_view message) {
  if (is_quota(error)) return ErrorKind::quota_exhausted;
  if (error.code.find("slow_down") != std::string::npos || error.code == "rate_limit_exceeded")
    return ErrorKind::rate_limited;
  switch (status) {
    case 200: return ErrorKind::unavailable;
    case 400:
    case 422: return kind_of_bad_request(error, message);
    case 402: return ErrorKind::quota_exhausted;
    case 401:
    case 407: return ErrorKind::unauthenticated;
    case 403: return is_about_model(error, message) ? ErrorKind::misconfigured : ErrorKind::unauthenticated;
    case 408:
    case 409:
    case 421:
    case 424:
    case 425: return ErrorKind::unavailable;
    case 413: return ErrorKind::too_large;
    case 429: return ErrorKind::rate_limited;
    case 451: return ErrorKind::rejected;
    default: break;
  }
  if (status >= 500) {
    if (is_server_context_error(message)) return ErrorKind::too_large;
    return is_permanent_server_error(message) ? ErrorKind::rejected : ErrorKind::unavailable;
  }
  // All other statuses (redirects, 404, 405, 415, …) mean that the address or the form of the request is
  // wrong. No row is at fault.
  return ErrorKind::misconfigured;
}

/// `… Please try again in 2.812s. …`, and Gemini's `Please retry in 34.07s.`
std::optional<Duration> retry_after_in(std::string_view message) {
  for (const std::string_view phrase : {"try again in ", "retry in ", "retry after "}) {
    const std::size_t at = message.find(phrase);
    if (at == std::string_view::npos) continue;
    std::string_view rest = message.substr(at + phrase.size());
    rest = rest.substr(0, rest.find_first_not_of("0123456789.hmsnu\xC2\xB5"));
    while (rest.ends_with('.')) rest.remove_suffix(1);
    if (const auto wait = parse_go_duration(rest)) return wait;
    if (const auto wait = parse_seconds(rest)) return wait;  // Azure: `retry after 3 seconds`
  }
  return std::nullopt;
}

/// `text` without control characters, and without anything like `sk-…`: servers repeat keys, masked or not.
std::string one_line(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (text.substr(i).starts_with("sk-") &&
        (i == 0 || !std::isalnum(static_cast<unsigned char>(text[i - 1])))) {
      out += "***";
      while (i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) > 0x20 && text[i + 1] != '"') ++i;
      continue;
    }
    if (c >= 0x20 && c != 0x7F)
      out.push_back(text[i]);
    else if (!out.empty() && out.back() != ' ')
      out.push_back(' ');
  }
  return out;
}

std::string describe(int status, const ErrorBody& error) {
  if (status >= 300 && status < 400)
    return fmt::format("HTTP {}: redirected, which is not followed; check the endpoint's base_url", status);
  std::string out = status == 200 ? "an error in place of vectors" : fmt::format("HTTP {}", status);
  if (!error.code.empty() && error.code != std::to_string(status)) out += fmt::format(" {}", error.code);
  if (!error.message.empty()) out += fmt::format(": {}", error.message);
  return out;
}

}  // namespace

std::string_view without_bom(std::string_view body) {
  constexpr std::string_view kBom = "\xEF\xBB\xBF";
  return body.starts_with(kBom) ? body.substr(kBom.size()) : body;
}

Error classify(int status, const ResponseHeaders& headers, std::string_view body, std::time_t now) {
  const ErrorBody error = read_body(body);
  const std::string message = lower(error.message);
  Error out{.kind = kind_of(status, error, message), .message = presentable(describe(status, error))};

  if (out.kind == ErrorKind::too_large) out.limits = named_limits(message);

  // With these statuses of a proxy, or an error in place of vectors, the server may have done its work.
  out.billed = status == 200 || status == 408 || status == 502 || status == 504 || status == 524;

  // The server's own advice on retrying. It may clear a row of blame but never blame one: an outage that says
  // "do not retry" must not end in dead letters.
  const std::string_view should_retry = headers.get("x-should-retry");
  if (should_retry == "true" && out.kind == ErrorKind::rejected) out.kind = ErrorKind::unavailable;
  if (should_retry == "false" && out.kind == ErrorKind::rate_limited) out.kind = ErrorKind::quota_exhausted;

  if (out.kind == ErrorKind::rate_limited || out.kind == ErrorKind::unavailable ||
      out.kind == ErrorKind::quota_exhausted) {
    out.retry_after = retry_after(headers, now);
    if (!out.retry_after) out.retry_after = retry_after_in(message);
  }
  return out;
}

std::string_view name_of(Parameter parameter) {
  return parameter == Parameter::encoding_format ? "encoding_format" : "dimensions";
}

std::optional<Parameter> refused_parameter(int status, std::string_view body) {
  if (status != 400 && status != 422) return std::nullopt;
  const ErrorBody error = read_body(body);
  const std::string message = lower(error.message);
  const auto names = [&](std::string_view word) { return message.find(word) != std::string::npos; };
  if (error.param == "encoding_format" || names("encoding_format") || names("encoding format") ||
      names("base64"))
    return Parameter::encoding_format;
  static constexpr std::string_view kUnwanted[] = {"not support", "unsupported", "not permitted",
                                                   "not allowed", "unknown",     "unrecognized",
                                                   "unexpected",  "extra"};
  if (error.param == "dimensions" || error.param == "output_dimension" || names("matryoshka") ||
      (names("dimensions") && any_of(message, kUnwanted)))
    return Parameter::dimensions;
  return std::nullopt;
}

Error classify_transfer(int code, std::string_view detail, std::string_view host) {
  const auto say = [&](std::string_view what) {
    return Error{ErrorKind::unavailable, presentable(fmt::format("{}: {}", host, what)), std::nullopt};
  };
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return say("the name does not resolve (DNS)");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return say("the proxy's name does not resolve; check http_proxy, https_proxy");
    case CURLE_COULDNT_CONNECT: return say(fmt::format("no connection: {}", detail));
    case CURLE_OPERATION_TIMEDOUT: return say(fmt::format("timed out: {}", detail));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM: return say(fmt::format("TLS failed: {}", detail));
    case CURLE_GOT_NOTHING: return say("the connection closed without an answer");
    case CURLE_PARTIAL_FILE: return say("the connection closed in the middle of the answer");
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return say(fmt::format("the connection was lost: {}", detail));
    default: break;
  }
  const std::string_view words = detail.empty() ? curl_easy_strerror(static_cast<CURLcode>(code)) : detail;
  return say(words);
}

std::string presentable(std::string_view text, std::size_t max_bytes) {
  // After the text is on one line and masked, it may contain a piece of a secret that was split before.
  std::string out = redact(one_line(redact(text)));
  // Do not end in the middle of a UTF-8 sequence.
  if (out.size() >= max_bytes) {
    out.resize(max_bytes);
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
    out += "…";
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace embedd::provider
