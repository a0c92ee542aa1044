#include "serve/token_rates.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "serve/request_rate.h"

namespace embedd::serve {
namespace {

/// KEYS: the rate's. ARGV: requests a minute, requests that were admitted. Returns what is left. By Redis'
/// clock, so that those of the servers do not matter. A value that is not ours is replaced.
constexpr const char* kSettle = R"(
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local most, taken = tonumber(ARGV[1]), tonumber(ARGV[2])
local left, at = most, now
local known = redis.pcall('GET', KEYS[1])
if type(known) == 'string' then
  local a, b = string.match(known, '^(%-?%d+%.%d+) (%d+%.%d+)$')
  if a then left, at = tonumber(a), tonumber(b) end
end
left = math.min(most, left + math.max(0, now - at) * most / 60)
left = math.max(-most, left - taken)
redis.call('SET', KEYS[1], string.format('%.6f %.6f', left, now), 'EX', 180)
return string.format('%.6f', left))";

}  // namespace

struct TokenRates::State {
  struct Entry {
    RequestRate rate;
    std::string key;
    bool settling = false;
  };
  redis::Client* redis = nullptr;
  std::mutex mutex;
  std::vector<Entry> entries;  ///< by client; guarded by mutex
};

TokenRates::TokenRates(const Tokens& tokens, redis::Client* redis) : state_(std::make_shared<State>()) {
  state_->redis = redis;
  for (std::size_t i = 0; i < tokens.clients(); ++i) {
    const Rights& rights = tokens.rights(i);
    state_->entries.push_back(
        {.rate = RequestRate(rights.requests_per_minute),
         .key = fmt::format("embedd:rate:{}:{}", rights.name, rights.requests_per_minute)});
  }
}

std::optional<Duration> TokenRates::wait(std::size_t client, Instant now) {
  {
    const std::lock_guard lock(state_->mutex);
    State::Entry& entry = state_->entries[client];
    if (auto wait = entry.rate.wait(now)) return wait;
    if (state_->redis == nullptr || entry.rate.per_minute() == 0 || entry.settling) return std::nullopt;
    entry.settling = true;
  }
  settle(state_, client);
  return std::nullopt;
}

/// Tells Redis what was admitted, again and again until nothing is left to tell. What a failed settlement
/// would have told is forgotten: this server has counted it.
void TokenRates::settle(const std::shared_ptr<State>& state, std::size_t client) {
  redis::Words command{"EVAL", kSettle, "1"};
  double most = 0;
  {
    const std::lock_guard lock(state->mutex);
    State::Entry& entry = state->entries[client];
    most = entry.rate.per_minute();
    command.push_back(entry.key);
    command.push_back(std::to_string(entry.rate.per_minute()));
    command.push_back(std::to_string(entry.rate.take_unsettled()));
  }
  state->redis->run(std::move(command), [state, client, most](const Result<redis::Reply>& reply) {
    double left = 0;
    bool good = reply && reply->kind == redis::Reply::Kind::text;
    if (good) {
      const std::string& text = reply->text;
      const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), left);
      good = code == std::errc() && end == text.data() + text.size() && std::abs(left) <= most;
    }
    bool again = false;
    {
      const std::lock_guard lock(state->mutex);
      State::Entry& entry = state->entries[client];
      if (good) entry.rate.settle(left, std::chrono::steady_clock::now());
      again = good && entry.rate.has_unsettled();
      entry.settling = again;
      if (!good) entry.rate.take_unsettled();
    }
    if (again) settle(state, client);
  });
}

}  // namespace embedd::serve
