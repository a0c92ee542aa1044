// Whatever is told, each of several observers hears.
#include "observe/observers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace embedd {
namespace {

/// Writes down what it hears. No PartialObserver: a new event must be written down here, too, and told in
/// tell_all().
class Listener final : public Observer {
 public:
  std::vector<std::string> heard;

  void claimed(const Vectorizer& v, std::size_t jobs, std::size_t rescued) override {
    note("claimed", v.name, jobs, rescued);
  }
  void request_started(const Vectorizer& v, std::size_t inputs, std::size_t tokens) override {
    note("request_started", v.name, inputs, tokens);
  }
  void request_finished(const Vectorizer& v, const Reply& reply) override {
    note("request_finished", v.name, reply.id);
  }
  void settled(const Vectorizer& v, const Settlement& settlement, Outcome outcome,
               std::size_t jobs) override {
    note("settled", v.name, settlement.id, static_cast<int>(outcome), jobs);
  }
  void fresh(const Vectorizer& v, Duration freshness) override { note("fresh", v.name, freshness.count()); }
  void rescheduled(const Vectorizer& v, ErrorKind kind, std::size_t jobs, bool charged) override {
    note("rescheduled", v.name, name_of(kind), jobs, charged);
  }
  void discarded(const Vectorizer& v, ErrorKind kind, const std::string& message) override {
    note("discarded", v.name, name_of(kind), message);
  }
  void truncated(const Vectorizer& v, std::size_t tokens) override { note("truncated", v.name, tokens); }
  void cut_silently(const Vectorizer& v, std::size_t tokens, std::size_t most) override {
    note("cut_silently", v.name, tokens, most);
  }
  void equal_vectors(const Vectorizer& v, std::size_t texts, bool refused) override {
    note("equal_vectors", v.name, texts, refused);
  }
  void braked(const Vectorizer& v, std::size_t jobs, const std::string& why) override {
    note("braked", v.name, jobs, why);
  }
  void unbooked(const Unbooked& entry) override { note("unbooked", entry.tokens); }
  void abandoned(const Vectorizer& v, std::size_t inputs, Duration silence) override {
    note("abandoned", v.name, inputs, silence.count());
  }
  void paced(const std::string& endpoint, std::uint32_t requests, double inputs_per_second) override {
    note("paced", endpoint, requests, inputs_per_second);
  }
  void endpoint_changed(const std::string& endpoint, EndpointState state, const std::string& message,
                        Duration pause) override {
    note("endpoint_changed", endpoint, name_of(state), message, pause.count());
  }
  void vectorizer_resting(const Vectorizer& v, const std::string& message, Duration pause) override {
    note("vectorizer_resting", v.name, message, pause.count());
  }
  void polled(const std::vector<VectorizerState>& states) override { note("polled", states.size()); }
  void budget_changed(const BudgetNews& news) override { note("budget_changed", news.message); }
  void walked(const Vectorizer& v, const WalkPage::Progress& progress) override {
    note("walked", v.name, progress.scanned);
  }
  void database_error(std::string_view what, const Error& error) override {
    note("database_error", what, error.message);
  }
  void in_flight(std::size_t requests, std::size_t leases, std::size_t held_bytes) override {
    note("in_flight", requests, leases, held_bytes);
  }
  void turned() override { note("turned"); }

 private:
  template <typename... Values>
  void note(std::string_view event, const Values&... values) {
    std::string line(event);
    ((line += fmt::format(" {}", values)), ...);
    heard.push_back(std::move(line));
  }
};

/// Each event once, and no argument as its neighbour.
void tell_all(Observer& observer) {
  const Vectorizer notes{.name = "notes"};
  observer.claimed(notes, 1, 2);
  observer.request_started(notes, 3, 4);
  observer.request_finished(notes, {.id = 5, .answer = fail(ErrorKind::rejected, "no")});
  observer.settled(notes, {.id = 6}, Outcome::stale, 7);
  observer.fresh(notes, Duration(8));
  observer.rescheduled(notes, ErrorKind::rejected, 9, true);
  observer.discarded(notes, ErrorKind::rejected, "no");
  observer.truncated(notes, 10);
  observer.cut_silently(notes, 11, 12);
  observer.equal_vectors(notes, 13, true);
  observer.braked(notes, 14, "again");
  observer.unbooked({.tokens = 15});
  observer.abandoned(notes, 16, Duration(17));
  observer.paced("openai", 18, 19);
  observer.endpoint_changed("openai", EndpointState::slowed, "429", Duration(20));
  observer.vectorizer_resting(notes, "refused", Duration(21));
  observer.budget_changed({.vectorizer = "notes", .waits = true, .message = "spent"});
  observer.polled(std::vector<VectorizerState>(22));
  observer.walked(notes, {.scanned = 23});
  observer.database_error("poll", {ErrorKind::unavailable, "gone"});
  observer.in_flight(24, 25, 26);
  observer.turned();
}

TEST(Observers, EachHearsEveryEventAsItWasTold) {
  Listener alone, first, second;
  tell_all(alone);
  observe::Observers both({&first, &second});
  tell_all(both);
  EXPECT_EQ(first.heard, alone.heard);
  EXPECT_EQ(second.heard, alone.heard);
  EXPECT_THAT(first.heard, testing::Contains("turned"));
}

}  // namespace
}  // namespace embedd
