/// What an HTTP answer that is not an embedding means. Pure.
///
/// Kinds, by what the answer says rather than by its number alone, since compatible servers misuse both:
///
///   unavailable      408, 409, 424, 425, 5xx, an error without a reason: back off
///   rate_limited     429, `slow_down`
///   quota_exhausted  402, `insufficient_quota` and its relatives, whatever the status
///   too_large        413, and messages about context length, tokens or batch size, llama.cpp's 500 included
///   rejected         other 400 and 422, and Ollama's 500 for a NaN: this content will never be accepted
///   unauthenticated  401, 403, 407, an invalid key
///   misconfigured    404, 405, redirects, an unknown model, refused dimensions
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "provider/headers.h"

namespace embedd::provider {

/// The error that `status`, `headers` and `body` stand for; `status` 200 is for a body that holds an error
/// object. Its message is one printable line of at most 300 bytes, without a secret that is configured or
/// anything else that looks like a key.
Error classify(int status, const ResponseHeaders& headers, std::string_view body, std::time_t now);

/// A parameter of a request that is our choice. A server that refuses it may do well without.
enum class Parameter { encoding_format, dimensions };
std::string_view name_of(Parameter parameter);

/// Which of them the server refuses with that answer, if it is one. Whether it would take another value is
/// not looked at: what comes without the parameter is checked all the same.
std::optional<Parameter> refused_parameter(int status, std::string_view body);

/// The error of a transfer that ended without an answer. `code` is a CURLcode, `detail` libcurl's own words,
/// `host` for the message.
Error classify_transfer(int code, std::string_view detail, std::string_view host);

/// `text` on one line, control characters replaced, secrets and what looks like a key masked, and only then
/// cut to `max_bytes`.
std::string presentable(std::string_view text, std::size_t max_bytes = 300);

/// A body without the byte order mark that some servers put before their JSON.
std::string_view without_bom(std::string_view body);

}  // namespace embedd::provider
