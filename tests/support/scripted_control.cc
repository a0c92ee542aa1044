#include "support/scripted_control.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.h"

namespace embedd::test {

namespace {

namespace dom = simdjson::dom;

template <typename T>
std::optional<T> read(const dom::object& object, std::string_view name) {
  T value{};
  if (object[name].get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

/// One scripted answer; an unknown fault is reported through `problem`.
Answer read_answer(const dom::object& object, std::string& problem) {
  Answer answer;
  const auto status = read<std::int64_t>(object, "status");
  const auto message = read<std::string_view>(object, "message").value_or("scripted");
  if (const auto code = read<std::string_view>(object, "code"))
    answer = Answer::error(static_cast<int>(status.value_or(400)), *code, message);
  if (status) answer.status = static_cast<int>(*status);
  if (const auto text = read<std::string_view>(object, "body")) answer.body = *text;
  if (const auto name = read<std::string_view>(object, "fault")) {
    if (const auto fault = fault_named(*name))
      answer.fault = *fault;
    else
      problem = fmt::format("unknown fault {}", *name);
  }
  if (const auto headers = read<dom::object>(object, "headers"))
    for (const auto& [name, value] : *headers) answer.headers.emplace_back(name, std::string_view(value));
  return answer;
}

void apply_settings(ScriptedProvider& provider, const dom::object& root) {
  if (read<bool>(root, "forgive").value_or(false)) provider.forgives();
  if (const auto latency = read<double>(root, "latency_ms"))
    provider.set_latency(Duration(static_cast<std::int64_t>(*latency * 1e6)));
  if (const auto pace = read<double>(root, "texts_per_second")) provider.set_texts_per_second(*pace);
  if (const auto key = read<std::string_view>(root, "key")) provider.set_key(std::string(*key));
  if (const auto inputs = read<std::int64_t>(root, "max_inputs"))
    provider.set_max_inputs(static_cast<std::size_t>(*inputs));
  const auto requests = read<std::int64_t>(root, "requests_per_minute");
  const auto tokens = read<std::int64_t>(root, "tokens_per_minute");
  if (requests || tokens) provider.set_rate_limits(requests.value_or(0), tokens.value_or(0));
  if (const auto hold = read<bool>(root, "hold")) *hold ? provider.hold() : provider.release();
}

std::string apply(ScriptedProvider& provider, const dom::object& root) {
  apply_settings(provider, root);
  std::string problem;
  if (const auto next = read<dom::array>(root, "next"))
    for (const dom::element element : *next) {
      const dom::object object = element;
      provider.answers_next(static_cast<int>(read<std::int64_t>(object, "times").value_or(1)),
                            read_answer(object, problem));
    }
  if (const auto always = read<dom::object>(root, "always"))
    provider.answers_always(read_answer(*always, problem));
  else if (root["always"].error() == simdjson::SUCCESS)
    provider.answers_always(std::nullopt);
  if (const auto poison = read<dom::array>(root, "poison"))
    for (const dom::element element : *poison) {
      const dom::object object = element;
      provider.poisons(std::string(read<std::string_view>(object, "text").value_or("")),
                       read_answer(object, problem));
    }
  return problem;
}

std::string stats_json(const ProviderStats& stats) {
  JsonWriter json;
  json.object();
  json.key("connections").value(stats.connections).key("requests").value(stats.requests);
  json.key("answered")
      .value(stats.answered)
      .key("inputs")
      .value(stats.inputs)
      .key("tokens")
      .value(stats.tokens);
  json.key("distinct_texts").value(stats.distinct_texts).key("repeated_texts").value(stats.repeated_texts);
  json.key("redirected").value(stats.redirected).key("in_flight").value(stats.in_flight);
  json.key("max_in_flight").value(stats.max_in_flight).key("held").value(stats.held);
  json.key("abandoned").value(stats.abandoned);
  json.key("statuses").object();
  for (const auto& [status, count] : stats.statuses) json.key(std::to_string(status)).value(count);
  return json.end().end().str();
}

std::string times_json(const ScriptedProvider& provider, const dom::object& root) {
  JsonWriter json;
  json.object().key("times").array();
  if (const auto texts = read<dom::array>(root, "texts"))
    for (const dom::element text : *texts) json.value(provider.times_embedded(std::string_view(text)));
  return json.end().end().str();
}

}  // namespace

Answer control(ScriptedProvider& provider, const std::string& target, const std::string& body) {
  if (target == "/control/stats") return Answer::raw(200, stats_json(provider.stats()));
  dom::parser parser;
  dom::object root;
  if (parser.parse(body).get(root) != simdjson::SUCCESS)
    return Answer::raw(400, "{\"problem\":\"not a JSON object\"}");
  try {
    if (target == "/control/times") return Answer::raw(200, times_json(provider, root));
    if (const std::string problem = apply(provider, root); !problem.empty())
      return Answer::raw(400, JsonWriter().object().key("problem").value(problem).end().str());
  } catch (const simdjson::simdjson_error& error) {
    return Answer::raw(400, JsonWriter().object().key("problem").value(error.what()).end().str());
  }
  return Answer::raw(200, "{}");
}

}  // namespace embedd::test
