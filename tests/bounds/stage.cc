#include "bounds/stage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "support/process_usage.h"

namespace embedd::bounds {

namespace {

using Steady = std::chrono::steady_clock;

pg::Connection open(const std::string& url) {
  auto connection = pg::Connection::open(Secret(url));
  if (!connection) throw std::runtime_error(connection.error().message);
  return std::move(*connection);
}

}  // namespace

Stage::Stage(const test::PrivatePostgres& server)
    : provider({.key = "sk-bounds"}),
      database_(server),
      db_(database_.connect()),
      admin_(open(server.url())) {
  sql("CREATE EXTENSION vector");
  test::run(admin_, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
  environment_ = {{"DATABASE_URL", database_.url()},
                  {"OPENAI_API_KEY", "sk-bounds"},
                  {"OPENAI_BASE_URL", provider.base_url()},
                  {"EMBEDD_LOG_FORMAT", "json"}};
  must({"migrate"});
}

Ended Stage::embedd(const std::vector<std::string>& arguments) {
  const auto began = Steady::now();
  test::Process process({.arguments = arguments, .environment = environment_});
  Ended ended;
  std::optional<int> code;
  while (!code) {
    ended.peak_mib = std::max(ended.peak_mib, test::peak_mib(process.pid()));
    code = process.wait(std::chrono::seconds(0));
    if (!code) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  ended.code = *code;
  ended.seconds = std::chrono::duration<double>(Steady::now() - began).count();
  ended.output_bytes = process.output().size();
  if (ended.code != 0) fmt::print(stderr, "{}", process.error_output());
  return ended;
}

Ended Stage::must(const std::vector<std::string>& arguments) {
  const Ended ended = embedd(arguments);
  if (ended.code != 0)
    throw std::runtime_error(fmt::format("embedd {} exited {}", fmt::join(arguments, " "), ended.code));
  return ended;
}

std::unique_ptr<test::Process> Stage::start_worker() {
  return std::make_unique<test::Process>(
      test::ProcessOptions{.arguments = {"worker"}, .environment = environment_});
}

void Stage::settle(const std::function<void()>& meanwhile) {
  const std::string done =
      "SELECT walked_at IS NOT NULL AND NOT EXISTS (SELECT FROM embedd.queue_1) FROM embedd.vectorizers";
  while (value(done) != "t") {
    meanwhile();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

Stage::Statements Stage::statements(const std::string& part) {
  const pg::Rows rows = test::run(
      admin_,
      "SELECT coalesce(sum(s.calls), 0), coalesce(sum(s.rows), 0), coalesce(sum(s.total_exec_time), 0) "
      "FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
      "WHERE d.datname = $1 AND strpos(s.query, $2) > 0",
      {database_.name(), part});
  return {rows.number(0, 0), rows.number(0, 1), rows.number(0, 2)};
}

}  // namespace embedd::bounds
