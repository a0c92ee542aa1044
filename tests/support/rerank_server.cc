#include "support/rerank_server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

namespace embedd::test {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;
using provider::RerankShape;

double score_of(const std::string& text) {
  const auto last =
      std::find_if(text.rbegin(), text.rend(), [](unsigned char c) { return std::isdigit(c) != 0; });
  auto first = last;
  while (first != text.rend() && std::isdigit(static_cast<unsigned char>(*first)) != 0) ++first;
  return std::atof(std::string(first.base(), last.base()).c_str()) / 1000;
}

std::vector<std::string> texts_of(const std::string& body, RerankShape shape) {
  std::vector<std::string> out;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array texts;
  if (parser.parse(body).get(root) || root[shape == RerankShape::tei ? "texts" : "documents"].get(texts))
    return out;
  for (const simdjson::dom::element each : texts) {
    std::string_view text;
    if (!each.get(text)) out.emplace_back(text);
  }
  return out;
}

std::string bent_body(const std::vector<std::string>& texts, RerankShape shape, RerankFault fault) {
  const char* const name = shape == RerankShape::tei ? "score" : "relevance_score";
  std::vector<std::string> results;
  for (std::size_t i = texts.size(); i-- > 0;) {  // the order of the list means nothing
    std::string index = std::to_string(i), score = fmt::format("{}", score_of(texts[i]));
    if (i == 0 && fault == RerankFault::twice) index = std::to_string(texts.size() - 1);
    if (i == 0 && fault == RerankFault::out_of_range) index = std::to_string(texts.size());
    if (i == 0 && fault == RerankFault::negative) index = "-1";
    if (i == 0 && fault == RerankFault::fraction) index = "0.5";
    if (i == 0 && fault == RerankFault::not_finite) score = "1e999";
    if (i == 0 && fault == RerankFault::words) score = "\"high\"";
    if (i == 0 && fault == RerankFault::too_few) continue;
    results.push_back(i == 0 && fault == RerankFault::no_score
                          ? fmt::format(R"({{"index":{}}})", index)
                          : fmt::format(R"({{"index":{},"{}":{}}})", index, name, score));
    if (i == 0 && fault == RerankFault::too_many) results.push_back(results.back());
  }
  const std::string list = fmt::format("[{}]", fmt::join(results, ","));
  switch (fault) {
    case RerankFault::no_results: return shape == RerankShape::tei ? "null" : R"({"id":"x"})";
    case RerankFault::an_object: return shape == RerankShape::tei ? R"({"results":[]})" : list;
    case RerankFault::not_json: return "<html>Bad gateway</html>";
    case RerankFault::empty: return "";
    case RerankFault::huge: return std::string(3 << 20, ' ') + list;
    default: break;
  }
  std::string body = shape == RerankShape::tei ? list : fmt::format(R"({{"id":"x","results":{}}})", list);
  if (fault == RerankFault::truncated) body.resize(body.size() / 2);
  return body;
}

}  // namespace

struct RerankServer::Impl {
  RerankShape shape;
  std::string key;
  asio::io_context context{};
  Tcp::acceptor acceptor{context, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)};

  mutable std::mutex mutex{};
  std::condition_variable stopped{};
  bool stopping = false;
  RerankFault fault = RerankFault::none;
  int status = 0, requests = 0, redirected = 0;
  std::string answer{}, body{}, bearer{};
  std::set<Tcp::socket*> sockets{};
  std::vector<std::thread> threads{};
  std::thread listener{};

  void listen() {
    while (true) {
      error_code error;
      Tcp::socket socket(context);
      acceptor.accept(socket, error);
      const std::lock_guard lock(mutex);
      if (error || stopping) return;
      threads.emplace_back([this, socket = std::move(socket)]() mutable { serve(socket); });
    }
  }

  void serve(Tcp::socket& socket) {
    {
      const std::lock_guard lock(mutex);
      sockets.insert(&socket);
      if (stopping) socket.close();
    }
    beast::flat_buffer buffer;
    error_code error;
    while (!error) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(16 << 20);
      http::read(socket, buffer, parser, error);
      if (error) break;
      http::response<http::string_body> response;
      if (!answer_to(parser.get(), response)) break;
      http::write(socket, response, error);
    }
    const std::lock_guard lock(mutex);
    sockets.erase(&socket);
    error_code ignored;
    socket.close(ignored);
  }

  /// False: the connection ends.
  bool answer_to(const http::request<http::string_body>& request,
                 http::response<http::string_body>& response) {
    std::unique_lock lock(mutex);
    response.version(11);
    response.set(http::field::content_type, "application/json");
    if (request.target() == "/elsewhere") ++redirected;
    ++requests;
    body = request.body();
    const auto shown = request[http::field::authorization];
    bearer = std::string(shown.data(), shown.size());
    if (fault == RerankFault::hang) {
      stopped.wait(lock, [this] { return stopping; });
      return false;
    }
    if (fault == RerankFault::disconnect) return false;
    if (!key.empty() && bearer != "Bearer " + key) {
      response.result(401);
      response.body() = R"({"message":"invalid api token"})";
    } else if (fault == RerankFault::redirect) {
      response.result(307);
      response.set(http::field::location, "/elsewhere");
    } else if (status != 0) {
      response.result(static_cast<unsigned>(status));
      response.body() = answer;
    } else {
      response.body() = bent_body(texts_of(body, shape), shape, fault);
    }
    response.prepare_payload();
    return true;
  }
};

RerankServer::RerankServer(RerankShape shape, std::string key)
    : impl_(new Impl{.shape = shape, .key = std::move(key)}) {
  impl_->listener = std::thread([this] { impl_->listen(); });
}

RerankServer::~RerankServer() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    for (Tcp::socket* socket : impl_->sockets) ::shutdown(socket->native_handle(), SHUT_RDWR);
  }
  impl_->stopped.notify_all();
  ::shutdown(impl_->acceptor.native_handle(), SHUT_RDWR);
  impl_->listener.join();
  for (std::thread& thread : impl_->threads) thread.join();
}

std::string RerankServer::url() const {
  return fmt::format("http://127.0.0.1:{}/v2/rerank", impl_->acceptor.local_endpoint().port());
}

void RerankServer::bend(RerankFault fault) {
  const std::lock_guard lock(impl_->mutex);
  impl_->fault = fault;
}

void RerankServer::refuse(int status, std::string body) {
  const std::lock_guard lock(impl_->mutex);
  impl_->status = status;
  impl_->answer = std::move(body);
}

int RerankServer::requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

int RerankServer::redirected() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->redirected;
}

std::string RerankServer::body() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->body;
}

std::string RerankServer::bearer() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->bearer;
}

std::vector<std::string> RerankServer::texts() const { return texts_of(body(), impl_->shape); }

}  // namespace embedd::test
