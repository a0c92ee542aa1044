#include "app/probe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "app/endpoints.h"
#include "base/readable.h"
#include "provider/embedders.h"

namespace embedd::app {

namespace {

using Verdict = Finding::Verdict;

std::string subject_of(const schema::ModelUse& use) {
  return fmt::format("probe of {} at {}", printable(use.model), printable(use.endpoint));
}

/// Limits that workers have learned from refusals and follow.
std::string hints(const schema::ModelUse& use) {
  if (!use.remembered) return "";
  std::string out;
  if (use.remembered->inputs > 0)
    out += fmt::format("; workers found that it takes {} texts a request", use.remembered->inputs);
  if (use.remembered->text_tokens > 0)
    out += fmt::format("{} {} {} a text", out.empty() ? "; workers found that it takes" : " and",
                       use.remembered->text_tokens, use.remembered->counted ? "tokens" : "bytes");
  return out;
}

std::string describe(const provider::EndpointConfig& endpoint, const schema::ModelUse& use,
                     const provider::Trial& trial) {
  std::string out =
      fmt::format("answers in {}; {}; {} dimensions, as declared; {}", human_age(to_seconds(trial.took)),
                  endpoint.key_required ? "the key is accepted" : "it wants no key",
                  trial.answer->vectors.dimensions, trial.answer->packed ? "base64" : "numbers, not base64");
  if (trial.left_out.encoding_format) out += "; refuses encoding_format, which is left out";
  if (trial.left_out.dimensions) out += "; refuses dimensions, which is left out";
  return out + hints(use);
}

bool mentions(std::string_view message, std::string_view word) {
  return std::ranges::search(message, word, [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == b;
         }).begin() != message.end();
}

/// The one setting of the vectorizer or its endpoint that the refusal is about.
std::string what_to_change(const schema::ModelUse& use, std::string_view message) {
  const std::string whose = printable(fmt::format("{}", fmt::join(use.vectorizers, ", ")));
  if (mentions(message, "dimension") || mentions(message, "matryoshka"))
    return fmt::format("change --dimensions of {} (or --model): create it anew with what the model has",
                       whose);
  if (mentions(message, "model") || mentions(message, "deployment"))
    return fmt::format("change --model of {}", whose);
  return fmt::format("change base_url of [endpoint.{}]", use.endpoint);
}

Finding judge(const provider::EndpointConfig& endpoint, const schema::ModelUse& use,
              const provider::Trial& trial) {
  Finding out{.subject = subject_of(use)};
  if (trial.answer) {
    out.text = describe(endpoint, use, trial);
    return out;
  }
  const Error& error = trial.answer.error();
  out.verdict = Verdict::bad;
  switch (error.kind) {
    case ErrorKind::rate_limited:
      out.verdict = Verdict::note;
      out.text = fmt::format("{}; the key is accepted, and workers wait for their turn", error.message);
      break;
    case ErrorKind::unauthenticated:
      out.text = fmt::format("{}; the key is not accepted: {}", error.message, how_to_set_key(endpoint));
      break;
    case ErrorKind::quota_exhausted:
      out.text = fmt::format("{}; the account at {} has nothing left", error.message, endpoint.base_url);
      break;
    case ErrorKind::misconfigured:
      out.text = fmt::format("{}; {}", error.message, what_to_change(use, error.message));
      break;
    default:
      out.text = fmt::format(
          "{}; rows wait until {} answers: look at its log, or change base_url of "
          "[endpoint.{}]",
          error.message, endpoint.base_url, endpoint.name);
  }
  return out;
}

}  // namespace

std::vector<Finding> probe(const Settings& settings, const std::vector<schema::ModelUse>& uses,
                           const BeforeProbe& before) {
  std::vector<std::pair<const provider::EndpointConfig*, const schema::ModelUse*>> asked;
  for (const schema::ModelUse& use : uses) {
    const provider::EndpointConfig* const endpoint = settings.endpoint(use.endpoint);
    if (endpoint != nullptr && endpoint->dialect != provider::Dialect::local && has_key(*endpoint))
      asked.emplace_back(endpoint, &use);
  }
  for (const auto& [endpoint, use] : asked) before(*endpoint, *use);
  std::vector<Finding> results;
  for (const auto& [endpoint, use] : asked)
    results.push_back(
        judge(*endpoint, *use,
              provider::try_endpoint(*endpoint, use->model, use->dimensions, use->send_dimensions)));
  return results;
}

}  // namespace embedd::app
