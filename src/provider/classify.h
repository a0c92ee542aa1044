/// Says what an HTTP answer that is not an embedding means. Pure.
///
/// The kind follows from the whole answer, not from its status alone, because compatible servers misuse
/// statuses:
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

/// The error of `status`, `headers` and `body`; status 200 means that the body contains an error object. The
/// message is one printable line of at most 300 bytes, without configured secrets and without anything that
/// looks like a key.
Error classify(int status, const ResponseHeaders& headers, std::string_view body, std::time_t now);

/// An optional parameter of a request. A server that refuses the parameter may work without it.
enum class Parameter { encoding_format, dimensions };
std::string_view name_of(Parameter parameter);

/// The parameter that the server refuses with this answer, if any. A refused value counts as a refused
/// parameter: the answer to a request without the parameter is checked in full.
std::optional<Parameter> refused_parameter(int status, std::string_view body);

/// The error of a transfer that ended without an answer. `code` is a CURLcode, `detail` is libcurl's message,
/// `host` is named in the error's message.
Error classify_transfer(int code, std::string_view detail, std::string_view host);

/// `text` on one line, control characters replaced, secrets and anything that looks like a key masked, and
/// only then cut to `max_bytes`.
std::string presentable(std::string_view text, std::size_t max_bytes = 300);

/// A body without the byte order mark that some servers put before their JSON.
std::string_view without_bom(std::string_view body);

}  // namespace embedd::provider
