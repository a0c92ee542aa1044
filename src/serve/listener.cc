#include "serve/listener.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/threads.h"
#include "serve/acceptor.h"

namespace embedd::serve {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

class Session;

/// The open connections, oldest first. Must outlive the connections.
class Connections {
 public:
  void add(Session& session) { sessions_.push_back(&session); }
  void remove(const Session& session) { std::erase(sessions_, &session); }
  [[nodiscard]] std::size_t size() const { return sessions_.size(); }
  /// Closes the connection that has waited longest without sending its request; if all are being answered,
  /// the oldest.
  void close_one();

 private:
  std::vector<Session*> sessions_;
};

/// One connection: reads a request, answers, closes. Its handlers keep it alive.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const Listener::Handler& handler, Connections& open)
      : stream_(std::move(socket)), buffer_(Listener::kMaxHeaderBytes), handler_(handler), open_(open) {
    parser_.header_limit(Listener::kMaxHeaderBytes);
    parser_.body_limit(0);
    open_.add(*this);
  }
  ~Session() { open_.remove(*this); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void run() {
    stream_.expires_after(Listener::kTimeout);
    http::async_read_header(
        stream_, buffer_, parser_,
        [self = shared_from_this()](error_code error, std::size_t) { self->answer(error); });
  }

  [[nodiscard]] bool waits_for_request() const { return waits_for_request_; }
  /// Closes the descriptor at once; the object lives until its handlers have ended.
  void close() {
    open_.remove(*this);
    stream_.close();
  }

 private:
  void answer(error_code error) {
    waits_for_request_ = false;
    if (error) {
      const bool malformed = error.category() == http::make_error_code(http::error::bad_method).category() &&
                             error != http::error::end_of_stream && error != http::error::partial_message;
      if (!malformed) return;
      return write(problem(400, "Bad Request", "not an HTTP request of a reasonable size"), false);
    }
    const auto& request = parser_.get();
    const std::string_view method(request.method_string().data(), request.method_string().size());
    const std::string_view target(request.target().data(), request.target().size());
    write(handler_(method, target), method == "HEAD");
  }

  void write(HttpResponse answer, bool head) {
    response_.result(static_cast<unsigned>(answer.status));
    response_.version(11);
    response_.set(http::field::content_type, answer.content_type);
    response_.set(http::field::cache_control, "no-store");
    if (!answer.allow.empty()) response_.set(http::field::allow, answer.allow);
    response_.keep_alive(false);
    response_.content_length(answer.body.size());
    if (!head) response_.body() = std::move(answer.body);
    http::async_write(stream_, response_, [self = shared_from_this()](error_code, std::size_t) {
      error_code ignored;
      (void)self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  const Listener::Handler& handler_;
  Connections& open_;
  bool waits_for_request_ = true;
};

void Connections::close_one() {
  if (sessions_.empty()) return;
  const auto idle = std::ranges::find_if(sessions_, &Session::waits_for_request);
  (idle == sessions_.end() ? sessions_.front() : *idle)->close();
}

}  // namespace

class Listener::Impl {
 public:
  explicit Impl(Handler handler) : handler_(std::move(handler)) {}

  ~Impl() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> listen(const ListenAddress& address) {
    local_ = TRY(listen_on(acceptor_, address));
    accept();
    thread_ = start_thread([this] { io_.run(); });
    return {};
  }

  [[nodiscard]] const tcp::endpoint& local() const { return local_; }

 private:
  /// New connections are always accepted: a probe must not wait behind connections that send no request.
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error || open_.size() >= kMaxConnections) open_.close_one();
      if (error) return accept_later();  // out of file descriptors
      std::make_shared<Session>(std::move(socket), handler_, open_)->run();
      accept();
    });
  }

  void accept_later() {
    retry_.expires_after(milliseconds(100));
    retry_.async_wait([this](error_code error) {
      if (!error) accept();
    });
  }

  const Handler handler_;
  Connections open_;
  tcp::endpoint local_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer retry_{io_};
  std::thread thread_;
};

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto refuse = [&] {
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("'{}' is not an address to listen on: write 127.0.0.1:9090, [::1]:9090 or :0", text));
  };
  const std::size_t colon = text.rfind(':');
  std::string_view host = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return refuse();
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse();
  }
  const bool digits =
      !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits || std::stoi(std::string(port)) > 65'535) return refuse();
  return ListenAddress{host.empty() ? "127.0.0.1" : std::string(host), std::string(port)};
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::start(const ListenAddress& address, Handler handler) {
  auto impl = std::make_unique<Impl>(std::move(handler));
  TRY(impl->listen(address));
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

std::uint16_t Listener::port() const { return impl_->local().port(); }

std::string Listener::address() const { return shown(impl_->local()); }

}  // namespace embedd::serve
