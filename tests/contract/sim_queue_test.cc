// The simulation's queue, held to the same contract as the real one: only so is what it proves worth
// something.
#include <gtest/gtest.h>

#include <map>

#include "contract/queue_contract.h"
#include "support/sim_world.h"

namespace embedd::test {
namespace {

class SimQueueWorld final : public QueueWorld {
 public:
  SimQueueWorld() : id_(world_.add_table("notes", 0)) { table().vectorizer.dimensions = 3; }

  Queue& queue() override { return queue_; }
  [[nodiscard]] VectorizerId vectorizer() const override { return id_; }
  [[nodiscard]] Key key_of(int row) const override { return std::to_string(row); }

  void put_row(int row, std::optional<std::string> text, Capture capture) override {
    if (capture == Capture::seen)
      return world_.database.put(id_, key_of(row), text.value_or(""), world_.now());
    table().rows[key_of(row)].text = text.value_or("");
  }
  void update_text(int row, std::optional<std::string> text, Capture capture) override {
    put_row(row, std::move(text), capture);
  }
  void put_vector(int row, std::optional<std::vector<float>> vector, Capture capture) override {
    if (capture == Capture::seen)
      world_.database.replace_vector(id_, key_of(row), std::move(vector), world_.now());
    else
      world_.database.replace_vector_behind_triggers(id_, key_of(row), std::move(vector));
  }
  void delete_row(int row) override { world_.database.remove(id_, key_of(row)); }

  void hold_row(int row, std::optional<std::string> text) override {
    ASSERT_TRUE(world_.database.hold(id_, key_of(row), text.has_value()));
    held_[row] = std::move(text);
  }
  void release() override {
    for (const auto& [row, text] : held_) world_.database.finish(id_, key_of(row), text, world_.now());
    held_.clear();
  }

  [[nodiscard]] std::optional<std::vector<float>> vector_of(int row) override {
    return table().rows.at(key_of(row)).vector;
  }
  [[nodiscard]] std::size_t jobs() override { return table().queue.size(); }
  [[nodiscard]] std::size_t dead_letters() override { return table().dead.size(); }

  void advance(Duration duration) override { world_.run_for(duration); }
  void turn() override { world_.run_for(milliseconds(1)); }

 private:
  sim::Table& table() { return world_.database.tables.at(id_); }

  sim::World world_{1};
  VectorizerId id_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  sim::SimQueue queue_{world_, 0, [] {}, alive_};
  std::map<int, std::optional<std::string>> held_;
};

std::unique_ptr<QueueWorld> make_sim_world() { return std::make_unique<SimQueueWorld>(); }

INSTANTIATE_TEST_SUITE_P(Simulated, QueueContract, testing::Values(&make_sim_world));

}  // namespace
}  // namespace embedd::test
