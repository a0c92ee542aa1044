#include "support/provider_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace embedd::test {

namespace {

std::uint64_t total_tokens(const ParsedRequest& parsed) {
  std::uint64_t tokens = 0;
  for (const std::string& input : parsed.inputs) tokens += tokens_of(input);
  return tokens;
}

/// A Go duration, as OpenAI writes its resets: `12ms`, `2.812s`, `6m0s`.
std::string go_duration(double seconds) {
  if (seconds < 1) return fmt::format("{}ms", static_cast<long>(std::ceil(seconds * 1000)));
  if (seconds < 60) return fmt::format("{:.3f}s", seconds);
  const auto minutes = static_cast<long>(seconds / 60);
  return fmt::format("{}m{:.3f}s", minutes, seconds - static_cast<double>(minutes * 60));
}

bool authorized(const RecordedRequest& request, const std::string& key) {
  if (key.empty()) return true;
  const auto has = [&](const char* header, const std::string& value) {
    const auto found = request.headers.find(header);
    return found != request.headers.end() && found->second == value;
  };
  return has("authorization", "Bearer " + key) || has("api-key", key);
}

Answer rate_limited(std::string_view type, double wait_seconds) {
  Answer answer = Answer::raw(
      429,
      fmt::format(
          R"({{"error":{{"message":"Rate limit reached for scripted in organization org-x on {} per min. )"
          R"(Please try again in {}. Visit https://example.com to learn more.","type":"{}",)"
          R"("param":null,"code":"rate_limit_exceeded"}}}})",
          type, go_duration(wait_seconds), type));
  return std::move(answer).with("retry-after-ms",
                                std::to_string(std::lround(std::ceil(wait_seconds * 1000))));
}

}  // namespace

void ProviderScript::Allowance::refill(double per_minute, double burst_seconds, Instant now) {
  const double most = std::max(1.0, per_minute * burst_seconds / 60);
  if (left < 0)
    left = most;
  else
    left = std::min(most, left + to_seconds(now - at) * per_minute / 60);
  at = now;
}

ProviderScript::Decision ProviderScript::arrived(const RecordedRequest& recorded,
                                                 const ParsedRequest& parsed) {
  const std::lock_guard lock(mutex_);
  ++stats_.requests;
  ++stats_.in_flight;
  stats_.max_in_flight = std::max(stats_.max_in_flight, stats_.in_flight);
  last_ = recorded;
  Decision decision{.answer = decide(recorded, parsed), .latency = options_.latency, .hold = holding_};
  if (decision.hold) ++stats_.held;
  ++stats_.statuses[decision.answer.status];
  changed_.notify_all();
  return decision;
}

Answer ProviderScript::decide(const RecordedRequest& recorded, const ParsedRequest& parsed) {
  if (!authorized(recorded, options_.key))
    return Answer::error(
        401, "invalid_api_key",
        "Incorrect API key provided: ***. You can find your API key at https://example.com.");
  if (!parsed.problem.empty()) return Answer::error(400, "invalid_value", parsed.problem);
  if (!next_.empty()) {
    Answer answer = std::move(next_.front());
    next_.pop_front();
    return answer;
  }
  for (const auto& [part, answer] : poison_)
    if (std::ranges::any_of(parsed.inputs,
                            [&](const std::string& text) { return text.find(part) != std::string::npos; }))
      return answer;
  if (const std::string& name = options_.refused_parameter;
      !name.empty() && recorded.body.find('"' + name + '"') != std::string::npos)
    return Answer::raw(
        422,
        fmt::format(R"({{"object":"error","message":{{"detail":[{{"type":"extra_forbidden","loc":["body",)"
                    R"("{}"],"msg":"Extra inputs are not permitted"}}]}}}})",
                    name));
  if (auto refusal = refuse_by_size(parsed)) return *refusal;
  if (auto refusal = refuse_by_limits(parsed, std::chrono::steady_clock::now())) {
    add_limit_headers(*refusal);
    return *refusal;
  }
  Answer answer = always_.value_or(Answer{});
  add_limit_headers(answer);
  return answer;
}

std::optional<Answer> ProviderScript::refuse_by_size(const ParsedRequest& parsed) const {
  if (parsed.inputs.size() > options_.max_inputs)
    return Answer::error(
        400, "array_above_max_length",
        fmt::format("Invalid 'input': array too long. Expected an array with maximum length {}, but got an "
                    "array with length {} instead.",
                    options_.max_inputs, parsed.inputs.size()));
  for (const std::string& input : parsed.inputs)
    if (const std::uint64_t tokens = tokens_of(input); tokens > options_.max_input_tokens)
      return Answer::error(
          400, "context_length_exceeded",
          fmt::format("This model's maximum context length is {} tokens, however you requested {} tokens. "
                      "Please reduce your prompt.",
                      options_.max_input_tokens, tokens));
  if (const std::uint64_t tokens = total_tokens(parsed); tokens > options_.max_request_tokens)
    return Answer::error(
        400, "max_tokens_per_request",
        fmt::format("Requested {} tokens, max {} tokens per request", tokens, options_.max_request_tokens));
  return std::nullopt;
}

std::optional<Answer> ProviderScript::refuse_by_limits(const ParsedRequest& parsed, Instant now) {
  const auto per_minute_requests = static_cast<double>(options_.requests_per_minute);
  const auto per_minute_tokens = static_cast<double>(options_.tokens_per_minute);
  const auto tokens = static_cast<double>(total_tokens(parsed));
  if (per_minute_requests > 0) {
    requests_left_.refill(per_minute_requests, options_.burst_seconds, now);
    if (requests_left_.left < 1)
      return rate_limited("requests", (1 - requests_left_.left) * 60 / per_minute_requests);
  }
  if (per_minute_tokens > 0) {
    tokens_left_.refill(per_minute_tokens, options_.burst_seconds, now);
    if (tokens_left_.left < tokens)
      return rate_limited("tokens", (tokens - tokens_left_.left) * 60 / per_minute_tokens);
    tokens_left_.left -= tokens;
  }
  if (per_minute_requests > 0) requests_left_.left -= 1;
  return std::nullopt;
}

void ProviderScript::add_limit_headers(Answer& answer) const {
  const auto add = [&](std::string_view what, std::int64_t limit, const Allowance& allowance) {
    if (limit <= 0) return;
    const auto per_minute = static_cast<double>(limit);
    const double most = std::max(1.0, per_minute * options_.burst_seconds / 60);
    answer.headers.emplace_back(fmt::format("x-ratelimit-limit-{}", what), std::to_string(limit));
    answer.headers.emplace_back(fmt::format("x-ratelimit-remaining-{}", what),
                                std::to_string(static_cast<std::int64_t>(allowance.left)));
    answer.headers.emplace_back(fmt::format("x-ratelimit-reset-{}", what),
                                go_duration((most - allowance.left) * 60 / per_minute));
  };
  add("requests", options_.requests_per_minute, requests_left_);
  add("tokens", options_.tokens_per_minute, tokens_left_);
}

void ProviderScript::sending(const Answer& answer, const ParsedRequest& parsed) {
  const bool vectors = answer.status == 200 && answer.body.empty() && answer.fault != Fault::disconnect &&
                       answer.fault != Fault::hang && answer.fault != Fault::redirect &&
                       answer.fault != Fault::error_in_200;
  if (!vectors) return;
  const std::lock_guard lock(mutex_);
  ++stats_.answered;
  for (const std::string& input : parsed.inputs) {
    ++stats_.inputs;
    stats_.tokens += tokens_of(input);
    if (++embedded_[text_digest(input)] > 1) ++stats_.repeated_texts;
  }
  stats_.distinct_texts = embedded_.size();
  changed_.notify_all();
}

void ProviderScript::abandoned(std::size_t inputs) {
  const std::lock_guard lock(mutex_);
  stats_.abandoned += inputs;
  changed_.notify_all();
}

void ProviderScript::left(bool held) {
  const std::lock_guard lock(mutex_);
  --stats_.in_flight;
  if (held) --stats_.held;
  changed_.notify_all();
}

void ProviderScript::released() {
  const std::lock_guard lock(mutex_);
  --stats_.held;
  changed_.notify_all();
}

void ProviderScript::connected() {
  const std::lock_guard lock(mutex_);
  ++stats_.connections;
  changed_.notify_all();
}

void ProviderScript::redirected() {
  const std::lock_guard lock(mutex_);
  ++stats_.redirected;
  changed_.notify_all();
}

ProviderStats ProviderScript::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

std::uint64_t ProviderScript::times_embedded(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  const auto found = embedded_.find(text_digest(text));
  return found == embedded_.end() ? 0 : found->second;
}

RecordedRequest ProviderScript::last_request() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

bool ProviderScript::wait_for(const std::function<bool(const ProviderStats&)>& condition,
                              Duration patience) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] { return condition(stats_); });
}

}  // namespace embedd::test
