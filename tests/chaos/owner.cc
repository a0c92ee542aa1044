#include "chaos/owner.h"

#include <chrono>
#include <utility>

#include "chaos/traffic.h"
#include "pg/connection.h"

namespace embedd::chaos {
namespace {

using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::string there(const std::string& vectorizer) {
  return "SELECT EXISTS (SELECT FROM embedd.vectorizers WHERE name = '" + vectorizer + "')";
}

/// Is spent at once, or soon; is never spent.
constexpr const char *kSmallBudget = "500", *kLargeBudget = "1000000000";

std::string has_budget(const std::string& tokens) {
  return "SELECT EXISTS (SELECT FROM embedd.vectorizers WHERE name = 'notes' AND budget_tokens_per_day = " +
         tokens + ")";
}

}  // namespace

Owner::Owner(std::string url, Command command, Duration run)
    : url_(std::move(url)), command_(std::move(command)) {
  const std::string dimensions = std::to_string(kNextDimensions);
  steps_ = {
      {0.1, {"budget", "notes", "--tokens-per-day", kSmallBudget}, has_budget(kSmallBudget)},
      {0.25,
       {"change", "docs", "--model", "text-embedding-3-large", "--dimensions", dimensions, "--text",
        "{body}\\n{title}"},
       there("docs.next")},
      {0.25,
       {"change", "books", "--dimensions", dimensions, "--chunk", "recursive:40", "--chunk-template",
        std::string(kNextBook) + "{chunk}"},
       there("books.next")},
      {0.4, {"budget", "notes", "--tokens-per-day", kLargeBudget}, has_budget(kLargeBudget)},
      {0.5, {"switch", "docs"}, there("docs.old")},
      {0.5, {"switch", "books"}, there("books.old")},
      {0.75, {"switch", "books", "--back"}, there("books.next")},
  };
  thread_ = std::jthread([this, run](const std::stop_token& stop) { live(stop, run); });
}

void Owner::live(const std::stop_token& stop, Duration run) {
  const auto began = Steady::now();
  for (; next_ < steps_.size(); ++next_) {
    const auto due = began + steps_[next_].at * run;
    // Users write all the while, so that rows always wait: after a tenth of the run the owner stops asking
    // for a moment when none does.
    for (bool done = false; !done;) {
      if (stop.stop_requested()) return;
      const auto now = Steady::now();
      if (now >= due) done = attempt(steps_[next_], now > due + 0.1 * run);
      if (!done) std::this_thread::sleep_for(100ms);
    }
  }
}

bool Owner::attempt(const Step& step, bool at_any_price) {
  std::vector<std::string> words = {"vectorizer"};
  words.insert(words.end(), step.words.begin(), step.words.end());
  if (at_any_price && step.words.front() == "switch") words.emplace_back("--incomplete");
  ++commands_;
  if (command_(words) != 0) ++refused_;
  return is_done(step);
}

bool Owner::is_done(const Step& step) const {
  auto db = pg::Connection::open(Secret(url_), "chaos owner");
  if (!db) return false;
  const auto rows = db->exec(step.done);
  return rows && rows->flag(0, 0);
}

bool Owner::finish() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  const auto deadline = Steady::now() + 60s;
  for (; next_ < steps_.size(); ++next_)
    while (!is_done(steps_[next_]) && !attempt(steps_[next_], true)) {
      if (Steady::now() > deadline) return false;
      std::this_thread::sleep_for(500ms);
    }
  return true;
}

}  // namespace embedd::chaos
