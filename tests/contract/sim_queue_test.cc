// The simulation's queue, held to the same contract as the real one: only so is what it proves worth
// something.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "base/check.h"
#include "contract/queue_contract.h"
#include "contract/store_contract.h"
#include "support/sim_world.h"

namespace embedd::test {
namespace {

class SimQueueWorld : public QueueWorld {
 public:
  SimQueueWorld() : SimQueueWorld(false) {}

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
    const VectorizerId id = table_called("embedding").vectorizer.id;
    if (capture == Capture::seen)
      world_.database.replace_vector(id, key_of(row), std::move(vector), world_.now());
    else
      world_.database.replace_vector_behind_triggers(id, key_of(row), std::move(vector));
  }
  void delete_row(int row) override { world_.database.remove(id_, key_of(row)); }

  void hold_row(int row, std::optional<std::string> text) override {
    ASSERT_TRUE(world_.database.lock_row(id_, key_of(row), text.has_value()));
    held_[row] = std::move(text);
  }
  void release() override {
    for (const auto& [row, text] : held_) world_.database.finish(id_, key_of(row), text, world_.now());
    held_.clear();
  }

  VectorizerId begin_change() override { return world_.database.begin_change(living(), " next"); }
  bool switch_places(Switch how) override {
    return world_.database.switch_places(living(), how == Switch::back, how != Switch::when_complete);
  }
  bool cancel_change() override { return world_.database.cancel_change(living()); }
  bool prune() override { return world_.database.prune(living()); }

  void set_budget(const Budget& budget) override { table().budget = budget; }
  void next_day() override {
    for (auto& [name, spending] : world_.database.budgets_spent) --spending.day;
  }

  [[nodiscard]] std::optional<std::vector<float>> vector_of(int row, const std::string& ending) override {
    return table_called("embedding" + ending).rows.at(key_of(row)).vector;
  }
  [[nodiscard]] std::size_t jobs() override { return table().queue.size(); }
  [[nodiscard]] std::size_t dead_letters() override { return table().dead.size(); }

  void advance(Duration duration) override { world_.run_for(duration); }
  void turn() override { world_.run_for(milliseconds(1)); }

 protected:
  explicit SimQueueWorld(bool stores)
      : id_(stores ? world_.add_store("notes", 0) : world_.add_table("notes", 0)) {
    for (auto& [id, table] : world_.database.tables) table.vectorizer.dimensions = 3;
    world_.database.witness = {};  // what the suite stores is no vector of the simulated model's
    queue_.send_poll({});          // learns the names
    for (int i = 0; i < 5; ++i) turn();
    (void)queue_.take_poll();
  }
  sim::Table& table() { return world_.database.tables.at(id_); }
  sim::Table& table_called(const std::string& destination) {
    for (const VectorizerId id : world_.database.family(id_))
      if (world_.database.tables.at(id).destination == destination) return world_.database.tables.at(id);
    CHECK(false, "no destination {}", destination);
  }
  sim::World& simulated() { return world_; }

 private:
  [[nodiscard]] VectorizerId living() const { return world_.database.living(id_); }

  sim::World world_{1};
  VectorizerId id_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  sim::SimQueue queue_{world_, 0, [] {}, alive_};
  std::map<int, std::optional<std::string>> held_;
};

class SimStoreWorld final : public SimQueueWorld, public StoreWorld {
 public:
  SimStoreWorld() : SimQueueWorld(true) {}

  [[nodiscard]] VectorizerId chunks_vectorizer() const override { return vectorizer() + 1; }
  [[nodiscard]] std::size_t window() const override { return sim::Table().window; }

  void change_key(int row, int new_row) override {
    simulated().database.rename(vectorizer(), key_of(row), key_of(new_row), simulated().now());
  }
  void put_vector_of_chunk(int row, int chunk, const std::vector<float>& vector, Capture capture) override {
    sim::StoredChunk written = table().store.at(key_of(row)).at(chunk);
    written.vector = vector;
    write(row, chunk, written, capture);
  }
  void delete_chunk(int row, int chunk, Capture capture) override {
    write(row, chunk, std::nullopt, capture);
  }

  std::vector<std::string> stored(int row, const std::string& ending) override {
    std::vector<std::string> out;
    for (const auto& [number, chunk] : table_called("embedding" + ending).store[key_of(row)])
      out.push_back(fmt::format("{}={}", chunk.chunk, chunk.vector.at(0)));
    return out;
  }
  std::size_t staged() override {
    std::size_t chunks = 0;
    for (const auto& [key, row] : table().staged.rows()) chunks += row.size();
    return chunks;
  }
  std::size_t waiting() override { return simulated().database.tables.at(chunks_vectorizer()).rows.size(); }

 private:
  void write(int row, int chunk, const std::optional<sim::StoredChunk>& written, Capture capture) {
    sim::Database& database = simulated().database;
    if (capture == Capture::seen)
      database.write_to_store(vectorizer(), key_of(row), chunk, written, simulated().now());
    else
      database.write_to_store_behind_triggers(vectorizer(), key_of(row), chunk, written);
  }
};

std::unique_ptr<QueueWorld> make_sim_world() { return std::make_unique<SimQueueWorld>(); }

std::unique_ptr<QueueWorld> make_sim_store_world() { return std::make_unique<SimStoreWorld>(); }

INSTANTIATE_TEST_SUITE_P(Simulated, StoreContract, testing::Values(&make_sim_store_world));
INSTANTIATE_TEST_SUITE_P(Simulated, QueueContract, testing::Values(&make_sim_world));

}  // namespace
}  // namespace embedd::test
