/// What every Embedder must do, as one suite that runs on the real adapters and on the simulation's fake.
///
/// An adapter joins by implementing EmbedderWorld and instantiating the suite in a .cc of tests/contract:
///
///   INSTANTIATE_TEST_SUITE_P(Fake, EmbedderContract, testing::Values(&make_fake_world));
///
/// A world holds one embedder with one endpoint and the provider behind it. Each test has a world of its own.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/embedder.h"

namespace embedd::test {

class EmbedderWorld {
 public:
  virtual ~EmbedderWorld() = default;
  virtual Embedder& embedder() = 0;
  [[nodiscard]] virtual std::string endpoint() const = 0;
  [[nodiscard]] virtual std::string model() const = 0;
  [[nodiscard]] virtual int dimensions() const = 0;
  /// What the provider's answer to `text` is.
  [[nodiscard]] virtual std::vector<float> vector_of(const std::string& text) const = 0;

  /// Lets what was started make progress: waits a little on sockets, or delivers in a fake.
  virtual void turn() = 0;

  /// Whether the provider can be told what to do, by the functions below. The local one cannot.
  [[nodiscard]] virtual bool scripted() const = 0;
  /// The next request that the provider sees fails like this.
  virtual void fail_next(ErrorKind kind, std::optional<Duration> retry_after = std::nullopt) = 0;
  /// The provider keeps its answers back, until release().
  virtual void hold() = 0;
  virtual void release() = 0;
  /// The endpoint gets a key, or another one.
  virtual void give_key() = 0;
};

/// `with_key`: the endpoint, which needs one, has a key from the start.
using MakeEmbedderWorld = std::unique_ptr<EmbedderWorld> (*)(bool with_key);

/// The suite. Its helpers start requests and turn the world until the replies are there.
class EmbedderContract : public testing::TestWithParam<MakeEmbedderWorld> {
 protected:
  void SetUp() override { world_ = GetParam()(true); }
  [[nodiscard]] EmbedderWorld& world() { return *world_; }
  void restart_without_key() { world_ = GetParam()(false); }

  /// Starts a request for `texts` and returns its id.
  std::uint64_t start(const std::vector<std::string>& texts);
  /// Turns until `count` replies came; fails if more come.
  std::vector<Reply> wait_for(std::size_t count);
  /// One request and its reply.
  Reply embed(const std::vector<std::string>& texts);
  void expect_vectors(const Reply& reply, const std::vector<std::string>& texts);
  /// No reply is left or comes late.
  void expect_silence();

 private:
  std::unique_ptr<EmbedderWorld> world_;
  std::uint64_t next_id_ = 1;
};

}  // namespace embedd::test
