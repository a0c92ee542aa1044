#include "serve/traces_api.h"

#include <string>
#include <utility>

#include "search/trace_request.h"
#include "serve/failed.h"
#include "serve/traces_json.h"

namespace embedd::serve {
namespace {

/// Answers with `body(value)`, or with the failure.
template <typename T, typename Body>
app::TraceService::Done<T> answering(HttpReply reply, std::function<void(HttpReply)> done, Body body) {
  return [reply = std::move(reply), done = std::move(done), body](auto value) mutable {
    if (!value) return done(failed(std::move(reply), value.error(), TracesApi::kInvalid));
    reply.body = body(*value);
    done(std::move(reply));
  };
}

}  // namespace

void TracesApi::handle(HttpReply reply, const HttpRequest& request, const Target& target,
                       const Rights& rights, std::function<void(HttpReply)> done) {
  const std::string vectorizer(app::TraceService::kVectorizer);
  if (!rights.may_use(vectorizer)) return done(failed(std::move(reply), app::no_vectorizer(vectorizer)));
  reply.vectorizer = vectorizer;
  if (target.route == Route::traces_search) return search(std::move(reply), request, rights, std::move(done));
  if (target.route == Route::trace_add) return add(std::move(reply), request, rights, std::move(done));
  if (target.route == Route::tags)
    return service_.tags(rights.filter,
                         answering<std::vector<std::string>>(std::move(reply), std::move(done), tags_json));
  service_.read(target.id, rights.filter,
                answering<search::Trace>(std::move(reply), std::move(done), trace_json));
}

void TracesApi::search(HttpReply reply, const HttpRequest& request, const Rights& rights, Done done) {
  auto query = search::parse_trace_query(request.body);
  if (!query) return done(failed(std::move(reply), {"invalid_request", std::move(query.error())}, kInvalid));
  query->mandatory = rights.filter;
  const auto answer = [this, began = request.began, tagged = !query->tags.empty(), q = query->q,
                       reply = std::move(reply), done = std::move(done)](auto found) mutable {
    metrics_.traces_searched(tagged, std::chrono::steady_clock::now() - began);
    if (!found) return done(failed(std::move(reply), found.error(), kInvalid));
    reply.hits = static_cast<int>(found->traces.size());
    if (found->degraded) {
      metrics_.degraded(found->degraded->leg, found->degraded->reason);
      reply.code = "degraded_" + found->degraded->reason;
    }
    reply.body = traces_json(*found, q);
    done(std::move(reply));
  };
  service_.search(*std::move(query), answer);
}

void TracesApi::add(HttpReply reply, const HttpRequest& request, const Rights& rights, Done done) {
  if (std::string why = rights.read_only(); !why.empty())
    return done(failed(std::move(reply), {"forbidden", {ErrorKind::unauthenticated, std::move(why)}}));
  auto trace = search::parse_new_trace(request.body);
  if (!trace) return done(failed(std::move(reply), {"invalid_request", std::move(trace.error())}, kInvalid));
  trace->contributor = rights.contributor;
  reply.status = 202;
  service_.add(*std::move(trace),
               answering<search::AddedTrace>(std::move(reply), std::move(done), added_json));
}

}  // namespace embedd::serve
