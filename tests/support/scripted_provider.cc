#include "support/scripted_provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "support/model_server.h"
#include "support/provider_script.h"
#include "support/scripted_control.h"

namespace embedd::test {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint64_t kMaxRequestBytes = 256 * kMiB;
constexpr auto kDripInterval = milliseconds(50);

/// Beast's own string view type differs between releases of Boost.
std::string text_of(beast::string_view view) { return {view.data(), view.size()}; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

class Session;

/// Keeps requests until they are computed, whether or not their clients wait. Belongs to the server's thread.
class Computing {
 public:
  explicit Computing(asio::io_context& context) : timer_(context) {}
  void set_up(double texts_per_second, unsigned parallel) { server_.emplace(texts_per_second, parallel); }
  [[nodiscard]] bool is_set_up() const { return server_.has_value(); }
  void set_pace(double texts_per_second) {
    if (!server_) return;
    server_->set_pace(texts_per_second, std::chrono::steady_clock::now());
    wait();
  }
  void add(std::size_t texts, std::shared_ptr<Session> session) {
    waiting_.emplace(server_->arrived(texts, std::chrono::steady_clock::now()), std::move(session));
    wait();
  }

 private:
  void wait();

  std::optional<ModelServer> server_;
  asio::steady_timer timer_;
  std::map<ModelServer::Ticket, std::shared_ptr<Session>> waiting_;
};

/// What the sessions share. Belongs to the server's thread, but for the script.
struct Shared {
  ProviderScript script;
  ScriptedProvider& provider;
  std::set<Session*> sessions{};
  Computing* computing = nullptr;
};

/// One connection: reads a request, waits as told, sends the answer, reads the next.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, Shared& shared)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), shared_(shared) {
    shared_.sessions.insert(this);
    error_code ignored;
    (void)socket_.set_option(Tcp::no_delay(true), ignored);
  }
  ~Session() {
    leave();
    shared_.sessions.erase(this);
  }

  void read() {
    parser_.emplace();
    parser_->body_limit(kMaxRequestBytes);
    http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->handle();
    });
  }

  void release() {
    if (held_) answer_after_latency();
  }
  /// The model server is done with it.
  void computed() {
    char byte = 0;
    error_code error;
    socket_.non_blocking(true, error);
    socket_.receive(asio::buffer(&byte, 1), Tcp::socket::message_peek, error);
    const bool gone = error && error != asio::error::would_block;
    if (gone) shared_.script.abandoned(request_.inputs.size());
    answer_after_latency();
  }
  /// Lets go of an answer that is held back; the connection closes.
  void drop() { keep_while_held_.reset(); }

 private:
  void handle() {
    auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    const std::string target(message.target());
    if (target.starts_with("/control")) return handle_control(target, message.body());
    if (target.find("/embeddings") == std::string::npos || message.method() != http::verb::post) {
      if (target.starts_with("/elsewhere")) shared_.script.redirected();
      out_ = http_answer(Answer::error(404, "not_found"), Answer::error(404, "not_found", "Invalid URL").body,
                         keep_alive_);
      return write(false);
    }
    RecordedRequest recorded{.target = target};
    for (const auto& field : message)
      recorded.headers[lower(text_of(field.name_string()))] = text_of(field.value());
    request_ = parse_request(message.body(), shared_.script.dimensions());
    recorded.body = std::move(message.body());
    recorded.inputs = request_.inputs;
    auto decision = shared_.script.arrived(recorded, request_);
    counted_ = true;
    answer_ = std::move(decision.answer);
    latency_ = decision.latency;
    held_ = decision.hold;
    const bool computes = shared_.computing->is_set_up() && answer_.status == 200;
    if (held_)
      keep_while_held_ = shared_from_this();
    else if (computes)
      shared_.computing->add(request_.inputs.size(), shared_from_this());
    else
      answer_after_latency();
  }

  void handle_control(const std::string& target, const std::string& body) {
    const Answer answer = control(shared_.provider, target, body);
    out_ = http_answer(answer, answer.body, keep_alive_);
    write(false);
  }

  void answer_after_latency() {
    if (held_) shared_.script.released();
    held_ = false;
    auto self = std::move(keep_while_held_);
    if (!self) self = shared_from_this();
    if (latency_ <= Duration::zero()) return send();
    timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(latency_));
    timer_.async_wait([self](error_code error) {
      if (!error) self->send();
    });
  }

  void send() {
    shared_.script.sending(answer_, request_);
    const Fault fault = answer_.fault;
    if (fault == Fault::disconnect) return;
    if (fault == Fault::hang) return hang();
    if (fault == Fault::redirect) {
      answer_ = Answer::raw(307, "").with("location", "/elsewhere/embeddings");
      out_ = http_answer(answer_, "", keep_alive_);
      return write(true);
    }
    const bool vectors = answer_.status == 200 && answer_.body.empty();
    out_ = http_answer(answer_, vectors ? vectors_body(request_, fault) : answer_.body, keep_alive_);
    if (fault == Fault::disconnect_in_body) {
      out_.resize(out_.size() / 2);
      keep_alive_ = false;
    }
    if (fault == Fault::slow_drip) return drip(0);
    if (fault == Fault::endless_body) {
      out_ = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"data\":[";
      return flood(std::string(64 * kKiB, ' '));
    }
    if (fault == Fault::endless_headers) {
      out_ = "HTTP/1.1 200 OK\r\n";
      return flood("x-endless: " + std::string(1000, 'x') + "\r\n");
    }
    write(true);
  }

  void write(bool counted) {
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        self->leave();
                        if (!error && self->keep_alive_) self->read();
                      });
  }

  /// Waits for the client to give up.
  void hang() {
    socket_.async_read_some(asio::buffer(sink_), [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->hang();
    });
  }

  void drip(std::size_t at) {
    if (at == out_.size()) return;
    const std::size_t head = at == 0 ? out_.find("\r\n\r\n") + 4 : 1;
    asio::async_write(socket_, asio::buffer(out_.data() + at, head),
                      [self = shared_from_this(), next = at + head](error_code error, std::size_t) {
                        if (error) return;
                        self->timer_.expires_after(kDripInterval);
                        self->timer_.async_wait([self, next](error_code aborted) {
                          if (!aborted) self->drip(next);
                        });
                      });
  }

  void flood(std::string more) {
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this(), more = std::move(more)](error_code error, std::size_t) {
                        if (error) return;
                        self->out_ = more;
                        self->flood(more);
                      });
  }

  void leave() {
    if (!counted_) return;
    counted_ = false;
    shared_.script.left(held_);
  }

  Tcp::socket socket_;
  asio::steady_timer timer_;
  Shared& shared_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  ParsedRequest request_;
  Answer answer_;
  Duration latency_{};
  std::string out_;
  std::array<char, 256> sink_{};
  bool keep_alive_ = true;
  bool counted_ = false;  ///< in the script's in_flight
  bool held_ = false;     ///< nothing but release() moves it on
  std::shared_ptr<Session> keep_while_held_;
};

void Computing::wait() {
  const std::optional<Instant> next = server_->next_done();
  if (!next) return;
  timer_.expires_at(std::chrono::time_point_cast<asio::steady_timer::duration>(*next));
  timer_.async_wait([this](error_code error) {
    if (error) return;
    for (const auto ticket : server_->take_done(std::chrono::steady_clock::now()))
      if (auto node = waiting_.extract(ticket); !node.empty()) node.mapped()->computed();
    wait();
  });
}

}  // namespace

struct ScriptedProvider::Impl {
  Impl(const ProviderOptions& options, ScriptedProvider& provider)
      : shared{.script = ProviderScript(options), .provider = provider},
        computing(context),
        acceptor(context,
                 Tcp::endpoint(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(options.port))),
        port(acceptor.local_endpoint().port()) {
    if (options.texts_per_second > 0) computing.set_up(options.texts_per_second, options.parallel);
    shared.computing = &computing;
    accept();
    thread = std::jthread([this] { context.run(); });
  }

  ~Impl() {
    context.stop();
    thread.join();
    for (Session* session : all_sessions()) session->drop();
  }

  void accept() {
    acceptor.async_accept([this](error_code error, Tcp::socket socket) {
      if (error) return;
      shared.script.connected();
      std::make_shared<Session>(std::move(socket), shared)->read();
      accept();
    });
  }

  /// A copy: what is done to a session may end it.
  std::vector<Session*> all_sessions() const { return {shared.sessions.begin(), shared.sessions.end()}; }

  Shared shared;  ///< outlives the context, whose destruction ends the sessions
  asio::io_context context{1};
  Computing computing;
  Tcp::acceptor acceptor;
  const int port;  ///< asked once: the acceptor belongs to the thread
  std::jthread thread;
};

ScriptedProvider::ScriptedProvider(const ProviderOptions& options)
    : impl_(std::make_unique<Impl>(options, *this)) {}
ScriptedProvider::~ScriptedProvider() = default;

int ScriptedProvider::port() const { return impl_->port; }
std::string ScriptedProvider::base_url() const { return fmt::format("http://127.0.0.1:{}/v1", port()); }

void ScriptedProvider::answers_next(int times, Answer answer) {
  impl_->shared.script.change([&](ProviderScript& script) {
    for (int i = 0; i < times; ++i) script.next_.push_back(answer);
  });
}

void ScriptedProvider::answers_always(std::optional<Answer> answer) {
  impl_->shared.script.change([&](ProviderScript& script) { script.always_ = std::move(answer); });
}

void ScriptedProvider::poisons(std::string part, Answer answer) {
  impl_->shared.script.change(
      [&](ProviderScript& script) { script.poison_.emplace_back(std::move(part), std::move(answer)); });
}

void ScriptedProvider::forgives() {
  impl_->shared.script.change([](ProviderScript& script) {
    script.next_.clear();
    script.always_.reset();
    script.poison_.clear();
  });
}

void ScriptedProvider::hold() {
  impl_->shared.script.change([](ProviderScript& script) { script.holding_ = true; });
}

void ScriptedProvider::release() {
  impl_->shared.script.change([](ProviderScript& script) { script.holding_ = false; });
  asio::post(impl_->context, [this] {
    for (Session* session : impl_->all_sessions()) session->release();
  });
}

void ScriptedProvider::set_latency(Duration latency) {
  impl_->shared.script.change([&](ProviderScript& script) { script.options_.latency = latency; });
}

void ScriptedProvider::set_texts_per_second(double texts_per_second) {
  asio::post(impl_->context, [this, texts_per_second] { impl_->computing.set_pace(texts_per_second); });
}

void ScriptedProvider::set_key(std::string key) {
  impl_->shared.script.change([&](ProviderScript& script) { script.options_.key = std::move(key); });
}

void ScriptedProvider::set_rate_limits(std::int64_t requests_per_minute, std::int64_t tokens_per_minute) {
  impl_->shared.script.change([&](ProviderScript& script) {
    script.options_.requests_per_minute = requests_per_minute;
    script.options_.tokens_per_minute = tokens_per_minute;
  });
}

void ScriptedProvider::set_max_input_tokens(std::uint64_t tokens) {
  impl_->shared.script.change([&](ProviderScript& script) { script.options_.max_input_tokens = tokens; });
}

void ScriptedProvider::set_refused_parameter(std::string name) {
  impl_->shared.script.change(
      [&](ProviderScript& script) { script.options_.refused_parameter = std::move(name); });
}

void ScriptedProvider::set_max_inputs(std::size_t inputs) {
  impl_->shared.script.change([&](ProviderScript& script) { script.options_.max_inputs = inputs; });
}

ProviderStats ScriptedProvider::stats() const { return impl_->shared.script.stats(); }
std::uint64_t ScriptedProvider::times_embedded(std::string_view text) const {
  return impl_->shared.script.times_embedded(text);
}
RecordedRequest ScriptedProvider::last_request() const { return impl_->shared.script.last_request(); }
bool ScriptedProvider::wait_for(const std::function<bool(const ProviderStats&)>& condition,
                                Duration patience) const {
  return impl_->shared.script.wait_for(condition, patience);
}

}  // namespace embedd::test
