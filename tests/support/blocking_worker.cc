#include "support/blocking_worker.h"

#include <cstring>
#include <functional>
#include <optional>
#include <utility>

namespace embedd::test {
namespace {

LeaseToken worker_token(std::uint8_t number) {
  LeaseToken token{};
  token.fill(number);
  return token;
}

}  // namespace

std::vector<float> vector_for(std::string_view text) {
  const std::size_t hash = std::hash<std::string_view>{}(text);
  auto part = [&](int shift) { return static_cast<float>((hash >> shift) & 0xffff) + 1; };
  return {part(0), part(16), part(32)};
}

BlockingWorker::BlockingWorker(const std::string& url, std::uint8_t number)
    : queue_({.database = Secret(url), .worker = worker_token(number)}, clock_, [] {}), number_(number) {
  wait_for(queue_, [&]() -> std::optional<bool> {
    (void)queue_.take_claims();
    (void)queue_.take_receipts();
    return queue_.ready() ? std::optional(true) : std::nullopt;
  });
  (void)poll();  // loads the declarations
}

Poll BlockingWorker::poll() {
  queue_.send_poll({});
  return wait_for(queue_, [&] { return queue_.take_poll(); });
}

std::vector<Job> BlockingWorker::claim(VectorizerId vectorizer, std::uint32_t max_rows) {
  LeaseToken lease = worker_token(number_);
  ++next_lease_;
  std::memcpy(lease.data(), &next_lease_, sizeof next_lease_);
  queue_.send_claim({.vectorizer = vectorizer,
                     .lease = lease,
                     .lease_time = seconds(60),
                     .max_rows = max_rows,
                     .max_text_bytes = kMiB});
  Claim claim = wait_for_one(queue_, [&] { return queue_.take_claims(); });
  if (claim.jobs) return std::move(*claim.jobs);
  last_error_ = claim.jobs.error().message;
  return {};
}

std::size_t BlockingWorker::settle(VectorizerId vectorizer, const std::vector<Job>& jobs) {
  Settlement complete{.vectorizer = vectorizer,
                      .action = Action::complete,
                      .model_id = "model",
                      .model_version = "model-1",
                      .requests = 1,
                      .tokens = 1};
  complete.vectors.dimensions = 3;
  Settlement clear{.vectorizer = vectorizer, .action = Action::clear};
  Settlement drop{.vectorizer = vectorizer, .action = Action::drop};
  for (const Job& job : jobs) {
    SettledJob settled{job.key, job.lease, job.text_hash, -1};
    if (job.task == Task::embed) {
      settled.slot = static_cast<std::int32_t>(complete.vectors.count());
      for (const float value : vector_for(job.text)) complete.vectors.values.push_back(value);
      ++embedded_;
    }
    Settlement& settlement = job.task == Task::clear ? clear : job.task == Task::current ? drop : complete;
    settlement.jobs.push_back(std::move(settled));
  }
  return send(std::move(complete)) + send(std::move(clear)) + send(std::move(drop));
}

std::size_t BlockingWorker::send(Settlement settlement) {
  std::size_t done = 0;
  // What is being written at the moment is asked again; a lost answer too, which the lease makes safe.
  while (!settlement.jobs.empty()) {
    settlement.id = next_id_++;
    queue_.send_settlement(std::make_shared<const Settlement>(settlement));
    const Receipt receipt = wait_for_one(queue_, [&] { return queue_.take_receipts(); });
    if (!receipt.outcomes) {
      last_error_ = receipt.outcomes.error().message;
      if (receipt.outcomes.error().kind != ErrorKind::conflict) return done;
      continue;
    }
    std::vector<SettledJob> again;
    for (std::size_t i = 0; i < settlement.jobs.size(); ++i) {
      done += (*receipt.outcomes)[i] == Outcome::done ? 1 : 0;
      if ((*receipt.outcomes)[i] == Outcome::busy) again.push_back(settlement.jobs[i]);
    }
    settlement.jobs = std::move(again);
  }
  return done;
}

std::uint64_t BlockingWorker::walk(VectorizerId vectorizer) {
  std::uint64_t enqueued = 0;
  for (Key cursor;;) {
    queue_.send_walk(vectorizer, cursor);
    WalkPage page = wait_for_one(queue_, [&] { return queue_.take_walked(); });
    if (!page.progress) {
      last_error_ = page.progress.error().message;
      return enqueued;
    }
    enqueued += page.progress->enqueued;
    if (page.progress->finished || page.progress->deferred) return enqueued;
    cursor = page.progress->next;
  }
}

}  // namespace embedd::test
