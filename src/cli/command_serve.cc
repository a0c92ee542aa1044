#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <utility>

#include "app/search_service.h"
#include "base/log.h"
#include "base/loopback.h"
#include "cli/commands.h"
#include "cli/stop_signals.h"
#include "observe/request_metrics.h"
#include "provider/key_file.h"
#include "serve/http_server.h"
#include "serve/search_api.h"
#include "serve/tokens.h"

namespace embedd::cli {

namespace {

constexpr const char* kDefaultAddress = "127.0.0.1:8080";
/// Descriptors for connections to the database and to endpoints, and for the log.
constexpr rlim_t kOtherDescriptors = 200;

/// The connections that the limit of open files allows; the limit is raised as far as it may be.
std::size_t most_connections(std::size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const rlim_t needed = wanted + kOtherDescriptors;
  if (limit.rlim_cur < needed) {
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur >= needed
             ? wanted
             : std::max<rlim_t>(limit.rlim_cur, kOtherDescriptors + 16) - kOtherDescriptors;
}

Result<serve::ListenAddress> address_of(const SettingValues& values) {
  if (!values.has("http")) return serve::parse_listen_address(kDefaultAddress);
  auto address = serve::parse_listen_address(values.text("http"));
  if (!address)
    return fail(address.error().kind,
                fmt::format("{}: {}", values.place_of("http"), address.error().message));
  return address;
}

/// Adds the clients of [token.NAME].
Result<void> add_tables(serve::Tokens& tokens, const std::vector<TokenTable>& tables) {
  for (const TokenTable& table : tables) {
    const auto refused = [&](std::string_view why) {
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: token.{}: {}", table.origin, table.rights.name, why));
    };
    Secret secret = table.secret;
    if (!table.secret_file.empty()) {
      auto read = provider::read_secret_file(table.secret_file);
      if (!read) return refused(read.error().message);
      secret = *std::move(read);
    }
    if (secret.empty()) return refused("there is no secret: " + table.how);
    if (auto added = tokens.add(secret, table.rights); !added) return refused(added.error().message);
  }
  return {};
}

Result<serve::Tokens> tokens_of(const Config& config, const serve::ListenAddress& address) {
  auto tokens = serve::Tokens::parse(TRY(config.values.secret("api_token")));
  if (!tokens)
    return fail(ErrorKind::invalid_argument, fmt::format("EMBEDD_API_TOKEN: {}", tokens.error().message));
  TRY(add_tables(*tokens, config.tokens));
  if (tokens->empty() && !is_loopback(address.host))
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("{} can be reached from other machines, so a token is required: set EMBEDD_API_TOKEN or "
                    "EMBEDD_API_TOKEN_FILE (openssl rand -hex 32 makes one), or listen on 127.0.0.1",
                    address.host));
  return tokens;
}

void wait_for(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, stop, [&stop] { return stop.stop_requested(); });
}

}  // namespace

Result<int> serve(Context& context) {
  StopSignals signals;  // before any other thread
  signals.on_second([](int signal) {
    log::flush();
    _exit(128 + signal);
  });
  log::write_in_background();
  const SettingValues& values = context.config.values;
  const auto address = TRY(address_of(values));
  auto tokens = TRY(tokens_of(context.config, address));
  const auto count = [&values](const char* name) { return static_cast<int>(values.integer(name)); };

  observe::RequestMetrics metrics;
  auto service = std::make_unique<app::SearchService>(context.config, count("serve_connections"));
  serve::SearchApi api(
      *service, metrics, std::move(tokens),
      {.requests = count("serve_requests"), .requests_of_a_token = count("serve_requests_per_token")});
  const serve::HttpServer::Limits limits{
      .connections = most_connections(static_cast<std::size_t>(values.integer("serve_clients")))};
  const auto server = TRY(serve::HttpServer::start(address, limits, api));
  log::info("http_listening", {{"address", server->address()}, {"port", server->port()}});
  wait_for(signals.token());
  server->stop();
  service.reset();  // its answers still go to the server, which drops them
  log::info("http_stopped", {});
  return kDone;
}

}  // namespace embedd::cli
