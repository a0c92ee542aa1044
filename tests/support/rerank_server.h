/// An HTTP server of a rerank shape on loopback, which does what a test tells it to.
///
/// Its score of a text is the last number in the text, divided by 1,000. Each connection has a thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "provider/rerank.h"

namespace embedd::test {

enum class RerankFault : std::uint8_t {
  none,
  too_few,       ///< the last result is missing
  too_many,      ///< a result twice
  twice,         ///< two results with the same index, none with another
  out_of_range,  ///< an index that is none of a text
  negative,
  fraction,    ///< an index that is no whole number
  not_finite,  ///< a score of 1e999
  words,       ///< a score that is text
  no_score,
  no_results,
  an_object,  ///< in place of the list, or of the object that has the list
  not_json,
  truncated,
  empty,
  huge,        ///< more bytes than are read
  redirect,    ///< 307 to /elsewhere of this server
  disconnect,  ///< closes without an answer
  hang,        ///< never answers
};

class RerankServer {
 public:
  /// `key`: demanded as the bearer's; empty: none needed.
  explicit RerankServer(provider::RerankShape shape, std::string key = "");
  ~RerankServer();
  RerankServer(const RerankServer&) = delete;
  RerankServer& operator=(const RerankServer&) = delete;

  [[nodiscard]] std::string url() const;
  void bend(RerankFault fault);
  /// Every request gets this answer; 0: the truth again.
  void refuse(int status, std::string body = "");

  [[nodiscard]] int requests() const;
  [[nodiscard]] int redirected() const;      ///< requests to /elsewhere
  [[nodiscard]] std::string body() const;    ///< of the last request
  [[nodiscard]] std::string bearer() const;  ///< the Authorization of the last request
  /// The texts of the last request.
  [[nodiscard]] std::vector<std::string> texts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace embedd::test
