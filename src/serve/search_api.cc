#include "serve/search_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "base/loopback.h"
#include "embedded/openapi.h"
#include "search/request.h"
#include "serve/failed.h"
#include "serve/host.h"
#include "serve/problem.h"
#include "serve/search_json.h"

namespace embedd::serve {
namespace {

constexpr Duration kHealthLives = seconds(1);

bool is_json(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  std::erase(type, ' ');
  std::ranges::transform(type, type.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type.empty() || type == "application/json";
}

std::vector<app::Listed> usable(const std::vector<app::Listed>& listed, const Rights& rights) {
  std::vector<app::Listed> out;
  std::ranges::copy_if(listed, std::back_inserter(out),
                       [&](const app::Listed& each) { return rights.may_use(each.info.name); });
  return out;
}

/// What clients of the first user's server are told to wait.
constexpr const char* kTracesRetryAfter = "60";

}  // namespace

SearchApi::SearchApi(app::SearchService& service, McpApi& mcp, TracesApi& traces, DashboardApi& dashboard,
                     observe::RequestMetrics& metrics, Tokens tokens, Limits limits, const Routes* worker,
                     redis::Client* redis)
    : service_(service),
      mcp_(mcp),
      traces_(traces),
      dashboard_(dashboard),
      metrics_(metrics),
      worker_(worker),
      tokens_(std::move(tokens)),
      limits_(limits),
      active_of_(std::max<std::size_t>(tokens_.clients(), 1)),
      rates_(tokens_, redis) {}

HttpReply SearchApi::refusal(int status, std::string_view code, std::string_view message) {
  return problem_reply(status, code, message);
}

std::optional<HttpReply> SearchApi::admit(const HttpRequest& head, std::shared_ptr<void>& permit) {
  const Target target = target_of(head.target);
  const auto refused = [&](HttpReply reply) {
    reply.route = name_of(target.route);
    if (reply.status == 429 && target.of_traces()) reply.headers = {{"Retry-After", kTracesRetryAfter}};
    return reply;
  };
  if (target.route == Route::unknown || (target.route == Route::worker && worker_ == nullptr))
    return refusal(
        404, "not_found",
        "there are POST /v1/vectorizers/NAME/search, POST /v1/vectorizers/NAME/embed, POST /v1/embeddings, "
        "POST /mcp, POST /v1/traces, POST /v1/traces/search, GET /v1/traces/ID, "
        "/v1/tags, /v1/vectorizers, /v1/status, /healthz, /metrics, in a worker /livez and /readyz, and / "
        "for "
        "browsers; /openapi.json describes them");
  if (target.posts() ? head.method != "POST" : head.method != "GET" && head.method != "HEAD") {
    HttpReply reply = refusal(405, "method_not_allowed", target.posts() ? "use POST" : "use GET");
    reply.headers.emplace_back("Allow", target.posts() ? "POST" : "GET, HEAD");
    return refused(std::move(reply));
  }
  if (!target.guarded()) return std::nullopt;
  if (!is_own_origin(head.origin, head.host))
    return refused(refusal(403, "forbidden",
                           "a web page of another host must not ask: its Origin differs from the Host"));
  std::size_t client = 0;
  if (auto reply = check_token(head, client)) return refused(std::move(*reply));
  if (target.posts() && !is_json(head.content_type))
    return refused(refusal(415, "not_json", "send the body with the header Content-Type: application/json"));
  if (auto reply = check_rate(client, head.began)) return refused(std::move(*reply));
  if (target.route == Route::events) return std::nullopt;  // DashboardApi counts those
  if (auto reply = take_permit(client, permit)) return refused(std::move(*reply));
  return std::nullopt;
}

std::optional<HttpReply> SearchApi::check_token(const HttpRequest& head, std::size_t& client) const {
  if (tokens_.empty()) {
    if (is_loopback(host_of(head.host))) return std::nullopt;
    return problem_reply(
        403, "forbidden",
        "without a token only requests for localhost are answered: set EMBEDD_API_TOKEN, or ask "
        "for localhost");
  }
  const auto found = tokens_.find(head.authorization, head.api_key);
  if (found) {
    client = *found;
    return std::nullopt;
  }
  HttpReply reply =
      problem_reply(401, "unauthenticated",
                    "send the header Authorization: Bearer TOKEN, or X-API-Key: TOKEN, with a token of "
                    "EMBEDD_API_TOKEN");
  reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  return reply;
}

const Rights& SearchApi::rights_of(const HttpRequest& request) const {
  if (tokens_.empty()) return everything_;
  const auto client = tokens_.find(request.authorization, request.api_key);
  return client ? tokens_.rights(*client) : nothing_;
}

std::optional<HttpReply> SearchApi::check_rate(std::size_t client, Instant now) {
  if (tokens_.empty()) return std::nullopt;
  const auto wait = rates_.wait(client, now);
  if (!wait) return std::nullopt;
  metrics_.limited();
  HttpReply reply = refusal(429, "too_many_requests",
                            fmt::format("this token may make {} requests a minute; try again later",
                                        tokens_.rights(client).requests_per_minute));
  reply.headers.emplace_back("Retry-After", fmt::format("{:.0f}", std::ceil(to_seconds(*wait))));
  return reply;
}

std::optional<HttpReply> SearchApi::take_permit(std::size_t client, std::shared_ptr<void>& permit) {
  const int all = ++active_, of_client = ++active_of_[client];
  permit = std::shared_ptr<void>(nullptr, [this, client](void*) {
    --active_of_[client];
    metrics_.active(static_cast<std::size_t>(--active_));
  });
  metrics_.active(static_cast<std::size_t>(all));
  const bool too_many = all > limits_.requests;
  if (!too_many && (tokens_.empty() || of_client <= limits_.requests_of_a_token)) return std::nullopt;
  permit.reset();
  metrics_.limited();
  HttpReply reply =
      refusal(429, "too_many_requests",
              too_many ? fmt::format("{} requests are under way; try again in a second", limits_.requests)
                       : fmt::format("{} requests of this token are under way; try again in a second",
                                     limits_.requests_of_a_token));
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

std::optional<std::uint64_t> SearchApi::most_body(const HttpRequest& head) {
  const Target target = target_of(head.target);
  if (target.route == Route::mcp) return McpApi::kMostBody;
  if (target.of_traces()) return TracesApi::kMostBody;
  return std::nullopt;
}

void SearchApi::handle(HttpRequest request, std::function<void(HttpReply)> done) {
  const Target target = target_of(request.target);
  HttpReply reply{.route = name_of(target.route), .vectorizer = target.vectorizer};
  if (!target.vectorizer.empty() && !rights_of(request).may_use(target.vectorizer))
    return done(failed(std::move(reply), app::no_vectorizer(target.vectorizer)));
  if (target.of_traces())
    return traces_.handle(std::move(reply), request, target, rights_of(request), std::move(done));
  if (target.of_dashboard())
    return dashboard_.handle(std::move(reply), request, target, rights_of(request),
                             tokens_.find(request.authorization, request.api_key), std::move(done));
  switch (target.route) {
    case Route::search: return search(std::move(reply), request, std::move(done));
    case Route::embed: return embed(std::move(reply), request, std::move(done));
    case Route::embeddings: return embeddings(std::move(reply), request, std::move(done));
    case Route::mcp:
      return mcp_.handle(std::move(reply), request, rights_of(request), tokens_.find(request.authorization),
                         std::move(done));
    case Route::list: return list(std::move(reply), request, std::move(done));
    case Route::health: return health(std::move(reply), std::move(done));
    case Route::metrics:
      reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
      reply.body = metrics_.text();
      if (worker_ != nullptr) reply.body += worker_->handle("GET", "/metrics").body;
      return done(std::move(reply));
    case Route::worker: return done(of_worker(std::move(reply), request));
    default: reply.body = std::string(embedded::openapi().front().content); return done(std::move(reply));
  }
}

void SearchApi::search(HttpReply reply, const HttpRequest& request, Done done) {
  auto parsed = search::parse_request(request.body);
  if (!parsed) return done(failed(std::move(reply), {"invalid_request", std::move(parsed.error())}));
  parsed->mandatory = rights_of(request).filter;
  const std::string vectorizer = reply.vectorizer;
  service_.search(vectorizer, *std::move(parsed),
                  [this, reply = std::move(reply), done = std::move(done)](auto answer) mutable {
                    if (!answer) return done(failed(std::move(reply), answer.error()));
                    if (answer->degraded) metrics_.degraded(answer->degraded->leg, answer->degraded->reason);
                    if (answer->degraded) reply.code = "degraded_" + answer->degraded->reason;
                    reply.hits = static_cast<int>(answer->found.hits.size());
                    reply.body = search_json(*answer);
                    done(std::move(reply));
                  });
}

void SearchApi::embed(HttpReply reply, const HttpRequest& request, Done done) {
  auto parsed = search::parse_embed_request(request.body);
  if (!parsed) return done(failed(std::move(reply), {"invalid_request", std::move(parsed.error())}));
  const std::string vectorizer = reply.vectorizer;
  const bool base64 = parsed->base64;
  service_.embed(vectorizer, *std::move(parsed),
                 [reply = std::move(reply), done = std::move(done), base64](auto answer) mutable {
                   if (!answer) return done(failed(std::move(reply), answer.error()));
                   reply.body = vector_json(*answer, base64);
                   done(std::move(reply));
                 });
}

void SearchApi::embeddings(HttpReply reply, const HttpRequest& request, Done done) {
  auto parsed = search::parse_embeddings_request(request.body);
  if (!parsed) return done(failed(std::move(reply), {"invalid_request", std::move(parsed.error())}));
  const bool base64 = parsed->base64;
  service_.embed_for_model(
      *std::move(parsed),
      [&rights = rights_of(request)](const std::string& vectorizer) { return rights.may_use(vectorizer); },
      [reply = std::move(reply), done = std::move(done), base64](auto answer) mutable {
        if (!answer) return done(failed(std::move(reply), answer.error()));
        reply.body = embeddings_json(*answer, base64);
        done(std::move(reply));
      });
}

void SearchApi::list(HttpReply reply, const HttpRequest& request, Done done) {
  service_.list(
      [&rights = rights_of(request), reply = std::move(reply), done = std::move(done)](auto listed) mutable {
        if (!listed) return done(failed(std::move(reply), listed.error()));
        reply.body = list_json(usable(*listed, rights));
        done(std::move(reply));
      });
}

void SearchApi::health(HttpReply reply, Done done) {
  const auto answer = [](HttpReply to, bool up, const std::string& message) {
    to.body = "{\"status\":\"ok\"}\n";
    if (up) return to;
    refuse(to, 503, "unavailable", message);
    to.headers.emplace_back("Retry-After", "1");
    return to;
  };
  {
    const std::lock_guard lock(health_.mutex);
    const Instant now = std::chrono::steady_clock::now();
    const bool known = health_.asked != Instant{} && (health_.asking || now < health_.asked + kHealthLives);
    if (known) return done(answer(std::move(reply), health_.up, health_.message));
    health_.asking = true;
    health_.asked = now;
  }
  service_.check([this, answer, reply = std::move(reply), done = std::move(done)](auto up) mutable {
    const std::string message = up ? "" : up.error().error.message;
    {
      const std::lock_guard lock(health_.mutex);
      health_.asking = false;
      health_.asked = std::chrono::steady_clock::now();
      health_.up = up.has_value();
      health_.message = message;
    }
    done(answer(std::move(reply), up.has_value(), message));
  });
}

HttpReply SearchApi::of_worker(HttpReply reply, const HttpRequest& request) const {
  HttpResponse response = worker_->handle(request.method, request.target);
  reply.status = response.status;
  reply.content_type = std::move(response.content_type);
  reply.body = std::move(response.body);
  return reply;
}

void SearchApi::answered(const HttpRequest& head, const HttpReply& reply) {
  const Duration took = std::chrono::steady_clock::now() - head.began;
  metrics_.answered(reply.route, reply.status, took);
  // Probes and scrapes come every few seconds, for ever; the metrics count them.
  const bool routine = reply.route == "healthz" || reply.route == "worker" || reply.route == "metrics";
  if (routine && reply.status == 200) return;
  const double ms = std::round(1e6 * to_seconds(took)) / 1000;
  const std::string& token = rights_of(head).name;
  if (!reply.fault.empty())
    log::warn("http_request", {{"request_id", head.id},
                               {"route", reply.route},
                               {"status", reply.status},
                               {"took_ms", ms},
                               {"vectorizer", reply.vectorizer},
                               {"token", token},
                               {"code", reply.code},
                               {"error", reply.fault}});
  else
    log::info("http_request", {{"request_id", head.id},
                               {"route", reply.route},
                               {"status", reply.status},
                               {"took_ms", ms},
                               {"vectorizer", reply.vectorizer},
                               {"token", token},
                               {"hits", reply.hits},
                               {"code", reply.code}});
}

}  // namespace embedd::serve
