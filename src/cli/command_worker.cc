#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include "app/database.h"
#include "app/worker_run.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/search_server.h"
#include "cli/stop_signals.h"
#include "provider/loop.h"
#include "schema/vectorizers.h"
#include "serve/listener.h"
#include "serve/routes.h"

namespace embedd::cli {

namespace {

/// Serves the routes as long as it exists.
struct Service {
  Service(const observe::Health& health, const observe::Metrics& metrics) : routes(health, metrics) {}

  serve::Routes routes;
  std::unique_ptr<serve::Listener> listener;
  std::unique_ptr<SearchServer> searches;  ///< in place of the listener
};

/// Searches too.
Result<std::shared_ptr<void>> serve_searches(const Config& config, const observe::Health& health,
                                             const observe::Metrics& metrics) {
  auto service = std::make_shared<Service>(health, metrics);
  service->searches = TRY(SearchServer::start(config, &service->routes));
  return service;
}

Result<std::shared_ptr<void>> serve(const serve::ListenAddress& address, const observe::Health& health,
                                    const observe::Metrics& metrics) {
  auto service = std::make_shared<Service>(health, metrics);
  auto listener = TRY(serve::Listener::start(
      address, [&routes = service->routes](std::string_view method, std::string_view target) {
        return routes.handle(method, target);
      }));
  log::info("http_listening", {{"address", listener->address()}, {"port", listener->port()}});
  service->listener = std::move(listener);
  return service;
}

/// The address on which the worker serves HTTP; none: no HTTP.
Result<std::optional<serve::ListenAddress>> listen_address(const SettingValues& values) {
  if (!values.has("http")) return std::nullopt;
  auto address = serve::parse_listen_address(values.text("http"));
  if (!address)
    return fail(address.error().kind,
                fmt::format("{}: {}", values.place_of("http"), address.error().message));
  return std::move(*address);
}

app::WorkerRequest request_of(const SettingValues& values, const WorkerArguments& arguments) {
  app::WorkerRequest request;
  WorkerOptions& options = request.worker;
  options.poll = values.duration("poll_seconds");
  options.lease = values.duration("lease_seconds");
  options.max_in_flight = static_cast<std::uint32_t>(values.integer("max_in_flight"));
  options.batch_inputs = static_cast<std::uint32_t>(values.integer("batch_inputs"));
  options.claim_rows = static_cast<std::uint32_t>(values.integer("claim_rows"));
  options.max_text_bytes = static_cast<std::size_t>(values.integer("max_text_mib")) * kMiB;
  options.held_bytes = static_cast<std::size_t>(values.integer("held_mib")) * kMiB;
  options.max_attempts = static_cast<int>(values.integer("max_attempts"));
  options.walk_share = values.number("walk_share");
  options.once = arguments.once;
  request.walk_every = values.duration("walk_seconds");
  request.keep_messages = values.text("keep_messages") == "on";
  request.traces = arguments.traces;
  return request;
}

/// Says that no row remains: the queue shows that, and the last walk over each table.
std::string none_remains(const Context& context, double took_seconds) {
  auto db = app::connect(context.config);
  const auto walked = db ? schema::seconds_since_walks(*db) : std::unexpected(db.error());
  if (!walked) return "none remains in the queue";
  if (!*walked) return "none remains in the queue; not every table has been walked through yet";
  if (**walked <= took_seconds + 1) return "none remains";
  return fmt::format("none remains, by a walk through every row {} ago and the changes since",
                     human_age(**walked));
}

void print_summary(const Context& context, const WorkerSummary& summary, double took_seconds) {
  if (context.json) {
    JsonWriter out;
    out.object().key("rows_embedded").value(summary.rows_embedded);
    out.key("rows_discarded").value(summary.rows_discarded).key("requests").value(summary.requests);
    out.key("tokens").value(summary.tokens).key("rows_remain").value(summary.rows_remain);
    return print(out.key("seconds").value(took_seconds).end().str() + "\n");
  }
  std::string line =
      fmt::format("embedded {} {} in {}", human_count(static_cast<std::int64_t>(summary.rows_embedded)),
                  summary.rows_embedded == 1 ? "row" : "rows", human_age(took_seconds));
  if (summary.rows_discarded > 0)
    line += fmt::format(", discarded {}", human_count(static_cast<std::int64_t>(summary.rows_discarded)));
  line += "; " + (summary.rows_remain ? "rows remain unembedded: embedd status says which and why"
                                      : none_remains(context, took_seconds));
  print(line + "\n");
}

/// Before the loop there is nothing to settle, but connecting may take long.
[[noreturn]] void leave_at_once(int signal) {
  app::log_stopped_early();
  log::flush();
  _exit(128 + signal);
}

}  // namespace

Result<int> worker(Context& context, const WorkerArguments& arguments) {
  StopSignals signals;  // before any other thread
  signals.on_second(leave_at_once);
  log::write_in_background();
  const bool bar = stderr_is_terminal();
  log::clear_line_first(bar);
  const auto address = TRY(listen_address(context.config.values));

  const provider::SteadyClock clock;
  app::WorkerHooks hooks{.stop = signals.token()};
  if (bar) hooks.progress = std::make_unique<Progress>(clock);
  if (arguments.serve)
    hooks.serve = [&context](const observe::Health& health, const observe::Metrics& metrics) {
      return serve_searches(context.config, health, metrics);
    };
  else if (address)
    hooks.serve = [&address](const observe::Health& health, const observe::Metrics& metrics) {
      return serve(*address, health, metrics);
    };
  hooks.on_loop = [&signals](std::function<void()> cancel) {
    if (!cancel) return signals.on_second(nullptr);
    signals.on_second([cancel = std::move(cancel)](int) { cancel(); });
  };
  const auto report =
      TRY(app::run_worker(context.config, request_of(context.config.values, arguments), std::move(hooks)));
  if (!arguments.once || report.end == app::WorkerReport::End::before_table) return kDone;
  if (report.end == app::WorkerReport::End::before_database) return kFailed;
  print_summary(context, report.summary, to_seconds(report.took));
  return report.summary.rows_remain ? kRowsRemain : kDone;
}

}  // namespace embedd::cli
