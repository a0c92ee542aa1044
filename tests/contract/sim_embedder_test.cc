// The simulation's provider, held to the same contract as the real adapters.
#include <gtest/gtest.h>

#include "contract/embedder_contract.h"
#include "support/sim_world.h"

namespace embedd::test {
namespace {

class SimEmbedderWorld final : public EmbedderWorld {
 public:
  explicit SimEmbedderWorld(bool with_key) {
    world_.provider.key = with_key ? KeyState::present : KeyState::missing;
    world_.answers_may_be_lost = true;  // what the suite pays for twice is its own business
  }
  Embedder& embedder() override { return embedder_; }
  [[nodiscard]] std::string endpoint() const override { return "openai"; }
  [[nodiscard]] std::string model() const override { return "sim"; }
  [[nodiscard]] int dimensions() const override { return 4; }
  [[nodiscard]] std::vector<float> vector_of(const std::string& text) const override {
    return sim::vector_of(text);
  }
  void turn() override { world_.run_for(milliseconds(1)); }
  [[nodiscard]] bool scripted() const override { return true; }
  void fail_next(ErrorKind kind, std::optional<Duration> retry_after) override {
    world_.provider.fail_next = Error{kind, "scripted", retry_after};
  }
  void hold() override { world_.provider.holds = true; }
  void release() override { world_.provider.holds = false; }
  void give_key() override {
    world_.provider.key = KeyState::present;
    ++world_.provider.key_version;
  }

 private:
  sim::World world_{1};
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  sim::SimEmbedder embedder_{world_, [] {}, alive_};
};

std::unique_ptr<EmbedderWorld> make_sim_world(bool with_key) {
  return std::make_unique<SimEmbedderWorld>(with_key);
}

INSTANTIATE_TEST_SUITE_P(Simulated, EmbedderContract, testing::Values(&make_sim_world));

}  // namespace
}  // namespace embedd::test
