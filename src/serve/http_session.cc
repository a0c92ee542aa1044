#include "serve/http_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <random>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/log.h"

namespace embedd::serve {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kMaxRequestId = 64;
/// Most bytes that are read and dropped after a refusal, so that a client that still sends sees the reply.
constexpr std::size_t kMaxDropped = 2 * kMiB;
constexpr Duration kDropTime = seconds(2);

std::string new_id() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:016x}", random());
}

bool is_plain_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestId && std::ranges::all_of(id, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

/// One connection. Its handlers keep it alive.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  /// `tls` is null for a connection without TLS.
  HttpSession(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls, HttpSessions& shared)
      : stream_(std::move(socket)),
        context_(std::move(tls)),
        buffer_(shared.limits.head_bytes),
        shared_(shared) {
    if (context_) tls_.emplace(stream_, *context_);
  }

  void run() {
    error_code ignored;
    (void)stream_.socket().set_option(tcp::no_delay(true), ignored);
    shared_.add(*this);
    if (tls_) return shake_hands();
    read_head();
  }

  [[nodiscard]] bool idle() const { return idle_; }
  [[nodiscard]] Instant idle_since() const { return idle_since_; }
  void close() {
    error_code ignored;
    (void)stream_.socket().close(ignored);
    end();
  }

 private:
  /// Calls `operation` with the stream that the HTTP goes through.
  template <class Operation>
  void on_stream(Operation operation) {
    if (tls_) return operation(*tls_);
    operation(stream_);
  }

  void shake_hands() {
    idle_since_ = std::chrono::steady_clock::now();
    stream_.expires_after(shared_.limits.body);
    tls_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](error_code error) {
      if (self->ended_) return;
      if (!error) return self->read_head();
      log::debug("tls_handshake_failed", {{"message", error.message()}});
      self->close();
    });
  }

  void end() {
    if (std::exchange(ended_, true)) return;
    events_.reset();
    beat_.cancel();
    permit_.reset();
    shared_.remove(*this);
  }

  void read_head() {
    idle_ = true;
    idle_since_ = std::chrono::steady_clock::now();
    parser_.emplace();
    parser_->header_limit(shared_.limits.head_bytes);
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());  // until the handler knows the route
    stream_.expires_after(shared_.limits.idle);
    on_stream([this](auto& stream) {
      http::async_read_header(
          stream, buffer_, *parser_,
          [self = shared_from_this()](error_code error, std::size_t) { self->on_head(error); });
    });
  }

  void on_head(error_code error) {
    if (ended_) return;
    idle_ = false;
    request_ = {.id = new_id(), .began = std::chrono::steady_clock::now()};
    if (error) return on_bad_head(error);
    const auto& head = parser_->get();
    const auto text = [](auto view) { return std::string(view.data(), view.size()); };
    request_.method = text(head.method_string());
    request_.target = text(head.target());
    request_.authorization = text(head[http::field::authorization]);
    request_.api_key = text(head["X-API-Key"]);
    request_.content_type = text(head[http::field::content_type]);
    request_.host = text(head[http::field::host]);
    request_.origin = text(head[http::field::origin]);
    request_.mcp_protocol_version = text(head["MCP-Protocol-Version"]);
    request_.mcp_method = text(head["Mcp-Method"]);
    request_.mcp_name = text(head["Mcp-Name"]);
    if (std::string id = text(head["X-Request-ID"]); is_plain_id(id)) request_.id = std::move(id);
    keep_alive_ = head.keep_alive();
    if (auto refusal = shared_.handler.admit(request_, permit_)) {
      unread_ = !parser_->is_done();
      return respond(std::move(*refusal));
    }
    if (parser_->is_done()) return handle();
    if (request_.method != "POST") {
      unread_ = true;
      return respond(shared_.handler.refusal(400, "unexpected_body", "send no body with this method"));
    }
    most_body_ = shared_.handler.most_body(request_).value_or(shared_.limits.body_bytes);
    if (parser_->content_length().value_or(0) > most_body_) return on_bad_head(http::error::body_limit);
    parser_->body_limit(most_body_);
    if (beast::iequals(head[http::field::expect], "100-continue")) return go_on();
    read_body();
  }

  void on_bad_head(error_code error) {
    keep_alive_ = false;
    unread_ = true;
    if (error == http::error::body_limit)
      return respond(shared_.handler.refusal(
          413, "body_too_large", fmt::format("the body has more than {} KiB", most_body_ / kKiB)));
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return respond(shared_.handler.refusal(
          431, "head_too_large",
          fmt::format("the head has more than {} KiB", shared_.limits.head_bytes / kKiB)));
    const bool malformed = error.category() == http::make_error_code(http::error::bad_method).category() &&
                           error != http::error::end_of_stream && error != http::error::partial_message;
    if (malformed)
      return respond(shared_.handler.refusal(400, "malformed", "this is not an HTTP/1.1 request"));
    close();
  }

  void go_on() {
    continue_ = {http::status::continue_, 11};
    stream_.expires_after(shared_.limits.write);
    on_stream([this](auto& stream) {
      http::async_write(stream, continue_, [self = shared_from_this()](error_code error, std::size_t) {
        if (error || self->ended_) return self->end();
        self->read_body();
      });
    });
  }

  void read_body() {
    stream_.expires_after(shared_.limits.body);
    on_stream([this](auto& stream) {
      http::async_read(stream, buffer_, *parser_,
                       [self = shared_from_this()](error_code error, std::size_t) { self->on_body(error); });
    });
  }

  void on_body(error_code error) {
    if (ended_) return;
    if (!error) return handle();
    keep_alive_ = false;
    unread_ = true;
    if (error == beast::error::timeout || error == http::error::end_of_stream ||
        error == http::error::partial_message || error == asio::ssl::error::stream_truncated)
      return close();
    if (error == http::error::body_limit) return on_bad_head(error);
    respond(shared_.handler.refusal(400, "malformed", "the body is not as the head says"));
  }

  void handle() {
    stream_.expires_never();
    HttpRequest request = request_;
    request.body = std::move(parser_->get().body());
    shared_.handler.handle(std::move(request), [self = shared_from_this()](HttpReply reply) {
      asio::post(self->stream_.get_executor(), [self, reply = std::move(reply)]() mutable {
        if (!self->ended_) self->respond(std::move(reply));
      });
    });
  }

  void respond(HttpReply reply) {
    reply_ = std::move(reply);
    const bool keep = keep_alive_ && !unread_ && !shared_.draining;
    keep_alive_ = keep;
    response_ = {};
    response_.result(static_cast<unsigned>(reply_.status));
    response_.version(11);
    response_.set(http::field::content_type, reply_.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.set("X-Request-ID", request_.id);
    for (const auto& [name, value] : reply_.headers) response_.set(name, value);
    response_.keep_alive(keep);
    if (reply_.events && request_.method != "HEAD") return begin_events();
    response_.content_length(reply_.body.size());
    if (request_.method != "HEAD") response_.body() = std::move(reply_.body);
    stream_.expires_after(shared_.limits.write);
    on_stream([this](auto& stream) {
      http::async_write(stream, response_, [self = shared_from_this()](error_code error, std::size_t) {
        self->on_written(error);
      });
    });
  }

  void begin_events() {
    keep_alive_ = false;
    response_.keep_alive(false);
    events_head_.emplace(response_);
    stream_.expires_after(shared_.limits.write);
    on_stream([this](auto& stream) {
      http::async_write_header(stream, *events_head_,
                               [self = shared_from_this()](error_code error, std::size_t) {
                                 self->shared_.handler.answered(self->request_, self->reply_);
                                 if (self->ended_) return;
                                 if (error) return self->close();
                                 self->run_events();
                               });
    });
  }

  /// The connection counts as idle: it gives way to requests, and ends with the server.
  void run_events() {
    if (shared_.draining) return close();
    idle_ = true;
    idle_since_ = std::chrono::steady_clock::now();
    stream_.expires_never();
    drop();  // sees the client leave
    beat();
    events_ = std::exchange(reply_.events, nullptr)(
        [weak = weak_from_this(), executor = stream_.get_executor()](std::string text) {
          asio::post(executor, [weak, text = std::move(text)]() mutable {
            if (const auto self = weak.lock()) self->send_event(std::move(text));
          });
        });
  }

  /// While there are no events, a comment now and then shows the client that the server lives.
  void beat() {
    beat_.expires_after(shared_.limits.beat);
    beat_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (error || !self || self->ended_) return;
      if (!self->sending_event_) self->send_event(": \n\n");
      self->beat();
    });
  }

  void send_event(std::string text) {
    if (ended_) return;
    next_event_ = std::move(text);
    if (!sending_event_) write_event();
  }

  void write_event() {
    event_ = std::move(*next_event_);
    next_event_.reset();
    sending_event_ = true;
    stream_.expires_after(shared_.limits.write);
    on_stream([this](auto& stream) {
      asio::async_write(stream, asio::buffer(event_),
                        [self = shared_from_this()](error_code error, std::size_t) {
                          self->sending_event_ = false;
                          if (self->ended_) return;
                          if (error) return self->close();
                          if (self->next_event_) self->write_event();
                        });
    });
  }

  void on_written(error_code error) {
    shared_.handler.answered(request_, reply_);
    permit_.reset();
    response_ = {};
    reply_ = {};
    if (ended_) return;
    if (error) return close();
    if (keep_alive_ && !shared_.draining) return read_head();
    stream_.expires_after(kDropTime);
    if (unread_) return drop_unread();
    if (!tls_) return close();
    tls_->async_shutdown([self = shared_from_this()](error_code) {
      if (!self->ended_) self->close();
    });
  }

  void drop_unread() {
    error_code ignored;
    if (!tls_) (void)stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    drop();
  }

  void drop() {
    on_stream([this](auto& stream) {
      stream.async_read_some(asio::buffer(dropped_),
                             [self = shared_from_this()](error_code error, std::size_t n) {
                               if (self->ended_) return;
                               self->dropped_bytes_ += n;
                               if (error || self->dropped_bytes_ > kMaxDropped) return self->close();
                               self->drop();
                             });
    });
  }

  beast::tcp_stream stream_;
  std::shared_ptr<asio::ssl::context> context_;
  std::optional<asio::ssl::stream<beast::tcp_stream&>> tls_;  ///< over stream_
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  http::response<http::empty_body> continue_;
  HttpSessions& shared_;
  HttpRequest request_;  ///< without its body
  HttpReply reply_;
  std::shared_ptr<void> permit_;
  std::optional<http::response_serializer<http::string_body>> events_head_;
  std::shared_ptr<void> events_;  ///< what sends events here
  std::string event_;             ///< being sent, if sending_event_
  bool sending_event_ = false;
  asio::steady_timer beat_{stream_.get_executor()};
  std::optional<std::string> next_event_;
  bool idle_ = true, ended_ = false;
  Instant idle_since_{};
  bool keep_alive_ = false;
  bool unread_ = false;  ///< the client may still be sending
  std::array<char, 4096> dropped_{};
  std::size_t dropped_bytes_ = 0;
  std::uint64_t most_body_ = 0;
};

void HttpSessions::remove(const HttpSession& session) {
  std::erase(open, &session);
  tell();
  if (open.empty() && when_empty) when_empty();
}

void HttpSessions::close_one() {
  if (open.empty()) return;
  (*std::ranges::min_element(open, {}, [](const HttpSession* session) {
    return std::pair(!session->idle(), session->idle_since());
  }))->close();
}

void HttpSessions::close_idle() {
  for (HttpSession* session : std::vector<HttpSession*>(open))
    if (session->idle()) session->close();
}

void start_session(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls, HttpSessions& sessions) {
  std::make_shared<HttpSession>(std::move(socket), std::move(tls), sessions)->run();
}

}  // namespace embedd::serve
