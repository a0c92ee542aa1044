// What a status makes of what it read: how a vectorizer stands, and how fast the workers are.
#include "app/status.h"

#include <gtest/gtest.h>

#include <functional>

namespace {

using embedd::app::condition_of;
using embedd::app::living;
using embedd::app::RowRate;
using embedd::app::RowRates;
using embedd::schema::VectorizerStatus;
using embedd::schema::WorkerStatus;

VectorizerStatus current() {
  VectorizerStatus status;
  status.walked_at = "2026-01-01T00:00:00Z";
  return status;
}

TEST(Status, SaysHowAVectorizerStands) {
  const struct {
    const char* word;
    bool workers;
    std::function<void(VectorizerStatus&)> change;
  } kCases[] = {
      {"current", true, [](VectorizerStatus&) {}},
      {"current", false, [](VectorizerStatus&) {}},
      {"broken", true, [](VectorizerStatus& s) { s.problem = "gone", s.info.paused = true, s.jobs = 1; }},
      {"paused", false, [](VectorizerStatus& s) { s.info.paused = true, s.jobs = 1; }},
      {"waiting", false, [](VectorizerStatus& s) { s.reported_problems.emplace_back(), s.jobs = 1; }},
      {"waiting", true, [](VectorizerStatus& s) { s.reported_problems.emplace_back(), s.unwalked_rows = 1; }},
      {"current", true, [](VectorizerStatus& s) { s.reported_problems.emplace_back(); }},
      {"no worker", false, [](VectorizerStatus& s) { s.jobs = 1; }},
      {"not walked", true, [](VectorizerStatus& s) { s.walked_at.reset(); }},
      {"filling", true, [](VectorizerStatus& s) { s.walked_at.reset(), s.jobs = 1; }},
      {"embedding", true, [](VectorizerStatus& s) { s.jobs = 1, s.leased = 1; }},
      {"embedding", true, [](VectorizerStatus& s) { s.jobs = 1, s.due = 1; }},
      {"retrying", true, [](VectorizerStatus& s) { s.jobs = 1; }},
  };
  for (const auto& example : kCases) {
    VectorizerStatus status = current();
    example.change(status);
    EXPECT_EQ(condition_of(status, example.workers), example.word);
  }
}

TEST(Status, AWorkerThatIsSilentForAMinuteIsNotAlive) {
  WorkerStatus alive, killed;
  alive.silent_seconds = 20;
  killed.silent_seconds = 61;
  EXPECT_EQ(living({alive, killed}), 1);
  EXPECT_EQ(living({killed}), 0);
}

TEST(Status, CountsRowsBetweenTwoLooks) {
  const auto workers = [](std::int64_t rows) {
    WorkerStatus idle, busy;
    busy.rows_embedded = rows;
    return std::vector{idle, busy};
  };
  const embedd::Instant start = embedd::Instant{} + embedd::seconds(1000);
  RowRate rate;
  EXPECT_EQ(rate.update(workers(500), start), std::nullopt) << "nothing is known at the first look";
  EXPECT_EQ(rate.update(workers(700), start + embedd::seconds(2)), 100.0);
  EXPECT_EQ(rate.update(workers(700), start + embedd::seconds(4)), 0.0);
  EXPECT_EQ(rate.update(workers(10), start + embedd::seconds(6)), std::nullopt) << "a worker has left";
  EXPECT_EQ(rate.update(workers(30), start + embedd::seconds(8)), 10.0);
}

TEST(Status, TellsTheRateOfTheLastHalfMinute) {
  const embedd::Instant start = embedd::Instant{} + embedd::seconds(1000);
  RowRates rates;
  EXPECT_EQ(rates.update("notes", 500, start), std::nullopt);
  EXPECT_EQ(rates.update("notes", 600, start + embedd::seconds(10)), 10.0);
  EXPECT_EQ(rates.update("notes", 600, start + embedd::seconds(40)), 0.0) << "the first reading is too old";
  EXPECT_EQ(rates.update("notes", 5, start + embedd::seconds(42)), std::nullopt) << "it counts anew";
  rates.forget_others(start + embedd::seconds(43));
  EXPECT_EQ(rates.update("notes", 99, start + embedd::seconds(44)), std::nullopt);
}

TEST(Status, TellsWhenItIsDone) {
  embedd::app::StatusReport report;
  VectorizerStatus status = current();
  status.info.name = "notes";
  status.jobs = 100;
  EXPECT_EQ(report.seconds_to_finish(status), std::nullopt) << "no rate is known";
  report.rows_per_second_of["notes"] = 50;
  EXPECT_EQ(report.seconds_to_finish(status), 2.0);
  status.walked_at.reset();
  status.rows = {.all = 1000, .done = 400};
  EXPECT_EQ(report.seconds_to_finish(status), 12.0) << "rows that no walk has found yet";
  status.rows = {};
  EXPECT_EQ(report.seconds_to_finish(status), std::nullopt) << "the queue has only some of the rows";
  status.rows = {.all = 1000, .done = 400};
  report.rows_per_second_of["notes"] = 0;
  EXPECT_EQ(report.seconds_to_finish(status), std::nullopt) << "nothing moves";
  EXPECT_EQ(report.seconds_to_finish(current()), std::nullopt) << "nothing waits";
}

}  // namespace
