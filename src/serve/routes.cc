#include "serve/routes.h"

#include "base/json.h"

namespace embedd::serve {

HttpResponse problem(int status, std::string_view title, std::string_view detail) {
  JsonWriter json;
  json.object().key("type").value("about:blank").key("title").value(title);
  json.key("status").value(status).key("detail").value(detail).end();
  return {status, "application/problem+json", json.str() + "\n", ""};
}

HttpResponse Routes::handle(std::string_view method, std::string_view target) const {
  const std::string_view path = target.substr(0, target.find('?'));
  if (path != "/livez" && path != "/readyz" && path != "/metrics")
    return problem(404, "Not Found", "there are /livez, /readyz and /metrics");
  if (method != "GET" && method != "HEAD") {
    HttpResponse response = problem(405, "Method Not Allowed", "use GET or HEAD");
    response.allow = "GET, HEAD";
    return response;
  }
  if (path == "/livez") return livez();
  if (path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text(), ""};
  return readyz();
}

HttpResponse Routes::livez() const {
  const observe::Health::Report report = health_.report();
  JsonWriter json;
  json.object().key("status").value(report.stuck ? "stuck" : "alive");
  json.key("loop_age_seconds").value(report.loop_age_seconds).end();
  return {report.stuck ? 503 : 200, "application/json", json.str() + "\n", ""};
}

HttpResponse Routes::readyz() const {
  const observe::Health::Report report = health_.report();
  const auto word = [](bool good) { return good ? "ok" : "failing"; };
  JsonWriter json;
  json.object().key("status").value(!report.ready() ? "unready" : report.degraded() ? "degraded" : "ready");
  json.key("database").value(word(report.database)).key("schema").value(word(report.schema));
  json.key("loop").value(word(report.loop)).key("loop_age_seconds").value(report.loop_age_seconds);
  json.key("endpoints").object();
  for (const auto& [name, state] : report.endpoints) json.key(name).value(name_of(state));
  json.end().end();
  return {report.ready() ? 200 : 503, "application/json", json.str() + "\n", ""};
}

}  // namespace embedd::serve
