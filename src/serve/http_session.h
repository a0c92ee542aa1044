/// The connections of an HttpServer: each is a session that answers one request after the other, on the
/// server's thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "serve/http_server.h"

namespace embedd::serve {

class HttpSession;

/// What the sessions of a server share. All of it belongs to the server's thread, but `count`.
struct HttpSessions {
  HttpSessions(HttpServer::Limits limits, HttpHandler& handler) : limits(limits), handler(handler) {}
  void add(HttpSession& session) {
    open.push_back(&session);
    tell();
  }
  void remove(const HttpSession& session);
  /// Closes the connection that has been idle for longest; if none is idle, the one with the oldest request.
  void close_one();
  void close_idle();
  void tell() {
    count = open.size();
    handler.connected(open.size());
  }

  const HttpServer::Limits limits;
  HttpHandler& handler;
  std::vector<HttpSession*> open;
  std::atomic<std::size_t> count{0};
  bool draining = false;
  std::function<void()> when_empty;
};

/// Begins a session, which its own handlers keep alive. Without `tls` the connection is plain.
void start_session(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> tls,
                   HttpSessions& sessions);

}  // namespace embedd::serve
