/// The real adapters, held to the Embedder contract.
#include <fmt/format.h>

#include "contract/embedder_contract.h"
#include "core/models.h"
#include "provider/embedders.h"
#include "provider/loop.h"
#include "support/scripted_provider.h"
#include "support/temp_dir.h"
#include "text/hashing.h"

namespace embedd::test {
namespace {

/// Turns of the real loop: long enough for loopback, short enough to look often.
constexpr Duration kTurn = milliseconds(20);

Answer answer_like(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::rate_limited: return Answer::error(429, "rate_limit_exceeded");
    case ErrorKind::quota_exhausted: return Answer::error(429, "insufficient_quota");
    case ErrorKind::too_large: return Answer::raw(413, "Payload Too Large");
    case ErrorKind::rejected: return Answer::error(400, "invalid_value", "'$.input' is invalid.");
    case ErrorKind::unauthenticated: return Answer::error(401, "invalid_api_key");
    case ErrorKind::misconfigured: return Answer::error(404, "model_not_found");
    case ErrorKind::invalid_answer: return Answer::broken(Fault::duplicate);
    default: return Answer::raw(503, "");
  }
}

/// OpenAI's or Azure's dialect over HTTP, to the scripted provider.
class HttpWorld final : public EmbedderWorld {
 public:
  HttpWorld(provider::Dialect dialect, bool with_key) : provider_({.dimensions = 3}) {
    if (with_key) give_key();
    provider::EndpointConfig config{.name = "scripted", .dialect = dialect, .base_url = provider_.base_url()};
    config.api_key_file = keys_.file("key");
    embedders_ = std::make_unique<provider::Embedders>(loop_, std::vector{config});
  }

  Embedder& embedder() override { return *embedders_; }
  [[nodiscard]] std::string endpoint() const override { return "scripted"; }
  [[nodiscard]] std::string model() const override { return "text-embedding-3-small"; }
  [[nodiscard]] int dimensions() const override { return 70; }
  [[nodiscard]] std::vector<float> vector_of(const std::string& text) const override {
    return expected_vector(text, dimensions());
  }
  void turn() override { loop_.wait_until(provider::SteadyClock().now() + kTurn); }
  [[nodiscard]] bool scripted() const override { return true; }
  void fail_next(ErrorKind kind, std::optional<Duration> retry_after) override {
    Answer answer = answer_like(kind);
    if (retry_after)
      answer.headers.emplace_back(
          "retry-after-ms", std::to_string(std::chrono::duration_cast<milliseconds>(*retry_after).count()));
    provider_.answers_next(1, answer);
  }
  void hold() override { provider_.hold(); }
  void release() override { provider_.release(); }
  void give_key() override {
    const std::string key = fmt::format("sk-test-{}", ++keys_given_);
    provider_.set_key(key);
    keys_.write("key", key + "\n");
  }

 private:
  TempDir keys_;
  ScriptedProvider provider_;
  provider::Loop loop_;
  std::unique_ptr<provider::Embedders> embedders_;
  int keys_given_ = 0;
};

class LocalWorld final : public EmbedderWorld {
 public:
  LocalWorld() : embedders_(loop_, {{.name = "local", .dialect = provider::Dialect::local}}) {}

  Embedder& embedder() override { return embedders_; }
  [[nodiscard]] std::string endpoint() const override { return "local"; }
  [[nodiscard]] std::string model() const override { return std::string(kLocalModel); }
  [[nodiscard]] int dimensions() const override { return 256; }
  [[nodiscard]] std::vector<float> vector_of(const std::string& text) const override {
    std::vector<float> out(256);
    hash_embed(text, out);
    return out;
  }
  void turn() override { loop_.wait_until(provider::SteadyClock().now() + kTurn); }
  [[nodiscard]] bool scripted() const override { return false; }
  void fail_next(ErrorKind, std::optional<Duration>) override {}
  void hold() override {}
  void release() override {}
  void give_key() override {}

 private:
  provider::Loop loop_;
  provider::Embedders embedders_;
};

std::unique_ptr<EmbedderWorld> openai(bool with_key) {
  return std::make_unique<HttpWorld>(provider::Dialect::openai, with_key);
}
std::unique_ptr<EmbedderWorld> azure(bool with_key) {
  return std::make_unique<HttpWorld>(provider::Dialect::azure, with_key);
}
std::unique_ptr<EmbedderWorld> local(bool) { return std::make_unique<LocalWorld>(); }

INSTANTIATE_TEST_SUITE_P(OpenAi, EmbedderContract, testing::Values(&openai));
INSTANTIATE_TEST_SUITE_P(Azure, EmbedderContract, testing::Values(&azure));
INSTANTIATE_TEST_SUITE_P(Local, EmbedderContract, testing::Values(&local));

}  // namespace
}  // namespace embedd::test
