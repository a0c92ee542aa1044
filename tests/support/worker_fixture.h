/// What end-to-end tests of the real binary share: a database with the table `docs`, the scripted provider,
/// and runs of `embedd`, which reaches its database as the run's target says (support/target.h).
///
///   class Promise : public WorkerTest {};
///   TEST_F(Promise, Holds) {
///     declare_docs();
///     add_docs(500);
///     EXPECT_EQ(run({"worker", "--once"}).code, 0);
///     EXPECT_EQ(wrong_docs(), "");
///   }
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/pgbouncer.h"
#include "support/private_postgres.h"
#include "support/process.h"
#include "support/scripted_provider.h"
#include "support/target.h"
#include "support/temp_dir.h"

namespace embedd::test {

/// Asks again and again until `condition` holds; false if it does not within `patience`.
template <typename Condition>
bool eventually(Condition condition, Duration patience = seconds(60)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return true;
}

using Environment = std::map<std::string, std::string>;

/// A run of the binary, with its log (stderr) and its metrics.
class Embedd {
 public:
  Embedd(const std::vector<std::string>& arguments, const Environment& environment)
      : process_(
            std::make_unique<Process>(ProcessOptions{.arguments = arguments, .environment = environment})) {}

  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] bool running() { return !process_->wait(std::chrono::seconds(0)); }
  void signal(int number) const { process_->signal(number); }
  /// Waits for the end; the code is -1 if it does not come within `patience`.
  Finished finish(std::chrono::seconds patience = std::chrono::seconds(60));
  /// SIGTERM and finish.
  Finished stop();

  [[nodiscard]] std::string log() const { return process_->error_output(); }
  /// Lines of the log that contain `part`.
  [[nodiscard]] int logged(const std::string& part) const;
  bool wait_for_log(const std::string& part) const { return process_->wait_for_error_output(part); }
  /// The body of GET `path`, from a worker with `--http`; empty if nobody answers.
  [[nodiscard]] std::string get(const std::string& path) const;
  /// The value of the sample named `series`, labels included, in /metrics; 0 if it is not there.
  [[nodiscard]] double metric(const std::string& series) const;

 private:
  std::unique_ptr<Process> process_;
};

class WorkerTest : public testing::Test {
 protected:
  /// `server`: null for the shared one.
  explicit WorkerTest(const PrivatePostgres* server = nullptr);
  /// A database of another encoding, on the shared one.
  explicit WorkerTest(std::string_view encoding);

  static constexpr int kDimensions = 8;

  /// Starts `embedd` with `environment` and `changes`; a change to "" takes the variable away.
  Embedd start(const std::vector<std::string>& arguments, const Environment& changes = {});
  /// Starts a worker that listens on a free port of loopback.
  Embedd start_worker(const Environment& changes = {});
  /// Starts `embedd` and waits for its end.
  Finished run_embedd(const std::vector<std::string>& arguments, const Environment& changes = {});
  Finished work_once(const Environment& changes = {});

  /// The table docs: slug text as its key, title, body, views, embedding, the two model columns.
  void create_docs();
  /// With the shell's command: the vectorizer docs over '{title}\n{body}'.
  void create_vectorizer();
  /// The table, `embedd migrate`, and the vectorizer.
  void declare_docs();
  /// Rows with the slugs `prefix`-1 to `prefix`-`count`, texts all different, in one statement.
  void add_docs(int count, const std::string& prefix = "doc");

  std::string value(const std::string& sql) { return value_of(db, sql); }
  void sql(const std::string& statement) { run(db, statement); }
  std::int64_t number(const std::string& sql) { return std::atoll(value(sql).c_str()); }

  /// The text that the template makes of a row.
  std::string text_of(const std::string& slug);
  /// The vector as the row holds it; empty if it holds none.
  std::vector<float> vector_of(const std::string& slug);
  /// The slugs whose row does not hold the vector of its own text, computed here from title and body, with
  /// the model columns filled; or that holds any of this without a text. "" if all is well, else some of the
  /// names.
  std::string wrong_docs();
  /// The same for any table: `query` selects name, text and vector, and NULL as the text of what must hold
  /// none.
  std::string wrong_rows(const std::string& query);
  bool all_right() { return wrong_docs().empty(); }

  std::int64_t jobs() { return number("SELECT count(*) FROM embedd.queue_1"); }
  std::int64_t leases() { return number("SELECT count(*) FROM embedd.queue_1 WHERE lease IS NOT NULL"); }
  std::int64_t dead_letters() { return number("SELECT count(*) FROM embedd.dead_letters"); }
  bool wait_until_idle(Duration patience = seconds(60)) {
    return eventually([this] { return jobs() == 0; }, patience);
  }

  ScriptedProvider provider;
  TestDatabase database;
  pg::Connection db;
  TempDir files;
  Environment environment;

 private:
  void prepare();
};

/// For tests that stop their server: one of their own.
struct OwnServer {
  PrivatePostgres server;
};

}  // namespace embedd::test
