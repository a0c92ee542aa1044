/// One POST over the loop: what is sent, what came back, and the bounds on both. Reusable, one at a time.
///
/// How long it may take is its owner's to decide, who cancels it; but an answer that has begun and hangs is
/// ended. TLS is verified (against the system's authorities, or the endpoint's ca_file), redirects are not
/// followed, the body is bounded, compressed answers are accepted (but from loopback, where they only cost
/// time). Proxies come from the environment (`https_proxy`, `http_proxy`, `no_proxy`), except for loopback
/// hosts, which are always reached directly.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "provider/endpoint.h"
#include "provider/headers.h"
#include "provider/loop.h"

namespace embedd::provider {

/// Request headers, wiped when they go: one of them holds the key.
class HeaderList {
 public:
  HeaderList() = default;
  ~HeaderList();
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  void add(const std::string& line);
  [[nodiscard]] void* get() const { return list_; }

 private:
  void* list_ = nullptr;  ///< curl_slist*
};

class Post final : private Transfer {
 public:
  /// Called once the transfer has ended, but not after cancel(). May start this or another Post.
  using Done = std::function<void(Post&)>;

  Post(Loop& loop, const EndpointConfig& config);
  ~Post() override;
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;

  /// An answer of more than `max_answer_bytes`, unpacked, is cut off and counts as unavailable.
  void start(const std::string& url, std::shared_ptr<const HeaderList> headers, std::string body,
             std::size_t max_answer_bytes, Done done);
  void cancel();

  // Of the transfer that has ended.

  /// The HTTP status, or why there is none. An answer with an error status whose body was cut off is an
  /// answer.
  [[nodiscard]] Result<int> status() const;
  [[nodiscard]] const ResponseHeaders& headers() const { return headers_; }
  [[nodiscard]] std::string& answer() { return answer_; }
  /// The request's, to be sent again.
  [[nodiscard]] std::string take_body() { return std::move(body_); }
  /// Gives the memory of request and answer back.
  void clear();

 private:
  enum class Cut { no, body, headers };

  void finished(int curl_code) override;
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  std::size_t take_body(std::string_view chunk);
  /// Why the transfer ended without an answer.
  [[nodiscard]] Error failure() const;

  Loop& loop_;
  void* easy_;  ///< CURL*
  std::string host_;
  std::shared_ptr<const HeaderList> request_headers_;
  std::string body_;
  std::size_t max_answer_bytes_ = 0;
  Done done_;
  bool running_ = false;

  ResponseHeaders headers_;
  std::string answer_;
  std::vector<char> detail_;  ///< libcurl's error buffer
  int curl_code_ = 0;
  long status_ = 0;
  bool uploaded_ = false;  ///< some of the request: the server may have worked on it
  Cut cut_ = Cut::no;
};

/// The host of a URL, without port; "" if there is none.
std::string_view host_of(std::string_view url);

}  // namespace embedd::provider
