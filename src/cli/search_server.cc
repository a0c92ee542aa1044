#include "cli/search_server.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/loopback.h"
#include "cli/redis_setting.h"
#include "provider/key_file.h"
#include "serve/tls.h"
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

Result<std::optional<serve::Tls>> tls_of(const SettingValues& values) {
  const bool certificate = values.has("tls_cert");
  if (!certificate && !values.has("tls_key")) return std::nullopt;
  if (!certificate || !values.has("tls_key"))
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: TLS needs a certificate and its key: set EMBEDD_TLS_CERT and EMBEDD_TLS_KEY",
                            values.place_of(certificate ? "tls_cert" : "tls_key")));
  return TRY(serve::Tls::open(values.text("tls_cert"), values.text("tls_key")));
}

int count(const Config& config, const char* name) { return static_cast<int>(config.values.integer(name)); }

}  // namespace

SearchServer::SearchServer(const Config& config, const serve::Routes* worker, serve::Tokens tokens,
                           std::optional<redis::Target> redis)
    : metrics_(worker == nullptr, config.metrics_prefix),
      redis_(redis
                 ? std::make_unique<redis::Client>(*std::move(redis), [this](bool up) { metrics_.redis(up); })
                 : nullptr),
      service_(std::make_unique<app::SearchService>(
          config, count(config, "serve_connections"),
          app::SearchService::Surroundings{
              .redis = redis_.get(),
              .looked_up = [this](const char* layer,
                                  const char* outcome) { metrics_.looked_up(layer, outcome); },
              .reranked = [this](const std::string& name,
                                 const std::string& outcome) { metrics_.reranked(name, outcome); }})),
      traces_(*service_),
      mcp_(std::make_unique<serve::McpApi>(config, *service_, traces_, metrics_, serve::McpApi::Limits{})),
      traces_api_(traces_, metrics_),
      dashboard_(std::make_unique<serve::DashboardApi>(config)),
      api_(*service_, *mcp_, traces_api_, *dashboard_, metrics_, std::move(tokens),
           {.requests = count(config, "serve_requests"),
            .requests_of_a_token = count(config, "serve_requests_per_token")},
           worker, redis_.get()) {}

Result<std::unique_ptr<SearchServer>> SearchServer::start(const Config& config, const serve::Routes* worker) {
  const auto address = TRY(address_of(config.values));
  auto tokens = TRY(tokens_of(config, address));
  auto redis = TRY(redis_of(config.values));
  auto tls = TRY(tls_of(config.values));
  const bool encrypted = tls.has_value();
  auto out =
      std::unique_ptr<SearchServer>(new SearchServer(config, worker, std::move(tokens), std::move(redis)));
  const serve::HttpServer::Limits limits{
      .connections = most_connections(static_cast<std::size_t>(config.values.integer("serve_clients")))};
  out->server_ = TRY(serve::HttpServer::start(address, limits, std::move(tls), out->api_));
  log::info("http_listening",
            {{"address", out->server_->address()}, {"port", out->server_->port()}, {"tls", encrypted}});
  return out;
}

SearchServer::~SearchServer() {
  if (!server_) return;
  server_->stop();
  dashboard_.reset();  // the same holds for its calls
  mcp_.reset();        // its calls use the service, and end by their deadlines
  service_.reset();    // its answers still go to the server, which drops them
  log::info("http_stopped", {});
}

}  // namespace embedd::cli
