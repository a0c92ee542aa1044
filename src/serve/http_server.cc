#include "serve/http_server.h"

#include <future>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/threads.h"
#include "serve/acceptor.h"
#include "serve/http_session.h"
#include "serve/tls.h"

namespace embedd::serve {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

}  // namespace

class HttpServer::Impl {
 public:
  Impl(Limits limits, std::optional<Tls> tls, HttpHandler& handler)
      : shared_(limits, handler), tls_(std::move(tls)) {}
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

  void stop() {
    auto empty = std::make_shared<std::promise<void>>();
    std::future<void> emptied = empty->get_future();
    asio::post(io_, [this, empty] {
      error_code ignored;
      (void)acceptor_.close(ignored);
      retry_.cancel();
      shared_.draining = true;
      shared_.when_empty = [empty, told = false]() mutable {
        if (!std::exchange(told, true)) empty->set_value();
      };
      if (shared_.open.empty()) return shared_.when_empty();
      shared_.close_idle();
    });
    (void)emptied.wait_for(shared_.limits.drain);
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] const tcp::endpoint& local() const { return local_; }
  [[nodiscard]] std::size_t connections() const { return shared_.count; }

 private:
  /// New connections are always accepted, so that a working client does not wait behind idle ones.
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || shared_.draining) return;
      if (error || shared_.open.size() >= shared_.limits.connections) shared_.close_one();
      if (error) return accept_later();  // out of file descriptors
      auto context = tls_ ? tls_->context(std::chrono::steady_clock::now()) : nullptr;
      start_session(std::move(socket), std::move(context), shared_);
      accept();
    });
  }

  void accept_later() {
    retry_.expires_after(milliseconds(100));
    retry_.async_wait([this](error_code error) {
      if (!error) accept();
    });
  }

  HttpSessions shared_;
  std::optional<Tls> tls_;
  tcp::endpoint local_;
  asio::io_context io_;
  /// Keeps the thread running while a draining server waits for its last search.
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer retry_{io_};
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(const ListenAddress& address, Limits limits,
                                                      std::optional<Tls> tls, HttpHandler& handler) {
  auto impl = std::make_unique<Impl>(limits, std::move(tls), handler);
  TRY(impl->listen(address));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

void HttpServer::stop() { impl_->stop(); }
std::uint16_t HttpServer::port() const { return impl_->local().port(); }
std::size_t HttpServer::connections() const { return impl_->connections(); }

std::string HttpServer::address() const { return shown(impl_->local()); }

}  // namespace embedd::serve
