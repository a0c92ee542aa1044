// How long a stopping worker stays: here the loop blocks in its wait, as the real one does.
#include <stop_token>

#include "core/io.h"
#include "core/tokenizer.h"
#include "support/scenario.h"
#include "text/chunker.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class OneTokenAByte final : public Tokenizer, public TokenizerCatalog {
 public:
  [[nodiscard]] std::size_t count(std::string_view text) const override { return text.size(); }
  [[nodiscard]] std::size_t prefix_bytes(std::string_view text, std::size_t max) const override {
    return std::min(text.size(), max);
  }
  [[nodiscard]] const Tokenizer& tokenizer_for(std::string_view) const override { return *this; }
};

/// Its wait lets the world go on, until the deadline or until somebody wakes it.
class WorldsIo final : public Io, public Clock {
 public:
  explicit WorldsIo(World& world) : world_(world) {}
  [[nodiscard]] Instant now() const override { return world_.now(); }
  void wait_until(Instant deadline) override {
    world_.run_until([this] { return woken_; }, std::max(deadline - world_.now(), Duration{}));
    woken_ = false;
  }
  void wake() override { woken_ = true; }

 private:
  World& world_;
  bool woken_ = false;
};

class Stop : public Scenario {
 protected:
  /// Runs a worker that is told to stop at `when`; how much later it has left.
  Duration leaves_after(Duration when) {
    const auto alive = std::make_shared<int>(0);
    WorldsIo io(world);
    SimQueue queue(world, 0, [&io] { io.wake(); }, alive);
    SimEmbedder embedder(world, [&io] { io.wake(); }, alive);
    const OneTokenAByte tokenizer;
    Tracing observer(world, 0);
    const TextChunker chunker(tokenizer);
    Worker worker(world.options, queue, embedder, tokenizer, chunker, io, io, observer);
    std::stop_source stop;
    Instant asked_at{};
    world.at(when, [&] {
      asked_at = world.now();
      stop.request_stop();
    });
    worker.run(stop.get_token());
    return world.now() - asked_at;
  }
};

TEST_F(Stop, AnIdleWorkerLeavesAtOnceAndNotAtItsNextPoll) {
  world.options.poll = 20s;
  const VectorizerId notes = world.add_table("notes", 20);
  EXPECT_EQ(leaves_after(67s), Duration{});
  EXPECT_EQ(table(notes).queue.size(), 0U);
}

TEST_F(Stop, AWorkerThatHoldsJobsGivesThemBackFirst) {
  const VectorizerId notes = world.add_table("notes", 500);
  world.provider.mood.latency = 3s;
  const Duration after = leaves_after(1s);
  EXPECT_GT(after, 1s);
  EXPECT_LT(after, 5s);
  for (const auto& [key, queued] : table(notes).queue) EXPECT_FALSE(queued.lease) << key;
}

TEST_F(Stop, ADrainingWorkerSaysSoAtOnceAndAsLongAsItLasts) {
  world.options.poll = 20s;
  world.provider.mood.latency = 25s;
  world.provider.mood.jitter = {};
  world.add_table("notes", 10);
  const int worker = world.start_worker();
  world.run_for(5s);
  EXPECT_FALSE(world.heartbeats.at(worker).draining);
  world.drain_worker(worker);
  world.run_for(100ms);
  EXPECT_TRUE(world.heartbeats.at(worker).draining);
  EXPECT_GE(world.heartbeats.at(worker).requests_in_flight, 1U);
  world.heartbeats.clear();
  EXPECT_TRUE(world.run_until([&] { return world.heartbeats.contains(worker); }, 21s))
      << "others see it alive";
  EXPECT_TRUE(world.heartbeats.at(worker).draining);
}

}  // namespace
}  // namespace embedd::sim
