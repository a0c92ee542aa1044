/// Asks the endpoints of [rerank.NAME] how well texts answer a query, on a thread of its own.
///
/// An endpoint that fails, or does not answer within its timeout, is left alone for a while (Pauses);
/// meanwhile each question is refused at once, with the same reason.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "app/pauses.h"
#include "base/units.h"
#include "provider/loop.h"
#include "provider/rerank.h"
#include "provider/reranker.h"

namespace embedd::app {

class Rerankers {
 public:
  /// In the order of the texts.
  using Scores = std::expected<std::vector<double>, Unserved>;
  /// Called on the thread of this object; must not block.
  using Done = std::function<void(Scores)>;

  /// Each config must be valid.
  explicit Rerankers(const std::vector<provider::RerankConfig>& configs);
  /// Ends every question under way; each still gets its answer.
  ~Rerankers();
  Rerankers(const Rerankers&) = delete;
  Rerankers& operator=(const Rerankers&) = delete;

  /// Null: there is none of that name. Thread-safe.
  [[nodiscard]] const provider::RerankConfig* find(std::string_view name) const;
  /// Thread-safe. `done` is called once, at `deadline` at the latest. There must be a reranker `name`.
  void rerank(std::string name, std::string query, std::vector<std::string> texts, Instant deadline,
              Done done);

 private:
  struct Question {
    std::string name, query;
    std::vector<std::string> texts;
    Instant deadline;
    Done done;
    Instant sent_at{}, patience{};  ///< when the endpoint had its time
  };

  void run();
  void start(Question question);
  void finish(std::uint64_t id, Result<std::vector<double>> scores);
  void expire(Instant now, bool stopping);

  std::mutex mutex_;
  std::vector<Question> arrived_;  ///< guarded by mutex_
  bool stopping_ = false;          ///< guarded by mutex_
  provider::Loop loop_;

  // Used by the thread alone, but for the names and the configurations, which do not change:
  std::map<std::string, std::unique_ptr<provider::Reranker>, std::less<>> by_name_;
  std::map<std::uint64_t, Question> in_flight_;
  Pauses pauses_;
  std::uint64_t next_id_ = 1;

  std::thread thread_;
};

}  // namespace embedd::app
