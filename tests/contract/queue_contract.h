/// What every Queue must do, as one suite that runs on the real PgQueue and on the simulation's fake.
///
/// An adapter joins by implementing QueueWorld and instantiating the suite in a .cc of tests/contract:
///
///   INSTANTIATE_TEST_SUITE_P(Fake, QueueContract, testing::Values(&make_fake_world));
///
/// A world holds one vectorizer of three dimensions over one source table with rows named by numbers, its
/// queue, its users and its owner. Each test has a world of its own, empty.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/job.h"
#include "core/queue.h"

namespace embedd::test {

/// Whether the triggers see a change. `unseen` stands for a disabled trigger, a restore, a direct partition
/// write.
enum class Capture { seen, unseen };

class QueueWorld {
 public:
  virtual ~QueueWorld() = default;
  virtual Queue& queue() = 0;
  [[nodiscard]] virtual VectorizerId vectorizer() const = 0;
  [[nodiscard]] virtual Key key_of(int row) const = 0;

  /// What users do, each in a transaction of its own that commits at once. nullopt is NULL.
  virtual void put_row(int row, std::optional<std::string> text, Capture capture = Capture::seen) = 0;
  virtual void update_text(int row, std::optional<std::string> text, Capture capture = Capture::seen) = 0;
  virtual void delete_row(int row) = 0;
  /// Writes to the vector itself, as an ORM does that saves whole rows.
  virtual void put_vector(int row, std::optional<std::vector<float>> vector,
                          Capture capture = Capture::seen) = 0;

  /// A user's transaction that stays open, until release(): it locks the row, and changes its text if one is
  /// given.
  virtual void hold_row(int row, std::optional<std::string> text = std::nullopt) = 0;
  /// Commits it.
  virtual void release() = 0;

  /// What the owner does, each in a transaction of its own that commits at once; the queue learns of it by a
  /// poll. The successor's template puts " next" behind the text. Nobody switches to what has not been
  /// walked. 0, false: it is refused.
  virtual VectorizerId begin_change() = 0;
  enum class Switch { when_complete, at_any_rate, back };
  virtual bool switch_places(Switch how) = 0;
  virtual bool cancel_change() = 0;
  virtual bool prune() = 0;

  /// Of the vectorizer.
  virtual void set_budget(const Budget& budget) = 0;
  /// Midnight (UTC) passes, for budgets.
  virtual void next_day() = 0;

  /// In the column of the vectorizer's name: `ending` "_next" is the successor's, "_old" that of what was
  /// replaced.
  [[nodiscard]] virtual std::optional<std::vector<float>> vector_of(int row,
                                                                    const std::string& ending = "") = 0;
  [[nodiscard]] virtual std::size_t jobs() = 0;
  [[nodiscard]] virtual std::size_t dead_letters() = 0;

  /// Can tell that nothing has happened to a table.
  [[nodiscard]] virtual bool knows_history() { return true; }

  /// Time passes for leases, delays and duties.
  virtual void advance(Duration duration) = 0;
  /// Lets what was sent make progress: waits a little on sockets, or delivers in a fake. The clock of
  /// advance() stands still, more or less.
  virtual void turn() = 0;
};

using MakeQueueWorld = std::unique_ptr<QueueWorld> (*)();

/// The suite. Its helpers send one thing and turn the world until the answer is there.
class QueueContract : public testing::TestWithParam<MakeQueueWorld> {
 protected:
  void SetUp() override { world_ = GetParam()(); }
  [[nodiscard]] QueueWorld& world() { return *world_; }

  Claim claim(std::uint32_t max_rows = 100, std::size_t max_text_bytes = 1 << 20);
  Claim claim_of(VectorizerId vectorizer, std::uint32_t max_rows = 100, std::size_t max_text_bytes = 1 << 20);
  /// claim() for tests where one job must be due.
  Job claim_one();
  Job claim_one_of(VectorizerId vectorizer);
  /// For tests where statements may fail.
  Claim try_claim(VectorizerId vectorizer, std::uint32_t max_rows = 100,
                  std::size_t max_text_bytes = 1 << 20);
  Receipt try_settle(Settlement settlement);
  WalkPage try_walk(VectorizerId vectorizer, const Key& cursor = {});
  std::vector<Outcome> settle(Settlement settlement);
  Outcome settle_one(Settlement settlement);
  Poll poll();
  /// The limits that a poll finds, after whatever was sent has been done.
  std::optional<LearnedLimits> remembered();
  Duration reserve(const Reservation& reservation);
  BudgetAnswer::Part reserve_of(const BudgetRequest& request);
  WalkPage::Progress walk(const Key& cursor = {});
  /// Walks to the end; the rows enqueued.
  std::uint64_t walk_all();
  std::uint64_t walk_all_of(VectorizerId vectorizer);
  /// Begins a change, and lets the queue know of the successor, which is walked.
  VectorizerId begin_walked_change();

  /// Settlements of `jobs`; complete() stores {i, 0.5, 1} for the i-th.
  Settlement complete(const std::vector<Job>& jobs);
  Settlement complete_kept(const Job& job);
  Settlement act(Action action, const std::vector<Job>& jobs, Duration delay = {});
  /// Puts the row and embeds it.
  void embed_row(int row, const std::string& text);

 private:
  template <typename Take>
  auto wait_for(Take take);

  std::unique_ptr<QueueWorld> world_;
  std::uint64_t next_id_ = 1;
  std::uint8_t next_lease_ = 1;
};

}  // namespace embedd::test
