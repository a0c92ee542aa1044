#include "app/worker_run.h"

#include <unistd.h>

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "app/start_up.h"
#include "base/log.h"
#include "base/version.h"
#include "core/random.h"
#include "core/walk_pace.h"
#include "observe/event_log.h"
#include "observe/health.h"
#include "observe/metrics.h"
#include "observe/observers.h"
#include "provider/embedders.h"
#include "provider/loop.h"
#include "queue/pg_queue.h"
#include "text/catalog.h"
#include "text/chunker.h"

namespace embedd::app {

namespace {

/// How long a worker with `once` waits for a database that is down; other workers wait without end.
constexpr seconds kOnceWaits{60};

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

queue::PgQueueOptions queue_options(const Settings& settings, const WorkerRequest& request) {
  char hostname[256] = "";
  (void)gethostname(hostname, sizeof hostname - 1);
  return {.database = settings.database.conninfo,
          .listen = settings.listen.conninfo,
          .database_now = settings.database_now,
          .listen_now = settings.listen_now,
          .worker = Random(random_seed()).lease_token(),
          .hostname = hostname,
          .version = std::string(version()),
          .pid = static_cast<int>(getpid()),
          .walk_every = request.walk_every,
          .longest_page = WalkPace(request.worker.walk_share).longest_page(),
          // With `once`, a person waits to hear whether any row remains.
          .make_up_after = request.worker.once ? Duration{} : seconds(60),
          .keep_messages = request.keep_messages,
          .addresses = provider::addresses_of(settings.endpoints),
          .prices = settings.prices};
}

/// Objects that a run creates once and passes to its parts.
class WorkerRun {
 public:
  WorkerRun(const Settings& settings, const WorkerRequest& request, WorkerHooks hooks)
      : settings_(settings),
        request_(request),
        hooks_(std::move(hooks)),
        metrics_(settings.metrics_prefix, settings.prices),
        health_(clock_, request.worker.poll),
        events_(clock_, hooks_.progress == nullptr),
        observers_(all_observers()) {}

  Result<WorkerReport> run() {
    const std::shared_ptr<void> served = hooks_.serve ? TRY(hooks_.serve(health_, metrics_)) : nullptr;
    log::info("worker_started", {{"version", version()}, {"database", settings_.database.display}});
    auto stopped = TRY(start());
    if (stopped) return WorkerReport{.end = *stopped};

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

  /// Returns nothing when the loop may begin; otherwise, where the run was stopped.
  Result<std::optional<WorkerReport::End>> start() {
    const bool once = request_.worker.once;
    auto migrated = TRY(migrate_when_up(settings_, observers_, hooks_.stop,
                                        once ? std::optional<Duration>(kOnceWaits) : std::nullopt));
    if (!migrated) {
      log_stopped_early();
      return WorkerReport::End::before_database;
    }
    health_.schema_is_current();
    if (!request_.traces) return std::nullopt;
    auto adopted = TRY(adopt_traces_when_there(settings_, observers_, hooks_.stop, !once));
    if (!adopted) return WorkerReport::End::before_table;
    return std::nullopt;
  }

  WorkerSummary run_loop() {
    provider::Loop loop;
    queue::PgQueue queue(queue_options(settings_, request_), clock_, [&loop] { loop.wake(); });
    loop.add(queue);
    health_.watch(queue);
    provider::Embedders embedders(loop, settings_.endpoints);
    const Tokenizers tokenizers(settings_.tokenizer_ranks);
    WorkerOptions options = request_.worker;
    options.seed = random_seed();
    options.prices = settings_.prices;
    const TextChunker chunker(tokenizers);
    Worker worker(options, queue, embedders, tokenizers, chunker, clock_, loop, observers_);

    if (hooks_.on_loop) hooks_.on_loop([&worker] { worker.cancel(); });
    worker.run(hooks_.stop);
    if (hooks_.on_loop) hooks_.on_loop(nullptr);
    loop.remove(queue);
    return worker.summary();
  }

  const Settings& settings_;
  const WorkerRequest& request_;
  WorkerHooks hooks_;
  const provider::SteadyClock clock_;
  observe::Metrics metrics_;
  observe::Health health_;
  observe::EventLog events_;
  observe::Observers observers_;
};

}  // namespace

Result<WorkerReport> run_worker(const Settings& settings, const WorkerRequest& request, WorkerHooks hooks) {
  return WorkerRun(settings, request, std::move(hooks)).run();
}

void log_stopped_early() { log::info("worker_stopped", {{"rows_embedded", std::uint64_t{0}}}); }

}  // namespace embedd::app
