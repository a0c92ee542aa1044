#include "serve/problem.h"

#include <algorithm>
#include <cctype>

#include "base/json.h"
#include "serve/target.h"

namespace embedd::serve {
namespace {

std::string title_of(std::string_view code) {
  std::string title(code);
  std::ranges::replace(title, '_', ' ');
  if (!title.empty()) title.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return title;
}

/// "filter.and[0].op: must be …" names a field; "the body is empty" does not.
std::string_view field_of(std::string_view detail) {
  const std::size_t colon = detail.find(": ");
  if (colon == std::string_view::npos) return "";
  const std::string_view field = detail.substr(0, colon);
  return field.find(' ') == std::string_view::npos ? field : "";
}

}  // namespace

void refuse(HttpReply& reply, int status, std::string_view code, std::string_view detail) {
  JsonWriter json;
  json.object().key("type").value("urn:embedd:problem:" + std::string(code));
  json.key("title").value(title_of(code)).key("status").value(status).key("detail").value(detail);
  if (const auto field = field_of(detail); code == "invalid_request" && !field.empty()) {
    json.key("errors").array().object().key("field").value(field);
    json.key("message").value(detail.substr(field.size() + 2)).end().end();
  }
  if (reply.route == name_of(Route::embeddings)) {  // what OpenAI's clients show
    json.key("error").object().key("message").value(detail).key("type").value(code);
    json.key("code").value(code).end();
  }
  reply.status = status;
  reply.code = code;
  reply.content_type = "application/problem+json";
  reply.body = json.end().str() + "\n";
}

int status_of(std::string_view code, int invalid) {
  // A query that the model refuses now will be refused later, too.
  if (code == "invalid_request" || code == "too_large" || code == "rejected") return invalid;
  if (code == "forbidden") return 403;
  if (code == "not_found") return 404;
  if (code == "no_vector") return 409;
  if (code == "internal") return 500;
  return 503;
}

HttpReply problem_reply(int status, std::string_view code, std::string_view detail) {
  HttpReply reply;
  refuse(reply, status, code, detail);
  return reply;
}

}  // namespace embedd::serve
