#include "support/worker_fixture.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <sstream>

#include "support/expected_vector.h"
#include "support/http_get.h"

namespace embedd::test {
namespace {

/// "[1,-0.5]", as pgvector prints it: shortest digits that give the same float32 back.
std::vector<float> parse_vector(const std::string& text) {
  std::vector<float> out;
  const char* at = text.c_str();
  while (*at == '[' || *at == ',') {
    char* end = nullptr;
    out.push_back(std::strtof(at + 1, &end));
    if (end == at + 1) return {};
    at = end;
  }
  return out;
}

}  // namespace

// ── A run of the binary

Finished Embedd::finish(std::chrono::seconds patience) {
  const int code = process_->wait(patience).value_or(-1);
  return {.code = code, .output = process_->output(), .error_output = process_->error_output()};
}

Finished Embedd::stop() {
  signal(SIGTERM);
  return finish();
}

int Embedd::logged(const std::string& part) const {
  std::istringstream lines(log());
  int count = 0;
  for (std::string line; std::getline(lines, line);) count += line.find(part) != std::string::npos;
  return count;
}

std::string Embedd::get(const std::string& path) const {
  static const std::string kPort = "\"port\":";
  if (!wait_for_log(kPort)) return "";
  const std::string so_far = log();
  const int port = std::atoi(so_far.c_str() + so_far.find(kPort) + kPort.size());
  return http_get(static_cast<std::uint16_t>(port), path).body;
}

double Embedd::metric(const std::string& series) const {
  std::istringstream lines(get("/metrics"));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(series + " ")) return std::strtod(line.c_str() + series.size(), nullptr);
  return 0;
}

// ── The fixture

WorkerTest::WorkerTest(const PrivatePostgres* server)
    : provider({.dimensions = kDimensions, .key = "sk-test-e2e"}),
      database(server ? TestDatabase(*server) : TestDatabase()),
      db(database.connect()) {
  prepare();
}

WorkerTest::WorkerTest(std::string_view encoding)
    : provider({.dimensions = kDimensions, .key = "sk-test-e2e"}),
      database(encoding),
      db(database.connect()) {
  prepare();
}

void WorkerTest::prepare() {
  environment = {{"DATABASE_URL", database.embedd_url()},
                 {"OPENAI_API_KEY", "sk-test-e2e"},
                 {"OPENAI_BASE_URL", provider.base_url()},
                 {"EMBEDD_POLL_SECONDS", "0.2"},
                 {"EMBEDD_LOG_FORMAT", "json"}};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"})
    if (const char* set = std::getenv(name)) environment[name] = set;
}

Embedd WorkerTest::start(const std::vector<std::string>& arguments, const Environment& changes) {
  Environment all = environment;
  // A test that names a way of its own means it.
  if (arguments.front() == "worker" && all["DATABASE_URL"] == database.embedd_url())
    all["DATABASE_URL"] = database.worker_url();
  for (const auto& [name, text] : changes)
    if (text.empty())
      all.erase(name);
    else
      all[name] = text;
  return {arguments, all};
}

Embedd WorkerTest::start_worker(const Environment& changes) {
  return start({"worker", "--http", "127.0.0.1:0"}, changes);
}

Finished WorkerTest::run_embedd(const std::vector<std::string>& arguments, const Environment& changes) {
  std::vector<std::string> all = arguments;
  if (target() == Target::row_triggers && all.size() > 1 && all[0] == "vectorizer" && all[1] == "create")
    all.insert(all.end(), {"--capture", "rows"});
  Finished finished = start(all, changes).finish(std::chrono::seconds(120));
  if (arguments.front() == "vectorizer" || arguments.front() == "traces" || arguments.front() == "from-pgai")
    database.grant_worker();
  return finished;
}

Finished WorkerTest::work_once(const Environment& changes) {
  return run_embedd({"worker", "--once"}, changes);
}

void WorkerTest::create_docs() {
  sql("CREATE EXTENSION IF NOT EXISTS vector");
  sql(fmt::format(
      "CREATE TABLE docs (slug text PRIMARY KEY, title text, body text, views int NOT NULL DEFAULT 0, "
      "embedding vector({}), embedding_model_id varchar(100), embedding_model_version varchar(100))",
      kDimensions));
}

void WorkerTest::create_vectorizer() {
  const Finished created =
      run_embedd({"vectorizer", "create", "docs", "--table", "docs", "--text", "{title}\\n{body}", "--column",
                  "embedding", "--model-id-column", "embedding_model_id", "--model-version-column",
                  "embedding_model_version"});
  ASSERT_EQ(created.code, 0) << created.error_output;
}

void WorkerTest::declare_docs() {
  create_docs();
  const Finished migrated = run_embedd({"migrate"});
  ASSERT_EQ(migrated.code, 0) << migrated.error_output;
  create_vectorizer();
}

void WorkerTest::add_docs(int count, const std::string& prefix) {
  run(db,
      "INSERT INTO docs (slug, title, body) SELECT $1 || '-' || i, 'Title of ' || $1 || ' ' || i, "
      "'Body ' || md5($1 || i) FROM generate_series(1, $2::int) i",
      {prefix, std::to_string(count)});
}

std::string WorkerTest::text_of(const std::string& slug) {
  return value_of(db, "SELECT title || chr(10) || body FROM docs WHERE slug = $1", {slug});
}

std::vector<float> WorkerTest::vector_of(const std::string& slug) {
  return parse_vector(value_of(db, "SELECT embedding::text FROM docs WHERE slug = $1", {slug}));
}

std::string WorkerTest::wrong_docs() {
  const pg::Rows rows =
      run(db,
          "SELECT slug, title, body, embedding::text, embedding_model_id, embedding_model_version "
          "FROM docs ORDER BY slug");
  std::string wrong;
  int more = 0;
  for (int i = 0; i < rows.size(); ++i) {
    if (rows.is_null(i, 1) && rows.is_null(i, 2)) {  // nothing to embed
      if (rows.is_null(i, 3) && rows.is_null(i, 4) && rows.is_null(i, 5)) continue;
    } else {
      const std::string text = rows.text(i, 1) + "\n" + rows.text(i, 2);
      const bool right = parse_vector(rows.text(i, 3)) == expected_vector(text, kDimensions);
      if (right && !rows.is_null(i, 4) && !rows.is_null(i, 5)) continue;
    }
    if (wrong.size() < 200)
      wrong += fmt::format("{}{} ", rows.text(i, 0), rows.is_null(i, 3) ? "(none)" : "(wrong)");
    else
      ++more;
  }
  return more > 0 ? fmt::format("{}and {} more", wrong, more) : wrong;
}

std::string WorkerTest::wrong_rows(const std::string& query) {
  const pg::Rows rows = run(db, query);
  std::string wrong;
  for (int i = 0; i < rows.size(); ++i) {
    const bool right = rows.is_null(i, 1)
                           ? rows.is_null(i, 2)
                           : parse_vector(rows.text(i, 2)) == expected_vector(rows.text(i, 1), kDimensions);
    if (!right) wrong += fmt::format("{}{} ", rows.text(i, 0), rows.is_null(i, 2) ? "(none)" : "(wrong)");
  }
  return wrong;
}

}  // namespace embedd::test
