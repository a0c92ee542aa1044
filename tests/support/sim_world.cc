#include "support/sim_world.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/io.h"
#include "core/retry_policy.h"
#include "core/tokenizer.h"
#include "support/bar_chunker.h"

namespace embedd::sim {

namespace {

class ByteTokenizer final : public Tokenizer, public TokenizerCatalog {
 public:
  explicit ByteTokenizer(const World& world) : world_(world) {}
  [[nodiscard]] bool exact() const override { return world_.counts_exactly; }
  [[nodiscard]] std::size_t count(std::string_view text) const override { return text.size(); }
  [[nodiscard]] std::size_t prefix_bytes(std::string_view text, std::size_t max) const override {
    return std::min(text.size(), max);
  }
  [[nodiscard]] const Tokenizer& tokenizer_for(std::string_view) const override { return *this; }

 private:
  const World& world_;
};

/// A machine's monotonic clock, which stands still while the machine sleeps.
class WorldClock final : public Clock {
 public:
  explicit WorldClock(const World& world) : world_(world) {}
  [[nodiscard]] Instant now() const override { return world_.now() - slept_; }
  /// When the world will show what this clock calls `at`.
  [[nodiscard]] Instant in_the_world(Instant at) const {
    return at > Instant::max() - slept_ ? at : at + slept_;
  }
  void sleep(Duration length) { slept_ += length; }

 private:
  const World& world_;
  Duration slept_{};
};

}  // namespace

/// The loop cannot block in a simulation: its wait notes the deadline, and the world turns it again when
/// something has finished or the deadline has come.
class Process final : public Io {
 public:
  Process(World& world, int number)
      : world_(world),
        number_(number),
        tokenizer_(world),
        clock_(world),
        observer_(world, number),
        alive_(std::make_shared<int>(0)) {
    const auto wake_me = [this] { wake(); };
    queue_ = std::make_unique<SimQueue>(world, number, wake_me, alive_);
    embedder_ = std::make_unique<SimEmbedder>(world, wake_me, alive_);
    WorkerOptions options = world.options;
    options.seed = world.random.next();
    worker_ = std::make_unique<Worker>(options, *queue_, *embedder_, tokenizer_, chunker_, clock_, *this,
                                       observer_);
    wake();
  }

  void wait_until(Instant deadline) override { deadline_ = deadline; }

  void wake() override {
    if (scheduled_ || !alive()) return;
    scheduled_ = true;
    schedule(std::max(world_.now(), frozen_until_), [this] {
      scheduled_ = false;
      if (world_.now() < frozen_until_) return wake();
      turn();
    });
  }

  void freeze(Duration length, bool clock_stops) {
    const Instant until = std::max(frozen_until_, world_.now() + length);
    if (clock_stops) clock_.sleep(until - std::max(frozen_until_, world_.now()));
    frozen_until_ = until;
    wake();
  }

  void drain() {
    draining_ = true;
    wake();
  }
  void die() { alive_.reset(); }
  [[nodiscard]] bool alive() const { return alive_ != nullptr; }
  [[nodiscard]] Worker& worker() { return *worker_; }
  [[nodiscard]] SimQueue& queue() { return *queue_; }

 private:
  /// Unless the process is dead by then.
  void schedule(Instant at, std::function<void()> what) {
    world_.schedule(at, [life = std::weak_ptr<int>(alive_), what = std::move(what)] {
      if (life.lock()) what();
    });
  }

  void turn() {
    worker_->turn(draining_);  // takes what has arrived …
    worker_->turn(draining_);  // … and acts on it
    if (worker_->finished(draining_)) {
      world_.tell("worker {} is done", number_);
      return die();
    }
    if (deadline_ == alarm_) return;
    alarm_ = deadline_;
    const Instant at_world = std::max(clock_.in_the_world(deadline_), world_.now() + milliseconds(1));
    schedule(at_world, [this, at = deadline_] {
      if (alarm_ == at) alarm_ = Instant{};
      wake();
    });
  }

  World& world_;
  int number_;
  ByteTokenizer tokenizer_;
  test::BarChunker chunker_;
  WorldClock clock_;
  Tracing observer_;
  std::shared_ptr<int> alive_;
  std::unique_ptr<SimQueue> queue_;
  std::unique_ptr<SimEmbedder> embedder_;
  std::unique_ptr<Worker> worker_;
  bool scheduled_ = false;
  bool draining_ = false;
  Instant deadline_ = Instant::max();
  Instant alarm_{};
  Instant frozen_until_{};
};

// ── The world
// ───────────────────────────────────────────────────────────────────────────────────────────────────

World::World(std::uint64_t seed) : random(seed) {
  options.claim_rows = 32;
  options.batch_inputs = 16;
  for (Provider* each : {&provider, &other_provider}) {
    each->limits.max_in_flight = 4;
    each->limits.max_inputs = 16;
    each->limits.max_input_tokens = 1000;
  }
  database.witness.stored = [this](const Table& table, const std::string& key, const std::string& text) {
    if (travels_whole(provider, table, text) && *table.rows.at(key).vector != vector_of(text))
      violated(fmt::format("G2: {} {} got the vector of another text", table.vectorizer.name, key),
               fmt::format("{} {}", table.vectorizer.name, key));
  };
  database.witness.swapped = [this](const Table& table, const std::string& key) {
    const std::string wrong = wrong_chunks(table, key);
    if (!wrong.empty()) violated("G2: " + wrong, fmt::format("{} {}", table.vectorizer.name, key));
  };
  database.witness.charged = [this](const Table& table, const std::string& key, ErrorKind kind) {
    ++charged;
    if (is_endpoint_fault(kind))
      violated(fmt::format("G7: {} {} was charged for {}", table.vectorizer.name, key, name_of(kind)),
               fmt::format("{} {}", table.vectorizer.name, key));
  };
}

World::~World() {
  for (const auto& process : processes_) process->die();
}

VectorizerId World::add_table(const std::string& name, int rows) {
  const auto id = static_cast<VectorizerId>(database.tables.size() + 1);
  Table& table = database.tables[id];
  table.vectorizer = {.id = id, .name = name, .endpoint = "openai", .model = "sim", .dimensions = 4};
  table.source = id;
  table.destination = "embedding";
  for (int i = 0; i < rows; ++i)
    database.put(id, fmt::format("{:04}", i), fmt::format("{} {} v0", name, i), database_now());
  return id;
}

VectorizerId World::add_store(const std::string& name, int rows) {
  const VectorizerId id = add_table(name, 0), chunks = add_table(name + ".chunks", 0);
  Table& table = database.tables.at(id);
  table.vectorizer.chunk_rule = "bars";
  table.chunks = chunks;
  database.tables.at(chunks).vectorizer.rows = id;
  for (int i = 0; i < rows; ++i)
    database.put(id, fmt::format("{:04}", i), fmt::format("{0} {1} v0|{0} {1} v1", name, i), database_now());
  return id;
}

int World::start_worker() {
  const int number = static_cast<int>(processes_.size());
  processes_.push_back(std::make_shared<Process>(*this, number));
  if (database_up_at_ > now_) processes_.back()->queue().cut(database_up_at_, true);
  tell("worker {} starts", number);
  return number;
}

void World::kill_worker(int worker) {
  tell("kill -9 worker {}", worker);
  answers_may_be_lost = true;
  processes_.at(static_cast<std::size_t>(worker))->die();
}

void World::drain_worker(int worker) {
  if (!alive(worker)) return;
  tell("SIGTERM worker {}", worker);
  processes_.at(static_cast<std::size_t>(worker))->drain();
}

void World::cancel_worker(int worker) {
  if (!alive(worker)) return;
  tell("second SIGTERM worker {}", worker);
  answers_may_be_lost = true;
  processes_.at(static_cast<std::size_t>(worker))->worker().cancel();
}

void World::freeze_worker(int worker, Duration length, bool clock_stops) {
  if (!alive(worker)) return;
  tell("{} worker {} for {:.1f} s", clock_stops ? "the machine sleeps under" : "SIGSTOP", worker,
       to_seconds(length));
  processes_.at(static_cast<std::size_t>(worker))->freeze(length, clock_stops);
}

void World::set_database_clock(Duration by) {
  tell("the database's clock jumps by {:.1f} s", to_seconds(by));
  database_clock_ += by;
}

void World::restart_database(Duration outage) {
  tell("database down for {:.1f} s", to_seconds(outage));
  database_up_at_ = std::max(database_up_at_, now_ + outage);
  for (const auto& process : processes_)
    if (process->alive()) process->queue().cut(database_up_at_, true);
}

void World::cut_connection(int worker) {
  if (!alive(worker)) return;
  tell("connection of worker {} lost", worker);
  processes_.at(static_cast<std::size_t>(worker))
      ->queue()
      .cut(std::max(database_up_at_, now_ + milliseconds(100)), false);
}

std::size_t World::workers_alive() const {
  return static_cast<std::size_t>(std::count_if(processes_.begin(), processes_.end(),
                                                [](const auto& process) { return process->alive(); }));
}

bool World::alive(int worker) const { return processes_.at(static_cast<std::size_t>(worker))->alive(); }
const Worker& World::worker(int worker) const {
  return processes_.at(static_cast<std::size_t>(worker))->worker();
}

void World::schedule(Instant at, std::function<void()> what) {
  events_.push({at, order_++, std::move(what)});
}
void World::at(Duration since_start, std::function<void()> what) {
  schedule(start_ + since_start, std::move(what));
}
void World::after(Duration delay, std::function<void()> what) { schedule(now_ + delay, std::move(what)); }

void World::run_for(Duration duration) {
  run_until([] { return false; }, duration);
}

bool World::run_until(const std::function<bool()>& done, Duration at_most) {
  const Instant end = now_ + at_most;
  while (!events_.empty() && events_.top().at <= end) {
    if (done()) return true;
    step();
  }
  if (done()) return true;
  now_ = end;
  return done();
}

bool World::step() {
  if (events_.empty()) return false;
  const Event event = events_.top();
  events_.pop();
  now_ = std::max(now_, event.at);
  event.what();
  return true;
}

std::string World::table_name(VectorizerId id) const { return database.tables.at(id).vectorizer.name; }

Provider* World::provider_of(const std::string& endpoint) {
  if (endpoint == "openai") return &provider;
  return endpoint == "other" ? &other_provider : nullptr;
}

void World::paid(Provider& to, const std::string& text) {
  if (text == kCanary) return;
  std::deque<Instant>& times = to.paid_at[text];
  while (!times.empty() && now_ - times.front() >= std::chrono::hours(1)) times.pop_front();
  times.push_back(now_);
  // Each row that had this text may have paid for it.
  const auto owners = database.owners.find(text);
  const std::size_t rows = owners == database.owners.end() ? 1 : owners->second.size();
  most_paid_an_hour = std::max<std::uint64_t>(most_paid_an_hour, times.size() / rows);
  if (times.size() > rows * SpendingBrake::kSameTextAnHour)
    violated(
        fmt::format("G12: '{}' of {} rows was paid for {} times within an hour", text, rows, times.size()),
        row_of(text));
}

void World::set_pace(Provider& provider, double texts_per_second) {
  tell("the server computes {} texts a second from now on", texts_per_second);
  provider.server->set_pace(texts_per_second, now_);
  await_server(provider);
}

void World::compute(Provider& provider, std::size_t texts, std::function<void()> done) {
  computing_[&provider].waiting.emplace(provider.server->arrived(texts, now_), std::move(done));
  await_server(provider);
}

void World::await_server(Provider& provider) {
  const std::optional<Instant> next = provider.server->next_done();
  if (!next) return;
  schedule(std::max(*next, now_), [this, &provider, alarm = ++computing_[&provider].alarm] {
    Computing& computing = computing_[&provider];
    if (alarm != computing.alarm) return;
    for (const auto ticket : provider.server->take_done(now_))
      if (auto node = computing.waiting.extract(ticket); !node.empty()) node.mapped()();
    await_server(provider);
  });
}

std::string World::row_of(const std::string& text) const {
  for (const auto& [id, table] : database.tables)
    for (const auto& [key, row] : table.rows)
      if (row.text == text) return fmt::format("{} {}", table.vectorizer.name, key);
  return "";
}

void World::violated(std::string what, std::string culprit) {
  tell("BROKEN {}", what);
  violations.push_back(std::move(what));
  culprit_ = std::move(culprit);
}

void World::trace(std::string line) {
  story_.push_back(fmt::format("{:10.3f} {}", to_seconds(now_ - start_), std::move(line)));
}

std::string World::story(std::size_t lines) const {
  std::string text;
  const std::size_t from = story_.size() > lines ? story_.size() - lines : 0;
  for (std::size_t i = from; i < story_.size(); ++i) text += story_[i] + "\n";
  if (culprit_.empty()) return text;
  text += fmt::format("what happened to {}:\n", culprit_);
  for (const std::string& line : story_)
    if (line.find(culprit_) != std::string::npos) text += line + "\n";
  return text;
}

}  // namespace embedd::sim
