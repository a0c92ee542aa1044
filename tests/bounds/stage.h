/// A database, an endpoint and the binary, with an eye on what each process uses.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pg/connection.h"
#include "support/private_postgres.h"
#include "support/process.h"
#include "support/scripted_provider.h"

namespace embedd::bounds {

/// A command that has ended.
struct Ended {
  int code = -1;
  double peak_mib = 0;
  double seconds = 0;
  std::size_t output_bytes = 0;
};

/// A fresh database on a server that counts statements. Failures throw.
class Stage {
 public:
  explicit Stage(const test::PrivatePostgres& server);

  void sql(const std::string& statement) { test::run(db_, statement); }
  std::string value(const std::string& sql) { return test::value_of(db_, sql); }
  double number(const std::string& sql) { return std::strtod(value(sql).c_str(), nullptr); }

  /// Runs `embedd` to its end.
  Ended embedd(const std::vector<std::string>& arguments);
  /// The same; throws unless it exits with 0.
  Ended must(const std::vector<std::string>& arguments);
  [[nodiscard]] std::unique_ptr<test::Process> start_worker();
  /// Asks every tenth of a second, calling `meanwhile`, until the first vectorizer's table has been walked
  /// and no job is left.
  void settle(const std::function<void()>& meanwhile = [] {});

  /// What the server's statistics say of the statements whose text contains `part`.
  struct Statements {
    double calls = 0, rows = 0, milliseconds = 0;
  };
  Statements statements(const std::string& part = "");
  void forget_statements() { test::run(admin_, "SELECT pg_stat_statements_reset()"); }

  test::ScriptedProvider provider;

 private:
  test::TestDatabase database_;
  pg::Connection db_;
  pg::Connection admin_;  ///< in a database of its own, so that it is not among what it counts
  std::map<std::string, std::string> environment_;
};

}  // namespace embedd::bounds
