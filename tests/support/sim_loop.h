/// A worker in the simulated world whose loop blocks in its wait, as the real one does.
///
///   BlockingLoop loop(world, observer);
///   world.at(10s, [&] { loop.stop(); });
///   loop.run();
///
/// The wait lets the world go on. So the worker runs on the test's own thread until it is told to stop.
#pragma once

#include <algorithm>
#include <memory>
#include <stop_token>

#include "core/io.h"
#include "core/observer.h"
#include "core/worker.h"
#include "support/byte_tokens.h"
#include "support/sim_world.h"
#include "text/chunker.h"

namespace embedd::sim {

/// Waits until the deadline, or until somebody wakes it.
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

class BlockingLoop {
 public:
  /// Both must outlive it.
  BlockingLoop(World& world, Observer& observer)
      : io_(world),
        queue_(
            world, 0, [this] { io_.wake(); }, alive_),
        embedder_(
            world, [this] { io_.wake(); }, alive_),
        worker_(world.options, queue_, embedder_, tokens_, chunker_, io_, io_, observer) {}

  BlockingLoop(const BlockingLoop&) = delete;
  BlockingLoop& operator=(const BlockingLoop&) = delete;

  /// Until the worker has stopped.
  void run() { worker_.run(stop_.get_token()); }
  void stop() { stop_.request_stop(); }

 private:
  const std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  WorldsIo io_;
  SimQueue queue_;
  SimEmbedder embedder_;
  const test::ByteTokens tokens_;
  const TextChunker chunker_{tokens_};
  Worker worker_;
  std::stop_source stop_;
};

}  // namespace embedd::sim
