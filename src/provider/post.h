/// Sends one POST over the loop and keeps the answer, with bounds on both. Reusable, one request at a time.
///
/// The owner bounds the time and cancels; but a Post itself ends an answer that has begun and hangs. TLS
/// certificates are verified (against the system's authorities, or the endpoint's ca_file). Redirects are not
/// followed. The body is bounded. Compressed answers are accepted, except from loopback hosts, where
/// compression only takes time. Proxies come from the environment (`https_proxy`, `http_proxy`, `no_proxy`),
/// except for loopback hosts, which are always reached directly.
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

/// Request headers. The destructor wipes them, because one of them contains the key.
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
  /// Called when the transfer has ended; not after cancel(). May start this or another Post.
  using Done = std::function<void(Post&)>;

  Post(Loop& loop, const EndpointConfig& config);
  ~Post() override;
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;

  /// An answer of more than `max_answer_bytes`, decompressed, is cut off and counts as unavailable.
  void start(const std::string& url, std::shared_ptr<const HeaderList> headers, std::string body,
             std::size_t max_answer_bytes, Done done);
  void cancel();

  // About the transfer that has ended.

  /// The HTTP status, or why there is none. If the body of an error answer was cut off, its status still
  /// counts.
  [[nodiscard]] Result<int> status() const;
  [[nodiscard]] const ResponseHeaders& headers() const { return headers_; }
  [[nodiscard]] std::string& answer() { return answer_; }
  /// The body of the request, to be sent again.
  [[nodiscard]] std::string take_body() { return std::move(body_); }
  /// Frees the memory of request and answer.
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
  bool uploaded_ = false;  ///< a part of the request was sent, so the server may have worked on it
  Cut cut_ = Cut::no;
};

/// The host of a URL, without port; "" if there is none.
std::string_view host_of(std::string_view url);

}  // namespace embedd::provider
