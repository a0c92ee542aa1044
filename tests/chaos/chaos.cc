// Everything that can go wrong, on the real thing: several workers, PostgreSQL, the scripted provider, users,
// and an owner who changes models and rules, while workers are killed, the server is pulled, connections are
// cut and the provider misbehaves. At the end no job may be left, and a checker of its own must find every
// vector true, those of before a change and those of after it.
//
//   chaos --minutes 5 [--workers 3] [--users 3] [--seed 1] [--most-paid 1.05] [--logs DIR]
//
// Prints a report and exits 0 if lost, stale, wrong, mixed, orphans, blamed and deadlocks (anybody's) are all
// 0, and no more texts were paid for than --most-paid times those that there were.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "chaos/checker.h"
#include "chaos/owner.h"
#include "chaos/program.h"
#include "chaos/traffic.h"
#include "support/paths.h"
#include "support/private_postgres.h"
#include "support/scripted_provider.h"

namespace embedd::chaos {
namespace {

using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Arguments {
  double minutes = 5;
  int workers = 3;
  int users = 3;
  std::uint64_t seed = 1;
  double most_paid = 0;  ///< texts billed over distinct texts; 0: however many
  std::string logs;
};

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

class Run {
 public:
  explicit Run(Arguments arguments)
      : arguments_(std::move(arguments)), random_(arguments_.seed), database_(server_) {
    if (arguments_.logs.empty()) arguments_.logs = server_.directory();
    std::filesystem::create_directories(arguments_.logs);
  }

  int run() {
    set_the_stage();
    std::vector<std::unique_ptr<User>> users;
    for (int i = 0; i < arguments_.users; ++i)
      users.push_back(std::make_unique<User>(i, database_.url(), random_.next(), library_));
    std::jthread reader([this](const std::stop_token& stop) { read(stop); });
    const auto length =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(60 * arguments_.minutes));
    Owner owner(database_.url(), [this](const auto& words) { return command(words); }, length);
    const auto end = Steady::now() + length;
    while (Steady::now() < end) {
      something_breaks();
      revive();
      std::this_thread::sleep_for(milliseconds(500 + random_.below(2500)));
    }
    provider_.forgives();
    provider_.set_rate_limits(0, 0);
    provider_.poisons(kPoison, test::Answer::error(400, "invalid_value", "this input is refused"));
    for (auto& user : users) user->stop();
    revive();
    owner_is_content_ = owner.finish();
    const bool done = work_off();
    reader.request_stop();
    reader.join();
    const bool stopped = stop_workers();
    return report(users, owner, done, stopped);
  }

 private:
  [[nodiscard]] std::vector<std::string> environment() const {
    return {"PATH=/usr/bin:/bin",
            "DATABASE_URL=" + database_.url(),
            "OPENAI_BASE_URL=" + provider_.base_url(),
            "OPENAI_API_KEY=chaos-key",
            "EMBEDD_LEASE_SECONDS=10",
            "EMBEDD_POLL_SECONDS=1",
            "EMBEDD_WALK_SECONDS=60",
            "EMBEDD_LOG_FORMAT=json"};
  }
  [[nodiscard]] std::string log_of(std::size_t worker) const {
    return fmt::format("{}/worker-{}.log", arguments_.logs, worker);
  }

  int command(std::vector<std::string> words) const {
    words.insert(words.begin(), test::embedd_binary());
    Program program(words, environment(), arguments_.logs + "/commands.log");
    return program.exit_status(60s);
  }

  void must(const std::vector<std::string>& words) const {
    if (const int status = command(words); status != 0)
      throw std::runtime_error(
          fmt::format("{} exited {}: see {}/commands.log", fmt::join(words, " "), status, arguments_.logs));
  }

  void set_the_stage() {
    pg::Connection db = database_.connect();
    test::run(db, "CREATE EXTENSION IF NOT EXISTS vector");
    if (auto created = db.run_script(kSchema); !created) throw std::runtime_error(created.error().message);
    must({"migrate"});
    const std::string dimensions = std::to_string(kDimensions);
    must({"vectorizer", "create", "docs", "--table", "docs", "--text", "{title}\\n{body}", "--column",
          "embedding", "--dimensions", dimensions, "--model-id-column", "model_id", "--model-version-column",
          "model_version"});
    must({"vectorizer", "create", "notes", "--table", "\"Notes\"", "--text", "{words}", "--column",
          "embedding", "--dimensions", dimensions});
    must({"vectorizer", "create", "books", "--table", "books", "--text", "{body}", "--store", "--chunk",
          "recursive:48", "--dimensions", dimensions});
    provider_.poisons(kPoison, test::Answer::error(400, "invalid_value", "this input is refused"));
    provider_.set_latency(30ms);
    workers_.resize(static_cast<std::size_t>(arguments_.workers));
    revive();
  }

  void revive() {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (workers_[i] && workers_[i]->running()) continue;
      workers_[i] = std::make_unique<Program>(std::vector<std::string>{test::embedd_binary(), "worker"},
                                              environment(), log_of(i));
    }
  }

  void something_breaks() {
    switch (random_.below(14)) {
      case 0:
      case 1:
      case 2: return kill_a_worker();
      case 3: return some_worker().send(SIGTERM);
      case 4: return pull_the_database();
      case 5:
      case 6: return cut_connections();
      default: return provider_misbehaves();
    }
  }

  Program& some_worker() { return *workers_[random_.below(workers_.size())]; }

  /// Recovery: until no job carries a lease that stood when the worker died.
  void kill_a_worker() {
    pg::Connection db = database_.connect();
    const std::set<std::string> before = leases(db);
    some_worker().send(SIGKILL);
    const auto died = Steady::now();
    ++kills_;
    revive();
    while (Steady::now() - died < 60s) {
      const std::set<std::string> now = leases(db);
      if (std::none_of(before.begin(), before.end(), [&](const auto& lease) { return now.contains(lease); }))
        break;
      std::this_thread::sleep_for(20ms);
    }
    recovery_after_kill_.push_back(to_seconds(Steady::now() - died));
  }

  /// The tables of schema embedd that are called so, of all vectorizers: the owner makes more of them.
  static std::vector<std::string> tables(pg::Connection& db, const char* pattern) {
    return test::run(db,
                     "SELECT array_agg(oid::regclass::text) FROM pg_class WHERE relkind = 'r' AND "
                     "relnamespace = 'embedd'::regnamespace AND relname ~ $1",
                     {pattern})
        .array(0, 0);
  }

  static std::set<std::string> leases(pg::Connection& db) {
    std::set<std::string> found;
    for (const std::string& queue : tables(db, "^queue_")) {
      const pg::Rows rows =
          test::run(db, fmt::format("SELECT DISTINCT lease::text FROM {} WHERE lease IS NOT NULL", queue));
      for (int i = 0; i < rows.size(); ++i) found.insert(rows.text(i, 0));
    }
    return found;
  }

  /// Recovery: from the server taking connections to the next vector stored.
  void pull_the_database() {
    ++restarts_;
    server_.stop("immediate");
    std::this_thread::sleep_for(milliseconds(random_.below(3000)));
    server_.start();
    const auto up = Steady::now();
    pg::Connection db = database_.connect();
    test::run(
        db, fmt::format("INSERT INTO docs (id, title, body) VALUES ({}, 'canary', 'canary after restart {}')",
                        90'000'000 + restarts_, restarts_));
    const std::string stored =
        fmt::format("SELECT embedding IS NOT NULL FROM docs WHERE id = {}", 90'000'000 + restarts_);
    while (test::value_of(db, stored) != "t" && Steady::now() - up < 60s) std::this_thread::sleep_for(10ms);
    recovery_after_restart_.push_back(to_seconds(Steady::now() - up));
  }

  void cut_connections() {
    pg::Connection db = database_.connect();
    for (int i = 0; i < 10; ++i) {
      test::run(
          db,
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid "
          "<> pg_backend_pid() AND application_name LIKE 'embedd%'");
      ++cuts_;
      std::this_thread::sleep_for(milliseconds(random_.below(100)));
    }
  }

  void provider_misbehaves() {
    using test::Answer;
    using test::Fault;
    constexpr Fault kGarbage[] = {Fault::short_count,
                                  Fault::long_count,
                                  Fault::duplicate,
                                  Fault::out_of_range,
                                  Fault::nan,
                                  Fault::zeros,
                                  Fault::nulls,
                                  Fault::bad_base64,
                                  Fault::truncated,
                                  Fault::html,
                                  Fault::empty,
                                  Fault::error_in_200,
                                  Fault::disconnect,
                                  Fault::not_json,
                                  Fault::redirect,
                                  Fault::reversed,
                                  Fault::disconnect_in_body,
                                  Fault::hang};
    const int times = static_cast<int>(1 + random_.below(4));
    switch (random_.below(8)) {
      case 0:
        return provider_.answers_next(times,
                                      Answer::error(429, "rate_limit_exceeded").with("retry-after", "1"));
      case 1:
        return provider_.answers_next(1, Answer::error(429, "insufficient_quota").with("retry-after", "2"));
      case 2: return provider_.answers_next(times, Answer::error(500, "server_error"));
      case 3: return provider_.answers_next(times, Answer::error(503, "overloaded"));
      case 4: return provider_.set_latency(milliseconds(random_.below(400)));
      default: return provider_.answers_next(1, Answer::broken(kGarbage[random_.below(std::size(kGarbage))]));
    }
  }

  /// Reads books from their store all the while: the chunks of each are those of one text that somebody
  /// wrote.
  void read(const std::stop_token& stop) {
    std::optional<pg::Connection> db;
    while (!stop.stop_requested()) {
      if (!db) {
        auto opened = pg::Connection::open(Secret(database_.url()), "chaos reader");
        if (opened) db = std::move(*opened);
        std::this_thread::sleep_for(50ms);
        continue;
      }
      const auto rows = db->exec(
          "SELECT id, string_agg(chunk, '' ORDER BY chunk_seq) FROM books_embedding_store GROUP BY id");
      if (!rows) {
        db.reset();
        continue;
      }
      for (int i = 0; i < rows->size(); ++i) {
        ++reads_;
        if (library_.has(rows->view(i, 1))) continue;
        ++mixed_;
        mixture_ = fmt::format("book {}: {:.200}", rows->view(i, 0), rows->view(i, 1));
      }
      std::this_thread::sleep_for(20ms);
    }
  }

  /// Rows that users hold are free now; what was set aside or backed off comes due. A long run leaves a long
  /// backlog, so patience ends when the queues have not become shorter for four minutes. A walk passes over
  /// rows that users hold, and the next one finds them: so one more walk of each vectorizer belongs to the
  /// work.
  bool work_off() {
    const auto began = Steady::now();
    pg::Connection db = database_.connect();
    const std::string walked = fmt::format(
        "SELECT count(*) = 0 FROM embedd.vectorizers WHERE rows_of IS NULL AND "
        "coalesce(greatest(walked_at, walk_put_off_at), '-infinity') < '{}'",
        test::value_of(db, "SELECT now()"));
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (auto shorter_at = began; Steady::now() - shorter_at < 240s;) {
      std::string jobs = "SELECT 0";
      for (const std::string& table : tables(db, "^(queue|chunks)_"))
        jobs += fmt::format(" + (SELECT count(*) FROM {})", table);
      const std::int64_t left = std::stoll(test::value_of(db, jobs));
      if (left == 0 && done_in_ == 0) done_in_ = to_seconds(Steady::now() - began);
      if (left == 0 && test::value_of(db, walked) == "t") return true;
      if (left < least) shorter_at = Steady::now();
      least = std::min(least, left);
      std::this_thread::sleep_for(100ms);
    }
    return false;
  }

  bool stop_workers() {
    bool well = true;
    for (auto& worker : workers_) worker->send(SIGTERM);
    for (auto& worker : workers_) well = worker->exit_status(40s) == 0 && well;
    return well;
  }

  /// How often the server's log says `what`.
  [[nodiscard]] std::uint64_t logged(const std::string& what) const {
    const std::string log = server_.log();
    std::uint64_t count = 0;
    for (std::size_t at = log.find(what); at != std::string::npos; at = log.find(what, at + 1)) ++count;
    return count;
  }

  int report(const std::vector<std::unique_ptr<User>>& users, const Owner& owner, bool done, bool stopped) {
    pg::Connection db = database_.connect();
    const Findings findings = check(db);
    const test::ProviderStats stats = provider_.stats();
    TrafficReport traffic;
    for (const auto& user : users) {
      const TrafficReport& one = user->report();
      traffic.statements += one.statements;
      traffic.deadlocks += one.deadlocks;
      if (one.longest_wait > traffic.longest_wait) {
        traffic.longest_wait = one.longest_wait;
        traffic.longest_statement = one.longest_statement;
      }
    }
    const double ratio = stats.distinct_texts == 0
                             ? 1
                             : static_cast<double>(stats.inputs) / static_cast<double>(stats.distinct_texts);
    fmt::print("chaos: {} minutes, {} workers, {} users, seed {}\n", arguments_.minutes, arguments_.workers,
               arguments_.users, arguments_.seed);
    fmt::print("  done to it      {} kill -9, {} database restarts, {} rounds of terminated connections\n",
               kills_, restarts_, cuts_);
    // The server tells of every deadlock, and so of those that only workers saw.
    const std::uint64_t deadlocks = std::max<std::uint64_t>(traffic.deadlocks, logged("deadlock detected"));
    fmt::print("  users           {} statements, longest wait {:.0f} ms, deadlocks {}\n", traffic.statements,
               1000 * to_seconds(traffic.longest_wait), deadlocks);
    fmt::print("                  ({:.90})\n", traffic.longest_statement);
    fmt::print("  owner           {} commands, {} of them refused or cut; {}\n", owner.commands(),
               owner.refused(), owner_is_content_ ? "has the model he wanted" : "COULD NOT CHANGE HIS MIND");
    fmt::print("  provider        {} requests, {} texts billed, {} distinct: {:.4f} paid per text\n",
               stats.requests, stats.inputs, stats.distinct_texts, ratio);
    fmt::print(
        "  recovery        after kill -9 p50 {:.1f} s, p99 {:.1f} s; after a restart p50 {:.2f} s, p99 "
        "{:.2f} s\n",
        percentile(recovery_after_kill_, 0.5), percentile(recovery_after_kill_, 0.99),
        percentile(recovery_after_restart_, 0.5), percentile(recovery_after_restart_, 0.99));
    fmt::print("  at the end      {} in {:.1f} s, workers {}\n", done ? "done" : "NOT DONE", done_in_,
               stopped ? "stopped with 0" : "DID NOT STOP WELL");
    fmt::print("  rows            {}: {} true vectors, {} poison in dead letters\n", findings.rows,
               findings.vectors, findings.dead);
    fmt::print(
        "  chunks          {} with the vector of their text; books were read {} times while it went on\n",
        findings.chunks, reads_.load());
    fmt::print("  lost {}  stale {}  wrong {}  mixed {}  orphans {}  blamed {}\n", findings.lost,
               findings.stale, findings.wrong, mixed_.load(), findings.orphans, findings.blamed);
    if (mixed_ > 0) fmt::print("    mixed, for example: {}\n", mixture_);
    for (const std::string& example : findings.examples) fmt::print("    {}\n", example);
    const bool thrifty = arguments_.most_paid == 0 || ratio <= arguments_.most_paid;
    if (!thrifty) fmt::print("  paid {:.4f} per text, and {} is the most\n", ratio, arguments_.most_paid);
    const bool well = done && stopped && owner_is_content_ && thrifty && findings.clean() && mixed_ == 0 &&
                      deadlocks == 0 && findings.vectors > 0 && findings.chunks > 0 && reads_ > 0;
    fmt::print("chaos: {}\n", well ? "every promise kept" : "PROMISES BROKEN");
    return well ? 0 : 1;
  }

  Arguments arguments_;
  Random random_;
  test::PrivatePostgres server_;
  test::TestDatabase database_;
  test::ScriptedProvider provider_{{.dimensions = kDimensions, .key = "chaos-key"}};
  std::vector<std::unique_ptr<Program>> workers_;
  Library library_;
  bool owner_is_content_ = false;
  std::atomic<std::uint64_t> reads_ = 0, mixed_ = 0;
  std::string mixture_;
  int kills_ = 0;
  int restarts_ = 0;
  int cuts_ = 0;
  double done_in_ = 0;
  std::vector<double> recovery_after_kill_, recovery_after_restart_;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--minutes") arguments.minutes = std::atof(argv[i + 1]);
    if (name == "--workers") arguments.workers = std::atoi(argv[i + 1]);
    if (name == "--users") arguments.users = std::atoi(argv[i + 1]);
    if (name == "--seed") arguments.seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--most-paid") arguments.most_paid = std::atof(argv[i + 1]);
    if (name == "--logs") arguments.logs = argv[i + 1];
  }
  return arguments;
}

}  // namespace
}  // namespace embedd::chaos

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  try {
    return embedd::chaos::Run(embedd::chaos::parse(argc, argv)).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "chaos: {}\n", error.what());
    return 2;
  }
}
