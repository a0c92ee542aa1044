#include "app/worker_run.h"

#include <unistd.h>

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "app/start_up.h"
#include "base/log.h"
#include "core/random.h"
#include "core/walk_pace.h"
#include "http/embedders.h"
#include "http/loop.h"
#include "pg/queue.h"
#include "server/event_log.h"
#include "server/health.h"
#include "server/metrics.h"
#include "server/observers.h"
#include "server/routes.h"
#include "text/catalog.h"

namespace embedd::app {

namespace {

/// How long a worker with `once` waits for a database that is down; a worker that stays waits for ever.
constexpr seconds kOnceWaits{60};

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

pg::PgQueueOptions queue_options(const Settings& settings, const WorkerRequest& request) {
  char hostname[256] = "";
  (void)gethostname(hostname, sizeof hostname - 1);
  return {.database = settings.database.conninfo,
          .listen = settings.listen.conninfo,
          .database_now = settings.database_now,
          .listen_now = settings.listen_now,
          .worker = Random(random_seed()).lease_token(),
          .hostname = hostname,
          .version = EMBEDD_VERSION,
          .pid = static_cast<int>(getpid()),
          .reconcile_every = request.reconcile_every,
          .longest_page = WalkPace(request.worker.walk_share).longest_page(),
          // Somebody waits for the answer whether any row remains.
          .make_up_after = request.worker.once ? Duration{} : seconds(60),
          .keep_messages = request.keep_messages,
          .addresses = addresses_of(settings.endpoints)};
}

/// Null if no address is asked for.
Result<std::unique_ptr<Listener>> listen(const std::optional<ListenAddress>& address, const Routes& routes) {
  if (!address) return nullptr;
  auto listener = Listener::start(*address, [&routes](std::string_view method, std::string_view target) {
    return routes.handle(method, target);
  });
  if (listener)
    log::info("http_listening", {{"address", (*listener)->address()}, {"port", (*listener)->port()}});
  return listener;
}

/// What a run makes once, and every part is given.
class WorkerRun {
 public:
  WorkerRun(const Settings& settings, const WorkerRequest& request, WorkerHooks hooks)
      : settings_(settings),
        request_(request),
        hooks_(std::move(hooks)),
        health_(clock_, request.worker.poll),
        events_(clock_, hooks_.progress == nullptr),
        observers_(all_observers()) {}

  Result<WorkerReport> run() {
    const Routes routes(health_, metrics_);
    auto listener = listen(request_.http, routes);
    if (!listener) return std::unexpected(listener.error());
    log::info("worker_started", {{"version", EMBEDD_VERSION}, {"database", settings_.database.display}});
    auto stopped = start();
    if (!stopped) return std::unexpected(stopped.error());
    if (*stopped) return WorkerReport{.end = **stopped};

    const Instant started = clock_.now();
    const WorkerSummary summary = run_loop();
    events_.flush();
    hooks_.progress.reset();
    log::info("worker_stopped", {{"rows_embedded", summary.rows_embedded},
                                 {"rows_discarded", summary.rows_discarded},
                                 {"tokens", summary.tokens},
                                 {"rows_remain", summary.rows_remain}});
    return WorkerReport{.summary = summary, .took = clock_.now() - started};
  }

 private:
  std::vector<Observer*> all_observers() {
    std::vector<Observer*> all{&metrics_, &health_, &events_};
    if (hooks_.progress) all.push_back(hooks_.progress.get());
    return all;
  }

  /// None once the loop may begin; else where it was stopped.
  Result<std::optional<WorkerReport::End>> start() {
    const bool once = request_.worker.once;
    auto migrated = migrate_when_up(settings_, observers_, hooks_.stop,
                                    once ? std::optional<Duration>(kOnceWaits) : std::nullopt);
    if (!migrated) return std::unexpected(migrated.error());
    if (!*migrated) {
      log_stopped_early();
      return WorkerReport::End::before_database;
    }
    health_.schema_is_current();
    if (!request_.traces) return std::nullopt;
    auto adopted = adopt_traces_when_there(settings_, observers_, hooks_.stop, !once);
    if (!adopted) return std::unexpected(adopted.error());
    if (!*adopted) return WorkerReport::End::before_table;
    return std::nullopt;
  }

  WorkerSummary run_loop() {
    Loop loop;
    pg::PgQueue queue(queue_options(settings_, request_), clock_, [&loop] { loop.wake(); });
    loop.add(queue);
    health_.watch(queue);
    Embedders embedders(loop, settings_.endpoints);
    const Tokenizers tokenizers(settings_.tokenizer_ranks);
    WorkerOptions options = request_.worker;
    options.seed = random_seed();
    Worker worker(options, queue, embedders, tokenizers, clock_, loop, observers_);

    if (hooks_.on_loop) hooks_.on_loop([&worker] { worker.cancel(); });
    worker.run(hooks_.stop);
    if (hooks_.on_loop) hooks_.on_loop(nullptr);
    loop.remove(queue);
    return worker.summary();
  }

  const Settings& settings_;
  const WorkerRequest& request_;
  WorkerHooks hooks_;
  const SteadyClock clock_;
  Metrics metrics_;
  Health health_;
  EventLog events_;
  Observers observers_;
};

}  // namespace

Result<WorkerReport> run_worker(const Settings& settings, const WorkerRequest& request, WorkerHooks hooks) {
  return WorkerRun(settings, request, std::move(hooks)).run();
}

void log_stopped_early() { log::info("worker_stopped", {{"rows_embedded", std::uint64_t{0}}}); }

}  // namespace embedd::app
