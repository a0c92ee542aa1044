#include "serve/blocking_calls.h"

#include <utility>

#include "base/threads.h"

namespace embedd::serve {

BlockingCalls::~BlockingCalls() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  watched_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  if (watch_.joinable()) watch_.join();
}

BlockingCalls::Started BlockingCalls::run(std::optional<std::size_t> owner, Call call, HttpReply late,
                                          Done done) {
  auto running = std::make_shared<Running>(owner, std::move(call), std::move(late), std::move(done),
                                           std::chrono::steady_clock::now() + limits_.deadline);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || under_way_ == limits_.calls) return Started::too_many;
    if (owner) {
      const auto found = under_way_of_.find(*owner);
      if (found != under_way_of_.end() && found->second >= limits_.calls_of_one)
        return Started::too_many_of_one;
      ++under_way_of_[*owner];
    }
    ++under_way_;
    waiting_.push_back(running);
    unanswered_.push_back(running);
    if (threads_.size() < under_way_) threads_.push_back(start_thread([this] { work(); }));
    if (!watch_.joinable()) watch_ = start_thread([this] { watch(); });
  }
  changed_.notify_one();
  watched_.notify_one();
  return Started::yes;
}

void BlockingCalls::forget(std::optional<std::size_t> owner) {
  --under_way_;
  if (!owner) return;
  const auto found = under_way_of_.find(*owner);
  if (--found->second == 0) under_way_of_.erase(found);
}

void BlockingCalls::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const Ptr running = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    HttpReply reply = running->call();
    {
      // Before the reply, so that a client that asks again at once finds a thread.
      const std::lock_guard ended(mutex_);
      forget(running->owner);
    }
    finish(running, std::move(reply));
    lock.lock();
  }
}

void BlockingCalls::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (unanswered_.empty()) {
      watched_.wait(lock);
      continue;
    }
    const Ptr first = unanswered_.front();
    if (std::chrono::steady_clock::now() < first->deadline) {
      watched_.wait_until(lock, first->deadline);
      continue;
    }
    lock.unlock();
    finish(first, first->late);
    lock.lock();
  }
}

void BlockingCalls::finish(const Ptr& running, HttpReply reply) {
  {
    const std::lock_guard lock(mutex_);
    if (std::erase(unanswered_, running) == 0) return;
  }
  running->done(std::move(reply));
}

}  // namespace embedd::serve
