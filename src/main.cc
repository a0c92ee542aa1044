// Configuration → object graph → run → exit code. The one place that wires types.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "app/database.h"
#include "base/json.h"
#include "base/log.h"
#include "base/readable.h"
#include "base/standard_streams.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run.h"
#include "cli/start_up.h"
#include "cli/stop_signals.h"
#include "core/walk_pace.h"
#include "core/worker.h"
#include "http/embedders.h"
#include "pg/queue.h"
#include "pg/vectorizers.h"
#include "server/event_log.h"
#include "server/health.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/observers.h"
#include "text/catalog.h"

namespace embedd {
namespace {

using cli::SettingValues;

/// How long `worker --once` waits for a database that is down; a worker that stays waits for ever.
constexpr seconds kOnceWaits{60};

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

WorkerOptions worker_options(const SettingValues& values, bool once) {
  WorkerOptions options;
  options.poll = values.duration("poll_seconds");
  options.lease = values.duration("lease_seconds");
  options.max_in_flight = static_cast<std::uint32_t>(values.integer("max_in_flight"));
  options.batch_inputs = static_cast<std::uint32_t>(values.integer("batch_inputs"));
  options.claim_rows = static_cast<std::uint32_t>(values.integer("claim_rows"));
  options.held_bytes = static_cast<std::size_t>(values.integer("held_mib")) * kMiB;
  options.max_attempts = static_cast<int>(values.integer("max_attempts"));
  options.walk_share = values.number("reconcile_share");
  options.once = once;
  options.seed = random_seed();
  return options;
}

pg::PgQueueOptions queue_options(const cli::Config& config, bool once) {
  char hostname[256] = "";
  (void)gethostname(hostname, sizeof hostname - 1);
  return {.database = config.database.conninfo,
          .listen = config.listen.conninfo,
          .database_now = config.database_now,
          .listen_now = config.listen_now,
          .worker = Random(random_seed()).lease_token(),
          .hostname = hostname,
          .version = EMBEDD_VERSION,
          .pid = static_cast<int>(getpid()),
          .reconcile_every = config.values.duration("reconcile_seconds"),
          .longest_page = WalkPace(config.values.number("reconcile_share")).longest_page(),
          // Somebody waits for the answer whether any row remains.
          .make_up_after = once ? Duration{} : seconds(60),
          .keep_messages = config.values.text("keep_messages") == "on",
          .addresses = addresses_of(config.endpoints)};
}

/// Null if no address is configured.
Result<std::unique_ptr<Listener>> listen(const SettingValues& values, const Routes& routes) {
  if (!values.has("http")) return nullptr;
  auto address = parse_listen_address(values.text("http"));
  if (!address)
    return fail(address.error().kind,
                fmt::format("{}: {}", values.place_of("http"), address.error().message));
  auto listener = Listener::start(*address, [&routes](std::string_view method, std::string_view target) {
    return routes.handle(method, target);
  });
  if (listener)
    log::info("http_listening", {{"address", (*listener)->address()}, {"port", (*listener)->port()}});
  return listener;
}

/// "none remains" is known from the queue, and beyond that from the last walk over each table.
std::string none_remains(const cli::Context& context, double took_seconds) {
  auto db = app::connect(context.config);
  const auto walked = db ? pg::seconds_since_walks(*db) : std::unexpected(db.error());
  if (!walked) return "none remains in the queue";
  if (!*walked) return "none remains in the queue; not every table has been walked through yet";
  if (**walked <= took_seconds + 1) return "none remains";
  return fmt::format("none remains, by a walk through every row {} ago and the changes since",
                     human_age(**walked));
}

void print_summary(const cli::Context& context, const WorkerSummary& summary, double took_seconds) {
  if (context.json) {
    JsonWriter out;
    out.object().key("rows_embedded").value(summary.rows_embedded);
    out.key("rows_discarded").value(summary.rows_discarded).key("requests").value(summary.requests);
    out.key("tokens").value(summary.tokens).key("rows_remain").value(summary.rows_remain);
    return cli::print(out.key("seconds").value(took_seconds).end().str() + "\n");
  }
  std::string line =
      fmt::format("embedded {} rows in {}", human_count(static_cast<std::int64_t>(summary.rows_embedded)),
                  human_age(took_seconds));
  if (summary.rows_discarded > 0)
    line += fmt::format(", discarded {}", human_count(static_cast<std::int64_t>(summary.rows_discarded)));
  line += "; " + (summary.rows_remain ? "rows remain unembedded: embedd status says which and why"
                                      : none_remains(context, took_seconds));
  cli::print(line + "\n");
}

void log_stopped_early() { log::info("worker_stopped", {{"rows_embedded", std::uint64_t{0}}}); }

/// Before the loop there is nothing to settle, but connecting may take its time.
[[noreturn]] void leave_at_once(int signal) {
  log_stopped_early();
  log::flush();
  _exit(128 + signal);
}

/// Runs the loop until `signals` stop it, or with `once` until nothing is due.
WorkerSummary run_loop(const cli::Config& config, bool once, const Clock& clock, Health& health,
                       Observer& observer, cli::StopSignals& signals) {
  Loop loop;
  pg::PgQueue queue(queue_options(config, once), clock, [&loop] { loop.wake(); });
  loop.add(queue);
  health.watch(queue);
  Embedders embedders(loop, config.endpoints);
  const Tokenizers tokenizers(config.values.text("tokenizer_ranks"));
  Worker worker(worker_options(config.values, once), queue, embedders, tokenizers, clock, loop, observer);

  signals.on_second([&worker](int) { worker.cancel(); });
  worker.run(signals.token());
  signals.on_second(nullptr);
  loop.remove(queue);
  return worker.summary();
}

Result<int> run_worker(cli::Context& context, const cli::WorkerArguments& arguments) {
  const cli::Config& config = context.config;
  cli::StopSignals signals;  // before any other thread
  signals.on_second(leave_at_once);
  log::write_in_background();
  const SteadyClock clock;
  const bool bar = cli::stderr_is_terminal();
  Metrics metrics;
  Health health(clock, config.values.duration("poll_seconds"));
  EventLog events(clock, !bar);
  cli::Progress progress(clock);
  std::vector<Observer*> all{&metrics, &health, &events};
  if (bar) all.push_back(&progress);
  Observers observers(all);
  log::clear_line_first(bar);

  const Routes routes(health, metrics);
  auto listener = listen(config.values, routes);
  if (!listener) return std::unexpected(listener.error());
  log::info("worker_started", {{"version", EMBEDD_VERSION}, {"database", config.database.display}});
  auto migrated = cli::migrate_when_up(context, observers, signals.token(),
                                       arguments.once ? std::optional<Duration>(kOnceWaits) : std::nullopt);
  if (!migrated) return std::unexpected(migrated.error());
  if (!*migrated) {  // stopped before the database came up
    log_stopped_early();
    return arguments.once ? cli::kFailed : cli::kDone;
  }
  health.schema_is_current();
  if (arguments.traces) {
    auto adopted = cli::adopt_traces_when_there(context, observers, signals.token(), !arguments.once);
    if (!adopted) return std::unexpected(adopted.error());
    if (!*adopted) return cli::kDone;
  }

  const Instant started = clock.now();
  const WorkerSummary summary = run_loop(config, arguments.once, clock, health, observers, signals);
  events.flush();
  progress.clear();
  log::info("worker_stopped", {{"rows_embedded", summary.rows_embedded},
                               {"rows_discarded", summary.rows_discarded},
                               {"tokens", summary.tokens},
                               {"rows_remain", summary.rows_remain}});
  if (!arguments.once) return cli::kDone;
  print_summary(context, summary, to_seconds(clock.now() - started));
  return summary.rows_remain ? cli::kRowsRemain : cli::kDone;
}

}  // namespace
}  // namespace embedd

int main(int argc, char** argv) {
  if (!embedd::occupy_standard_streams()) return embedd::cli::kFailed;
  // Big blocks (answers, vectors) go back to the system when freed: glibc would otherwise raise this
  // threshold to what it has seen, and keep megabytes of holes.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  return embedd::cli::run(argc, argv, {.run_worker = embedd::run_worker});
}
