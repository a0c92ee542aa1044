#include "mcp/trace_tools.h"

#include <fmt/format.h>

#include <vector>

#include "base/json.h"
#include "base/readable.h"
#include "mcp/traces_text.h"
#include "search/trace_request.h"

namespace embedd::mcp {
namespace {

constexpr std::size_t kMostArgument = 1 << 20;

/// The arguments as a request's body. `taken`: reads one of the tool's own, and says so.
template <typename Take>
Result<std::string> body_of(const Arguments& arguments, Take taken) {
  JsonWriter body;
  body.object();
  for (const auto& [name, value] : TRY(fields_of(arguments)))
    if (!TRY(taken(name, value))) body.key(name).raw(TRY(value.json(kMostArgument)));
  return body.end().str();
}

/// The answer to a search by meaning alone that cannot be made.
std::string no_search(const app::SearchFailure& failure) {
  return fmt::format(
      "[meaning search unavailable: {}] Search with tags instead of q, which works all the same; list_tags "
      "shows which tags there are.\n",
      printable(failure.error.message, 2000));
}

}  // namespace

TraceTools::Tool TraceTools::tool_named(std::string_view name) {
  if (name == "search_traces") return &TraceTools::search_traces;
  if (name == "get_trace") return &TraceTools::get_trace;
  if (name == "list_tags") return &TraceTools::list_tags;
  if (name == "contribute_trace") return &TraceTools::contribute_trace;
  return nullptr;
}

bool TraceTools::may_use() const { return !scope_.may_use || scope_.may_use(app::TraceService::kVectorizer); }

bool TraceTools::offers(std::string_view name) const {
  const Tool tool = tool_named(name);
  if (tool == nullptr) return true;
  if (!may_use() || (tool == &TraceTools::contribute_trace && !scope_.read_only.empty())) return false;
  return app::wait_for<bool>([this](auto done) { service_.declared(std::move(done)); }).value_or(false);
}

std::optional<ToolResult> TraceTools::call(std::string_view name, const Arguments& arguments) {
  const Tool tool = tool_named(name);
  if (tool == nullptr) return std::nullopt;
  ToolResult result;
  if (!may_use()) {
    auto refused = failed(app::no_vectorizer(app::TraceService::kVectorizer), result);
    return finished(std::move(result), std::move(refused));
  }
  result.vectorizer = app::TraceService::kVectorizer;
  auto text = (this->*tool)(arguments, result);
  return finished(std::move(result), std::move(text));
}

Result<std::string> TraceTools::search_traces(const Arguments& arguments, ToolResult& result) {
  TraceDetail detail{.text_bytes = kBrief};
  const auto take = [&](std::string_view name, const search::Json& value) -> Result<bool> {
    if (name != "detail") return false;
    detail.text_bytes = TRY(bytes_of_detail(value));
    detail.full = detail.text_bytes == kFull;
    return true;
  };
  search::TraceQuery query = TRY(search::parse_trace_query(TRY(body_of(arguments, take))));
  query.mandatory = scope_.filter;
  result.tagged = !query.tags.empty();
  const auto find = [&] {
    return app::wait_for<app::TracesFound>([&](auto done) { service_.search(query, std::move(done)); });
  };
  auto found = find();
  if (!found && found.error().no_vector) {
    const app::SearchFailure failure = std::move(found.error());
    if (query.tags.empty()) {
      result.failed = true;
      result.code = failure.code;
      return no_search(failure);
    }
    query.q.clear();
    found = find();
    if (found)
      found->degraded = app::Degraded{"vector", failure.code, printable(failure.error.message, 2000)};
  }
  if (!found) return failed(std::move(found.error()), result);
  result.hits = found->traces.size();
  result.degraded = found->degraded;
  return traces_text(*found, !found->model.empty(), detail, kMostBytes);
}

Result<std::string> TraceTools::get_trace(const Arguments& arguments, ToolResult& result) {
  std::string id;
  int from = 0;
  for (const auto& [name, value] : TRY(fields_of(arguments))) {
    if (name == "id")
      id = TRY(value.text(100));
    else if (name == "from")
      from = TRY(value.whole(0, 100'000'000));
    else
      return value.wrong("is not known; there are id and from");
  }
  if (id.empty())
    return fail(ErrorKind::invalid_argument, "id: is missing; a trace of search_traces has one");
  const auto trace =
      TRY(wait<search::Trace>(result, [&](auto done) { service_.read(id, scope_.filter, std::move(done)); }));
  return trace_text(trace, static_cast<std::size_t>(from), kMostBytes);
}

Result<std::string> TraceTools::list_tags(const Arguments& arguments, ToolResult& result) {
  std::string part;
  for (const auto& [name, value] : TRY(fields_of(arguments))) {
    if (name != "contains") return value.wrong("is not known; there is contains");
    part = TRY(value.text(200, true));
  }
  const auto tags = TRY(wait<std::vector<std::string>>(
      result, [&](auto done) { service_.tags(scope_.filter, std::move(done)); }));
  return tags_text(tags, part, kMostBytes);
}

Result<std::string> TraceTools::contribute_trace(const Arguments& arguments, ToolResult& result) {
  if (!scope_.read_only.empty())
    return failed({"forbidden", {ErrorKind::unauthenticated, scope_.read_only}}, result);
  const auto none = [](std::string_view, const search::Json&) -> Result<bool> { return false; };
  search::NewTrace trace = TRY(search::parse_new_trace(TRY(body_of(arguments, none))));
  trace.contributor = scope_.contributor;
  const auto added = TRY(
      wait<search::AddedTrace>(result, [&](auto done) { service_.add(std::move(trace), std::move(done)); }));
  return fmt::format(
      "The trace is stored: id {}{}. Searches find it by its meaning once it has its vector.\n", added.id,
      added.status.empty() ? "" : ", status " + printable(added.status, 100));
}

}  // namespace embedd::mcp
