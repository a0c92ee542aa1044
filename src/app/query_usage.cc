#include "app/query_usage.h"

#include <algorithm>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/threads.h"
#include "pg/quoting.h"
#include "queue/messages.h"

namespace embedd::app {
namespace {

constexpr Duration kPatience = seconds(10);

}  // namespace

QueryUsage::QueryUsage(SearchPool& pool, Prices prices)
    : pool_(pool), prices_(std::move(prices)), thread_(start_thread([this] { run(); })) {}

QueryUsage::~QueryUsage() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void QueryUsage::add(VectorizerId vectorizer, const std::string& endpoint, const std::string& model,
                     std::uint64_t tokens) {
  {
    const std::lock_guard lock(mutex_);
    endpoints_[vectorizer] = endpoint;
    book_.add({vectorizer, model}, {.requests = 1, .tokens = tokens});
  }
  changed_.notify_one();
}

void QueryUsage::run() {
  std::unique_lock lock(mutex_);
  std::optional<Instant> end;
  while (true) {
    const Instant now = std::chrono::steady_clock::now();
    if (stopping_ && !end) {
      end = now + kLastWait;
      book_.hurry(now);
    }
    if (auto entries = book_.next(now); entries && (!end || now < *end)) {
      lock.unlock();
      const auto error = write(*entries, std::min(now + kPatience, end.value_or(Instant::max())));
      lock.lock();
      book_.booked(*std::move(entries), error, std::chrono::steady_clock::now());
      report();
      continue;
    }
    const auto next = book_.next_at();
    if (end && (!next || *next >= *end)) break;
    if (next)
      changed_.wait_until(lock, *next);
    else
      changed_.wait(lock);
  }
  book_.give_up();
  report();
}

QueryUsage::Params QueryUsage::params_of(const queue::UsageBook::Entries& entries) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> vectorizers, models, requests, rows, tokens, costs, unpriced;
  for (const auto& [key, bought] : entries) {
    const auto cost = prices_.nano_usd_of(endpoints_[key.first], key.second, bought.tokens);
    vectorizers.push_back(std::to_string(key.first));
    models.push_back(key.second);
    requests.push_back(std::to_string(bought.requests));
    rows.push_back(std::to_string(bought.rows));
    tokens.push_back(std::to_string(bought.tokens));
    costs.push_back(std::to_string(cost.value_or(0)));
    unpriced.push_back(cost ? "0" : tokens.back());
  }
  Params params;
  for (const auto* column : {&vectorizers, &models, &requests, &rows, &tokens, &costs, &unpriced})
    params.usage.emplace_back(pg::array_literal(*column));
  for (const auto* column : {&vectorizers, &tokens, &costs})
    params.charge.emplace_back(pg::array_literal(*column));
  return params;
}

std::optional<Error> QueryUsage::write(const queue::UsageBook::Entries& entries, Instant deadline) {
  auto written = std::make_shared<std::promise<std::optional<Error>>>();
  auto outcome = written->get_future();
  pool_.run(
      [written, params = params_of(entries)](Result<Lent> lent) {
        if (!lent) return written->set_value(std::move(lent.error()));
        auto booked = lent->db.transaction([&]() -> Result<bool> {
          // Other reads wait for this connection, too.
          TRY(lent->db.exec("SELECT pg_catalog.set_config('lock_timeout', '2s', true)"));
          TRY(lent->db.exec(queue::usage_statement().sql(), params.usage));
          TRY(lent->db.exec(queue::charge_statement().sql(), params.charge));
          return true;
        });
        written->set_value(booked ? std::nullopt : std::optional(std::move(booked.error())));
      },
      deadline);
  return outcome.get();
}

void QueryUsage::report() {
  for (const Unbooked& entry : book_.take_unbooked())
    log::warn(entry.lost ? "usage_lost" : "usage_not_booked", {{"vectorizer_id", entry.vectorizer},
                                                               {"model", entry.model},
                                                               {"requests", entry.requests},
                                                               {"tokens", entry.tokens},
                                                               {"reason", entry.error.message}});
}

}  // namespace embedd::app
