// How much memory a worker takes at the extremes (G10), how long a claim takes on a long queue, and what an
// idle worker costs.
//
//   bounds [--small] [NAME...]      names: text, backlog, dead, tables, idle
//
// Prints a table; exits 1 if any process was ever larger than 64 MiB, or an idle worker asks more than one
// statement a poll or takes more than 0.1 % of a CPU. Takes some minutes and 2 GB in /tmp.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bounds/stage.h"
#include "support/process_usage.h"

namespace embedd::bounds {
namespace {

constexpr double kMostMib = 64;
constexpr double kMostIdleCpu = 0.001;
using Steady = std::chrono::steady_clock;

struct Line {
  std::string what;
  double peak_mib = 0;
  std::string more;
  bool within = true;
};

double since(Steady::time_point began) {
  return std::chrono::duration<double>(Steady::now() - began).count();
}

class Bounds {
 public:
  Bounds(bool small, std::set<std::string> names) : small_(small), names_(std::move(names)) {}

  int run() {
    measure("text", [this](Stage& stage) { huge_text(stage); });
    measure("backlog", [this](Stage& stage) { backlog(stage); });
    measure("dead", [this](Stage& stage) { dead_letters(stage); });
    measure("tables", [this](Stage& stage) { many_tables(stage); });
    measure("idle", [this](Stage& stage) { idle(stage); });
    const bool within = std::ranges::all_of(lines_, &Line::within);
    fmt::print("bounds: {}\n", within ? "kept" : "BROKEN");
    return within ? 0 : 1;
  }

 private:
  template <typename Experiment>
  void measure(const std::string& name, Experiment experiment) {
    if (!names_.empty() && !names_.contains(name)) return;
    Stage stage(server_);
    experiment(stage);
  }

  void report(Line line) {
    line.within = line.within && line.peak_mib <= kMostMib;
    fmt::print("{:<52} {:>6} MiB  {}{}\n", line.what,
               line.peak_mib > 0 ? fmt::format("{:.1f}", line.peak_mib) : "-", line.more,
               line.within ? "" : "  TOO MUCH");
    std::fflush(stdout);
    lines_.push_back(std::move(line));
  }
  void report(const std::string& command, const Ended& ended) {
    report({command, ended.peak_mib,
            fmt::format("{:.2f} s, {} kB of output", ended.seconds, ended.output_bytes / 1024)});
  }
  /// Of a worker that still runs.
  void report(const std::string& what, const test::Process& worker, const std::string& more) {
    report({what, test::peak_mib(worker.pid()), more});
  }

  void docs(Stage& stage, int rows, int dimensions, const std::string& body) const {
    stage.sql(fmt::format("CREATE TABLE docs (id bigint PRIMARY KEY, body text, embedding vector({}))",
                          dimensions));
    stage.sql("ALTER TABLE docs ALTER body SET STORAGE EXTERNAL");
    stage.sql(fmt::format("INSERT INTO docs SELECT i, {} FROM generate_series(1, {}) i", body, rows));
  }
  void vectorize(Stage& stage, const std::string& endpoint) const {
    stage.must({"vectorizer", "create", "docs", "--table", "docs", "--text", "{body}", "--column",
                "embedding", "--endpoint", endpoint});
  }

  /// 1536 dimensions over HTTP, as in production.
  void huge_text(Stage& stage) {
    const int rows = small_ ? 5'000 : 100'000;
    const int megabytes = 256;
    docs(stage, rows, 1536, "repeat(md5(i::text), 10)");
    stage.sql(fmt::format(
        "UPDATE docs SET body = repeat('a text that has no end. ', {} * 1048576 / 24) WHERE id = {}",
        megabytes, rows / 2));
    vectorize(stage, "openai");
    const auto began = Steady::now();
    const auto worker = stage.start_worker();
    stage.settle();
    const double missing = stage.number("SELECT count(*) FROM docs WHERE embedding IS NULL");
    report(
        {fmt::format("{} rows, a text of {} MB among them", rows, megabytes), test::peak_mib(worker->pid()),
         fmt::format("{:.0f} rows/s, {} rows without a vector", rows / since(began), missing), missing == 0});
  }

  void backlog(Stage& stage) {
    const int rows = small_ ? 50'000 : 1'000'000;
    docs(stage, 0, 64, "''");
    vectorize(stage, "local");
    auto began = Steady::now();
    stage.sql(fmt::format("INSERT INTO docs SELECT i, repeat(md5(i::text), 3) FROM generate_series(1, {}) i",
                          rows));
    const double inserting = since(began);
    report("  embedd status, before a worker starts", stage.must({"status"}));

    stage.forget_statements();
    std::vector<Stage::Statements> claims{{}};
    began = Steady::now();
    const auto worker = stage.start_worker();
    stage.settle([&] {
      Stage::Statements now = stage.statements("backfill AS MATERIALIZED");
      if (now.rows >= claims.back().rows + rows / 20.0) claims.push_back(now);
    });
    report(fmt::format("{} jobs", rows), *worker,
           fmt::format("{:.0f} rows/s; the INSERT took {:.1f} s", rows / since(began), inserting));
    for (const auto& [name, part] :
         {std::pair("claim", "backfill AS MATERIALIZED"), std::pair("complete", "proven AS"),
          std::pair("poll", "embedd.workers")}) {
      const Stage::Statements all = stage.statements(part);
      report({fmt::format("  a {}, mean", name), 0,
              fmt::format("{:.2f} ms, {:.0f} calls", all.milliseconds / all.calls, all.calls)});
    }
    report_growth(claims, rows);
  }

  /// The time of a claim per row, as the queue gets shorter.
  void report_growth(const std::vector<Stage::Statements>& claims, int rows) {
    std::string growth;
    for (std::size_t i = 1; i < claims.size(); ++i) {
      const Stage::Statements &from = claims[i - 1], &to = claims[i];
      growth += fmt::format("{}{:.0f}k {:.1f}", growth.empty() ? "" : ", ", (rows - from.rows) / 1000,
                            1000 * (to.milliseconds - from.milliseconds) / (to.rows - from.rows));
    }
    report({"  jobs left and microseconds of claim per row", 0, growth});
  }

  void dead_letters(Stage& stage) {
    const int letters = 10'000;
    docs(stage, 2 * letters, 64, "repeat(md5(i::text), 3)");
    vectorize(stage, "local");
    stage.sql(fmt::format(
        "INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message, attempts, text_hash) "
        "SELECT 1, jsonb_build_object('id', id), 'rejected', repeat('x', 300), 5, "
        "hashtextextended(body COLLATE \"C\", 0) FROM docs WHERE id <= {}",
        letters));
    const auto worker = stage.start_worker();
    stage.settle();
    const double stored = stage.number("SELECT count(*) FROM docs WHERE embedding IS NOT NULL");
    report({fmt::format("{} dead letters", letters), test::peak_mib(worker->pid()),
            fmt::format("{:.0f} neighbours embedded", stored), stored == letters});
    report("  embedd dead list --limit 100000", stage.must({"dead", "list", "--limit", "100000"}));
    report("  embedd dead list --limit 100000 --json",
           stage.must({"dead", "list", "--limit", "100000", "--json"}));
    report("  embedd status", stage.must({"status"}));
    report("  embedd dead retry --all", stage.must({"dead", "retry", "--all"}));
    stage.settle();
    report({"  after the retry", test::peak_mib(worker->pid()),
            stage.value("SELECT count(*) FROM docs WHERE embedding IS NOT NULL") + " rows embedded"});
  }

  void many_tables(Stage& stage) {
    const int tables = small_ ? 200 : 5'000;
    // Not all in one transaction: each takes a lock.
    for (int first = 1; first <= tables; first += 200)
      stage.sql(fmt::format(
          "DO $$BEGIN FOR i IN {}..{} LOOP EXECUTE format('CREATE TABLE other_%s (id bigint PRIMARY KEY, "
          "body text, at timestamptz)', i); END LOOP; END$$",
          first, std::min(first + 199, tables)));
    docs(stage, 10'000, 64, "repeat(md5(i::text), 3)");
    const auto began = Steady::now();
    vectorize(stage, "local");
    const double creating = since(began);
    const auto worker = stage.start_worker();
    stage.settle();
    report(fmt::format("a database of {} other tables", tables), *worker,
           fmt::format("vectorizer create took {:.2f} s", creating));
    report("  embedd status", stage.must({"status"}));
    report("  embedd check", stage.must({"check"}));
  }

  /// A minute with nothing to do, at the settings' defaults.
  void idle(Stage& stage) {
    docs(stage, 1'000, 64, "repeat(md5(i::text), 3)");
    vectorize(stage, "local");
    const auto worker = stage.start_worker();
    stage.settle();
    const auto length = std::chrono::seconds(small_ ? 15 : 60);
    std::this_thread::sleep_for(std::chrono::seconds(10));  // follow-ups of the last work
    stage.forget_statements();
    const Duration before = test::cpu_time(worker->pid());
    const auto began = Steady::now();
    std::this_thread::sleep_for(length);
    const double cpu = to_seconds(test::cpu_time(worker->pid()) - before) / since(began);
    const double statements = stage.statements().calls;
    const double polls = static_cast<double>(length.count()) / 5;
    report({"idle", test::peak_mib(worker->pid()),
            fmt::format("{:.0f} statements in {} s, polling every 5 s; {:.4f} % of a CPU", statements,
                        length.count(), 100 * cpu),
            statements <= polls + 1 && cpu <= kMostIdleCpu});
  }

  const bool small_;
  const std::set<std::string> names_;
  test::PrivatePostgres server_{{"shared_preload_libraries=pg_stat_statements", "shared_buffers=256MB"}};
  std::vector<Line> lines_;
};

}  // namespace
}  // namespace embedd::bounds

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const std::set<std::string> known{"--small", "text", "backlog", "dead", "tables", "idle"};
  std::set<std::string> names(argv + 1, argv + argc);
  for (const std::string& name : names)
    if (!known.contains(name)) {
      fmt::print(stderr, "bounds: no such thing: {} (text, backlog, dead, tables, idle, --small)\n", name);
      return 2;
    }
  const bool small = names.erase("--small") > 0;
  try {
    return embedd::bounds::Bounds(small, std::move(names)).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "bounds: {}\n", error.what());
    return 2;
  }
}
