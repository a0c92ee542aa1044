#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "app/check.h"
#include "app/check_redis.h"
#include "app/endpoints.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/redis_setting.h"

namespace embedd::cli {

namespace {

using app::Finding;

Finding look_at_configuration(const Context& context) {
  constexpr const char* kSubject = "configuration";
  if (context.config_error) return {Finding::Verdict::bad, kSubject, context.config_error->message};
  const auto& files = context.config.files;
  return {Finding::Verdict::good, kSubject,
          files.empty() ? "from the environment; there is no .env and no embedd.toml here"
                        : fmt::format("from {} and the environment", fmt::join(files, ", "))};
}

/// None if there is no Redis.
std::optional<Finding> look_at_redis(const SettingValues& values) {
  auto target = redis_of(values);
  if (!target) return Finding{Finding::Verdict::bad, "redis", target.error().message};
  if (!*target) return std::nullopt;
  return app::check_redis(**target);
}

/// Asks no reranker: searches go on without one.
Finding look_at(const provider::RerankConfig& reranker) {
  const std::string subject = "rerank " + reranker.name;
  if (!app::has_key(reranker.endpoint))
    return {Finding::Verdict::note, subject,
            reranker.endpoint.base_url + ": it has no key here, so hits keep their usual order"};
  return {Finding::Verdict::good, subject,
          fmt::format("{}, {}", reranker.endpoint.base_url,
                      reranker.endpoint.key_required ? "its key is set" : "no key needed")};
}

void note_request(const provider::EndpointConfig& endpoint, const schema::ModelUse& use) {
  print_note(fmt::format("note: sends one request of one word to {} for {}, {} dimensions", endpoint.base_url,
                         printable(use.model), use.dimensions));
}

std::string word_of(Finding::Verdict verdict) {
  switch (verdict) {
    case Finding::Verdict::good: return paint(Colour::green, "ok  ");
    case Finding::Verdict::note: return paint(Colour::yellow, "note");
    case Finding::Verdict::bad: break;
  }
  return paint(Colour::red, "FAIL");
}

std::string_view json_word_of(Finding::Verdict verdict) {
  switch (verdict) {
    case Finding::Verdict::good: return "ok";
    case Finding::Verdict::note: return "note";
    case Finding::Verdict::bad: break;
  }
  return "fail";
}

void print_json(const std::vector<Finding>& findings, bool failed) {
  JsonWriter json;
  json.object().key("ok").value(!failed).key("checks").array();
  for (const Finding& finding : findings) {
    json.object().key("subject").value(finding.subject).key("verdict").value(json_word_of(finding.verdict));
    json.key("text").value(finding.text).end();
  }
  print(json.end().end().str() + "\n");
}

}  // namespace

Result<int> check(Context& context, const CheckArguments& arguments) {
  std::vector<Finding> findings{look_at_configuration(context)};
  if (!context.config_error)
    std::ranges::move(app::check(context.config, arguments.probe ? note_request : app::BeforeProbe()),
                      std::back_inserter(findings));
  if (!context.config_error)
    std::ranges::transform(context.config.rerankers, std::back_inserter(findings), look_at);
  if (auto redis = context.config_error ? std::nullopt : look_at_redis(context.config.values))
    findings.push_back(*std::move(redis));
  const bool failed = std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.verdict == Finding::Verdict::bad; });
  if (context.json)
    print_json(findings, failed);
  else
    for (const Finding& finding : findings)
      print(fmt::format("{} {}: {}\n", word_of(finding.verdict), finding.subject, printable(finding.text)));
  return failed ? kFailed : kDone;
}

}  // namespace embedd::cli
