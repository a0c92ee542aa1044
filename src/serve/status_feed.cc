#include "serve/status_feed.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "app/database.h"
#include "base/log.h"
#include "base/threads.h"

namespace embedd::serve {
namespace {

/// Pause after a reading, as a multiple of the time that it took.
constexpr int kPause = 10;
constexpr Duration kLongestPause = seconds(30), kPauseAfterFailure = seconds(5);
/// A statement of a reading that takes longer is given up, so that the feed can stop.
constexpr Duration kLongestStatement = seconds(10);

}  // namespace

StatusFeed::StatusFeed(const app::Settings& settings)
    : settings_(settings), thread_(start_thread([this] { run(); })) {}

StatusFeed::~StatusFeed() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void StatusFeed::read(Watch watch) {
  {
    const std::lock_guard lock(mutex_);
    once_.push_back(std::move(watch));
  }
  changed_.notify_all();
}

std::uint64_t StatusFeed::add(Watch watch) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = next_id_++;
    all_.emplace(id, std::move(watch));
    new_.insert(id);
  }
  changed_.notify_all();
  return id;
}

void StatusFeed::remove(std::uint64_t id) {
  const std::lock_guard calling(calling_);
  const std::lock_guard lock(mutex_);
  all_.erase(id);
  new_.erase(id);
}

Result<app::StatusReport> StatusFeed::read_now() {
  const auto read = [this]() -> Result<app::StatusReport> {
    if (!reader_) reader_.emplace(settings_, TRY(app::connect_for_server(settings_, kLongestStatement)));
    return reader_->read();
  };
  auto report = read();
  if (!report) reader_.reset();  // the connection may be lost
  const std::string problem = report ? "" : report.error().message;
  if (std::exchange(problem_, problem) != problem && !report)
    log::warn("status_not_read", {{"message", problem}});
  // Clients are not told where the database is.
  if (!report) report.error().message = "the status cannot be read now; the log of embedd serve says why";
  return report;
}

void StatusFeed::run() {
  using Clock = std::chrono::steady_clock;
  Reading last;
  Instant next_at{};
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool again = !last || Clock::now() >= next_at;
    if (once_.empty() && new_.empty() && (all_.empty() || !again)) {
      if (!all_.empty()) {
        changed_.wait_until(lock, next_at);
      } else if (reader_ && changed_.wait_for(lock, kIdle) == std::cv_status::timeout) {
        reader_.reset();
        last.reset();
      } else if (!reader_) {
        changed_.wait(lock);
      }
      continue;
    }
    lock.unlock();
    if (again) {
      const Instant began = Clock::now();
      last = std::make_shared<const Result<app::StatusReport>>(read_now());
      const Instant ended = Clock::now();
      next_at = ended + (*last ? std::clamp<Duration>(kPause * (ended - began), kEvery, kLongestPause)
                               : kPauseAfterFailure);
    }
    {
      const std::lock_guard calling(calling_);
      lock.lock();
      const auto once = std::exchange(once_, {});
      auto all = all_;
      if (!again) std::erase_if(all, [this](const auto& watch) { return !new_.contains(watch.first); });
      new_.clear();
      lock.unlock();
      for (const Watch& watch : once) watch(last);
      for (const auto& [id, watch] : all) watch(last);
    }
    lock.lock();
  }
}

}  // namespace embedd::serve
