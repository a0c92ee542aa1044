#include "serve/dashboard_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "app/database.h"
#include "app/search_failure.h"
#include "base/json.h"
#include "base/log.h"
#include "embedded/dashboard.h"
#include "schema/history.h"
#include "search/json_fields.h"
#include "serve/failed.h"
#include "serve/problem.h"
#include "serve/query.h"

namespace embedd::serve {
namespace {

/// The page's scripts and styles are files of this server, and it sends requests to nobody else.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr std::pair<std::string_view, const char*> kTypes[] = {{".html", "text/html; charset=utf-8"},
                                                               {".css", "text/css; charset=utf-8"},
                                                               {".js", "text/javascript; charset=utf-8"},
                                                               {".svg", "image/svg+xml"}};
constexpr std::size_t kMostValue = 4096;
constexpr int kDeadLetters = 100;
constexpr int kMostCounted = 10'000;
constexpr Duration kLongestStatement = seconds(20);

Viewer viewer_of(const Rights& rights, bool has_token) {
  Viewer viewer{.token = rights.name};
  if (!rights.vectorizers.empty())
    viewer.sees = [rights](std::string_view name) { return rights.may_use(name); };
  if (rights.filter)
    viewer.why_no_dead_letters =
        "this token may see only some rows, and dead letters are of all rows: use a token without a filter";
  if (!viewer.why_no_dead_letters.empty())
    viewer.why_no_write = viewer.why_no_dead_letters;
  else if (!has_token)
    viewer.why_no_write =
        "without a token nothing may be changed: set EMBEDD_API_TOKEN, restart the server, and enter the "
        "token here";
  else if (!rights.dead_letters)
    viewer.why_no_write = fmt::format(
        "this token may only read: dead_letters = true in [token.{}] of embedd.toml lets it retry and purge",
        rights.name);
  return viewer;
}

std::string event_of(const StatusFeed::Reading& reading, const Viewer& viewer) {
  if (*reading) return fmt::format("event: status\ndata: {}\n\n", status_json(**reading, &viewer));
  return fmt::format("event: problem\ndata: {}\n\n",
                     JsonWriter().object().key("message").value(reading->error().message).end().str());
}

Result<int> whole(const std::map<std::string, std::string>& query, const std::string& name, int most,
                  int otherwise) {
  const auto found = query.find(name);
  if (found == query.end()) return otherwise;
  int value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > most)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: must be a whole number from 1 to {}", name, most));
  return value;
}

Result<void> check_names(const std::map<std::string, std::string>& query,
                         std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : query) {
    if (std::ranges::find(known, name) == known.end())
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: is not known; there are {}", name, fmt::join(known, ", ")));
    if (value.size() > kMostValue)
      return fail(ErrorKind::invalid_argument, fmt::format("{}: has more than {} bytes", name, kMostValue));
  }
  return {};
}

/// Which dead letters are meant by a body {"kind", "key", "older_than", "newer_than"}, of which one is
/// needed.
Result<schema::DeadLetterFilter> parse_filter(const std::string& body) {
  schema::DeadLetterFilter filter;
  simdjson::dom::parser parser;
  const search::Json root = TRY(search::parse_json(parser, body));
  for (const auto& [name, value] : TRY(root.object())) {
    if (value.type() == simdjson::dom::element_type::NULL_VALUE) continue;
    if (name == "kind")
      filter.kind = TRY(value.text(kMostValue));
    else if (name == "older_than")
      filter.older_than = TRY(value.text(kMostValue));
    else if (name == "newer_than")
      filter.newer_than = TRY(value.text(kMostValue));
    else if (name != "key")
      return value.wrong("is not known; there are kind, key, older_than and newer_than");
    else if (value.type() == simdjson::dom::element_type::STRING)
      filter.key = TRY(value.text(kMostValue));
    else
      filter.key = TRY(value.json(kMostValue));
  }
  if (filter.kind.empty() && filter.key.empty() && filter.older_than.empty() && filter.newer_than.empty())
    return fail(
        ErrorKind::invalid_argument,
        "say which dead letters are meant: kind, key, older_than or newer_than; embedd dead changes all of "
        "a vectorizer");
  return filter;
}

std::string dead_json(const std::vector<schema::DeadLetter>& letters, bool more,
                      const std::map<std::string, std::int64_t>& kinds) {
  JsonWriter json;
  json.object().key("dead_letters").array();
  for (const schema::DeadLetter& letter : letters) {
    json.object()
        .key("key")
        .raw(letter.key)
        .key("kind")
        .value(letter.kind)
        .key("message")
        .value(letter.message);
    json.key("attempts").value(letter.attempts).key("failed_at").value(letter.failed_at).end();
  }
  json.end().key("kinds").object();
  for (const auto& [kind, count] : kinds) json.key(kind).value(count);
  return json.end().key("more").value(more).end().str();
}

std::string history_json(const std::string& name, const schema::History& history) {
  JsonWriter json;
  json.object().key("vectorizer").value(name).key("step_seconds").value(history.step_seconds);
  const auto column = [&](std::string_view key, auto value_of) {
    json.key(key).array();
    for (const schema::HistoryStep& step : history.steps) value_of(step);
    json.end();
  };
  column("at", [&](const auto& step) { json.value(step.at); });
  column("jobs", [&](const auto& step) { json.value(step.jobs); });
  column("dead_letters", [&](const auto& step) { json.value(step.dead_letters); });
  column("rows", [&](const auto& step) { json.value(step.rows); });
  column("tokens", [&](const auto& step) { json.value(step.tokens); });
  for (const auto& [key, share] : {std::pair{"freshness_p50_seconds", 0.5}, {"freshness_p99_seconds", 0.99}})
    column(key, [&, share = share](const auto& step) {
      const auto value = step.fresh.quantile(share);
      value ? json.value(*value) : json.null();
    });
  return json.end().str();
}

}  // namespace

void DashboardApi::handle(HttpReply reply, const HttpRequest& request, const Target& target,
                          const Rights& rights, std::optional<std::size_t> client,
                          std::function<void(HttpReply)> done) {
  if (target.route == Route::page) return done(file(std::move(reply), target.id));
  Viewer viewer = viewer_of(rights, client.has_value());
  switch (target.route) {
    case Route::status: return status(std::move(reply), std::move(viewer), std::move(done));
    case Route::events: return done(events(std::move(reply), std::move(viewer)));
    case Route::history: return history(std::move(reply), request, client, done);
    default: return dead(std::move(reply), request, target, viewer, client, done);
  }
}

HttpReply DashboardApi::file(HttpReply reply, const std::string& name) {
  const auto files = embedded::dashboard();
  const auto found = std::ranges::find(files, name, &embedded::File::name);
  if (found == files.end()) {
    refuse(reply, 404, "not_found", "the dashboard has no such file");
    return reply;
  }
  for (const auto& [suffix, type] : kTypes)
    if (name.ends_with(suffix)) reply.content_type = type;
  reply.headers = {{"Content-Security-Policy", kPolicy}, {"Referrer-Policy", "no-referrer"}};
  reply.body = std::string(found->content);
  return reply;
}

void DashboardApi::status(HttpReply reply, Viewer viewer, Done done) {
  feed_.read(
      [reply = std::move(reply), viewer = std::move(viewer), done = std::move(done)](const auto& reading) {
        HttpReply answer = reply;
        if (!*reading) return done(failed(std::move(answer), app::failure_of(reading->error())));
        answer.body = status_json(**reading, &viewer) + "\n";
        done(std::move(answer));
      });
}

HttpReply DashboardApi::events(HttpReply reply, Viewer viewer) {
  auto counted = std::shared_ptr<void>(nullptr, [watching = watching_](void*) { --*watching; });
  if (++*watching_ > kMostWatching) {
    refuse(reply, 429, "too_many_requests",
           fmt::format("{} dashboards are open, as many as may be; close one, or try again later",
                       kMostWatching));
    reply.headers.emplace_back("Retry-After", "30");
    return reply;
  }
  reply.content_type = "text/event-stream";
  reply.headers = {{"X-Accel-Buffering", "no"}};  // a proxy must not collect events
  reply.events = [this, counted, viewer = std::move(viewer)](EventSink sink) {
    const std::uint64_t id =
        feed_.add([viewer, sink = std::move(sink)](const auto& reading) { sink(event_of(reading, viewer)); });
    return std::shared_ptr<void>(nullptr, [this, id, counted](void*) { feed_.remove(id); });
  };
  return reply;
}

void DashboardApi::history(HttpReply reply, const HttpRequest& request, std::optional<std::size_t> client,
                           const Done& done) {
  const auto read = [&]() -> Result<int> {
    const auto query = TRY(query_of(request.target));
    TRY(check_names(query, {"minutes"}));
    return whole(query, "minutes", schema::kHistoryMinutes, 60);
  };
  const auto minutes = read();
  if (!minutes) return done(failed(std::move(reply), {"invalid_request", minutes.error()}));
  run(
      std::move(reply), client,
      [minutes = *minutes](pg::Connection& db, const schema::VectorizerInfo& info) -> Result<std::string> {
        return history_json(info.name, TRY(schema::read_history(db, info.id, minutes)));
      },
      done);
}

void DashboardApi::dead(HttpReply reply, const HttpRequest& request, const Target& target,
                        const Viewer& viewer, std::optional<std::size_t> client, const Done& done) {
  const std::string& why_not = target.posts() ? viewer.why_no_write : viewer.why_no_dead_letters;
  if (!why_not.empty())
    return done(failed(std::move(reply), {"forbidden", {ErrorKind::unauthenticated, why_not}}));
  if (target.posts()) {
    auto filter = parse_filter(request.body);
    if (!filter) return done(failed(std::move(reply), {"invalid_request", std::move(filter.error())}));
    filter->vectorizer = target.vectorizer;
    const auto change =
        target.route == Route::dead_retry ? schema::retry_dead_letters : schema::purge_dead_letters;
    return run(
        std::move(reply), client,
        [filter = *std::move(filter), change](pg::Connection& db, const auto&) -> Result<std::string> {
          const std::int64_t rows = TRY(change(db, filter));
          return JsonWriter().object().key("rows").value(rows).end().str();
        },
        done);
  }
  int limit = kDeadLetters;
  const auto read = [&]() -> Result<schema::DeadLetterFilter> {
    auto query = TRY(query_of(request.target));
    TRY(check_names(query, {"kind", "key", "older_than", "newer_than", "limit"}));
    limit = TRY(whole(query, "limit", kMostDeadLetters, kDeadLetters));
    return schema::DeadLetterFilter{target.vectorizer, query["key"], query["kind"], query["older_than"],
                                    query["newer_than"]};
  };
  auto filter = read();
  if (!filter) return done(failed(std::move(reply), {"invalid_request", std::move(filter.error())}));
  run(
      std::move(reply), client,
      [filter = *std::move(filter), limit](pg::Connection& db,
                                           const schema::VectorizerInfo& info) -> Result<std::string> {
        std::vector<schema::DeadLetter> letters;
        TRY(schema::visit_dead_letters(db, filter, limit + 1,
                                       [&](const schema::DeadLetter& letter) { letters.push_back(letter); }));
        const bool more = letters.size() > static_cast<std::size_t>(limit);
        if (more) letters.pop_back();
        return dead_json(letters, more, TRY(schema::count_dead_letters(db, info.id, kMostCounted)));
      },
      done);
}

void DashboardApi::run(HttpReply reply, std::optional<std::size_t> client, Work work, const Done& done) {
  using Started = BlockingCalls::Started;
  const auto refused = [&](int status, std::string_view code, std::string_view detail) {
    HttpReply out = reply;
    refuse(out, status, code, detail);
    out.headers.emplace_back("Retry-After", "1");
    return out;
  };
  auto call = [this, reply, work = std::move(work)]() mutable {
    auto db = app::connect_for_server(settings_, kLongestStatement);
    if (!db) {
      log::warn("database_unavailable", {{"connection", "dashboard"}, {"message", db.error().message}});
      return failed(std::move(reply),
                    {"unavailable",
                     {db.error().kind, "the database cannot be used now; the log of embedd serve says why"}});
    }
    const std::string name = reply.vectorizer;
    const auto info = schema::find_vectorizer(*db, name);
    if (!info && info.error().kind == ErrorKind::invalid_argument)
      return failed(std::move(reply), app::no_vectorizer(name));
    if (!info) return failed(std::move(reply), app::failure_of(info.error()));
    auto body = work(*db, *info);
    if (!body) return failed(std::move(reply), app::failure_of(body.error()));
    reply.body = *std::move(body) + "\n";
    return std::move(reply);
  };
  const Started started =
      calls_.run(client, std::move(call), refused(503, "deadline", "the database took too long"), done);
  if (started == Started::yes) return;
  const bool of_one = started == Started::too_many_of_one;
  done(refused(of_one ? 429 : 503, "too_many_requests",
               of_one
                   ? "as many requests of this token are being answered as may be; try again in a second"
                   : "as many requests of dashboards are being answered as may be; try again in a second"));
}

}  // namespace embedd::serve
