/// Asks one endpoint of a rerank shape, over HTTP.
///
/// The key goes only to the endpoint's own host, redirects are not followed, and no message contains the key.
/// An answer has at most kMostAnswer bytes. The caller bounds the time with give_up().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/redaction.h"
#include "core/embedder.h"
#include "provider/key_file.h"
#include "provider/loop.h"
#include "provider/post.h"
#include "provider/rerank.h"

namespace embedd::provider {

class Reranker {
 public:
  static constexpr std::size_t kMostAnswer = 2 * kMiB;

  using Done = std::function<void(std::uint64_t id, Result<std::vector<double>> scores)>;

  /// `config` must be valid. `done` is called by the loop's thread within Loop::wait_until().
  Reranker(Loop& loop, RerankConfig config, Done done);
  ~Reranker();
  Reranker(const Reranker&) = delete;
  Reranker& operator=(const Reranker&) = delete;

  [[nodiscard]] const RerankConfig& config() const { return config_; }
  /// Whether a key that is needed is missing; reads its file again if that has changed.
  KeyState key_state();
  void start(std::uint64_t id, std::string_view query, const std::vector<std::string>& texts);
  /// `done` is not called.
  void give_up(std::uint64_t id);

 private:
  struct InFlight {
    std::unique_ptr<Post> post;
    std::size_t texts = 0;
  };

  [[nodiscard]] const Secret& key() const;
  void finished(std::uint64_t id);
  static Result<std::vector<double>> scores_of(Post& post, RerankShape shape, std::size_t texts);

  Loop& loop_;
  const RerankConfig config_;
  const Done done_;
  KeyFile key_file_;
  HiddenSecret hidden_;
  std::map<std::uint64_t, InFlight> in_flight_;
  std::vector<std::unique_ptr<Post>> idle_;
};

}  // namespace embedd::provider
