// README and docs, taken at their word: their blocks of commands run as printed, and whatever else they call
// a command or a flag exists.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <regex>
#include <set>
#include <sstream>

#include "support/expected_vector.h"
#include "support/paths.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::vector<std::string> documents() {
  std::vector<std::string> names{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"};
  for (const auto& entry : fs::directory_iterator(source_file("docs")))
    if (entry.path().extension() == ".md") names.push_back("docs/" + entry.path().filename().string());
  return names;
}

/// The commands of each ```sh block.
std::vector<std::string> blocks_of(const std::string& document) {
  const std::string text = contents(source_file(document)), open = "```sh\n", close = "\n```";
  std::vector<std::string> out;
  for (std::size_t at = text.find(open); at != std::string::npos; at = text.find(open, at)) {
    const std::size_t begin = at + open.size(), end = text.find(close, begin);
    out.push_back(text.substr(begin, end - begin + 1));
    at = end;
  }
  return out;
}

enum class Setting {
  bare,     ///< a database with the table documents, which has no column for vectors
  running,  ///< it has one, and a worker is up
  indexed,  ///< there are the vectorizer and an index too
  pgai,     ///< pgai has embedded some rows into a store; no worker runs
  filled,   ///< a column has vectors of another tool, and another the name of their model; no worker runs
  follows,  ///< what the page's block before has left; no worker runs
  none,     ///< not run here
};

struct Block {
  std::string_view first_line;  ///< its beginning
  Setting setting;
  std::string_view why_not = "";
};

/// The first that fits counts.
constexpr Block kBlocks[] = {
    {"export DATABASE_URL=", Setting::bare},
    {"psql $DATABASE_URL -c 'ALTER TABLE documents ADD COLUMN embedding vector(512)'", Setting::follows},
    {"embedd worker --once\nembedd status", Setting::follows},
    {"embedd search documents 'reset a password'", Setting::follows},
    {"psql $DATABASE_URL -c \"UPDATE documents ", Setting::follows},
    {"export OPENAI_API_KEY=", Setting::follows},
    {"embedd uninstall --dry-run", Setting::follows},
    {"./dev install ", Setting::bare},
    {"psql $DATABASE_URL -c \"CREATE ROLE embedd_worker", Setting::running},
    {"embedd vectorizer create documents ", Setting::running},
    {"embedd vectorizer create passages ", Setting::running},
    {"embedd vectorizer create sections ", Setting::running},
    {"embedd vectorizer change documents ", Setting::indexed},
    {"embedd vectorizer create manuals ", Setting::pgai},
    {"embedd migrate\nembedd from-pgai ", Setting::pgai},
    {"embedd vectorizer adopt legacy ", Setting::filled},
    {"psql $DATABASE_URL -c \"ALTER TABLE documents ADD COLUMN abstract", Setting::running},
    {"embedd chunk handbook.md ", Setting::bare},
    {"psql $DATABASE_URL -c \"ALTER TABLE documents ADD COLUMN author", Setting::running},
    {"embedd export > vectorizers.toml", Setting::indexed},
    {"embedd vectorizer defer-index documents ", Setting::indexed},
    {"embedd vectorizer text-search documents ", Setting::indexed},
    {"embedd search documents ", Setting::indexed},
    {"embedd vectorizer score documents ", Setting::indexed},
    {"embedd vectorizer budget documents ", Setting::indexed},
    {"embedd estimate documents", Setting::follows},
    {"embedd usage\n", Setting::follows},
    {"embedd serve --http 127.0.0.1:8081", Setting::indexed},
    {"redis-server ", Setting::indexed},
    {"embedd traces init --full", Setting::filled},
    {"embedd vectorizer score traces ", Setting::follows},
    {"echo '{\"jsonrpc\": \"2.0\"", Setting::indexed},
    {"./dev demo ", Setting::none, "./dev fresh runs it"},
    {"./dev test ", Setting::none, "./dev fresh and CI run it"},
    {"./dev bench ", Setting::none, "takes a quiet machine and an hour"},
    {"sha256sum --check", Setting::none, "./dev try-package installs the package"},
    {"cd deploy", Setting::none, "takes Docker"},
    {"docker compose exec", Setting::none, "takes Docker"},
    {"docker build", Setting::none, "takes Docker"},
    {"kubectl ", Setting::none, "takes Kubernetes"},
    {"helm ", Setting::none, "takes Kubernetes"},
};

const Block* find_block(std::string_view commands) {
  for (const Block& block : kBlocks)
    if (commands.starts_with(block.first_line)) return &block;
  return nullptr;
}

/// The machine of somebody who follows the documentation: a server whose database mydb is owned by the role
/// me, the programs that are named, and a provider.
class Machine {
 public:
  explicit Machine(Setting setting) {
    sql("postgres", "postgres", "CREATE ROLE me LOGIN CREATEROLE");
    sql("postgres", "postgres", "CREATE DATABASE mydb OWNER me");
    sql("me", "mydb", "CREATE TABLE documents (id int PRIMARY KEY, title text, body text)");
    sql("me", "mydb", "INSERT INTO documents SELECT i, 'title ' || i, 'body' FROM generate_series(1, 20) i");
    add_program("embedd",
                fmt::format("[ \"$*\" != worker ] || set -- worker --once  # and it ends\nexec {} \"$@\"",
                            embedd_binary()));
    add_program("sudo", "shift 2\nexec env PGUSER=postgres PGHOST=127.0.0.1 \"$@\"");
    add_program("dev", "exit 0");  // what it builds is here
    programs_.write("handbook.md", "# First\n\nSome text.\n\n# Second\n\nMore text.\n");
    if (setting == Setting::bare) return;
    sql("postgres", "mydb", "CREATE EXTENSION vector");
    sql("me", "mydb", "ALTER TABLE documents ADD COLUMN embedding vector(1536)");
    if (setting == Setting::pgai) have_pgai();
    if (setting == Setting::filled) have_vectors();
    if (setting == Setting::pgai || setting == Setting::filled) return;
    worker_ =
        std::make_unique<Embedd>(std::vector<std::string>{"worker", "--poll-seconds", "0.1"}, environment());
    EXPECT_TRUE(eventually([&] { return run("embedd status").code == 0; })) << worker_->log();
    if (setting != Setting::indexed) return;
    EXPECT_EQ(
        run("embedd vectorizer create documents --table documents --text '{title}' --column embedding").code,
        0);
    sql("me", "mydb",
        "CREATE INDEX documents_embedding_idx ON documents USING hnsw (embedding vector_cosine_ops)");
  }

  Finished run(const std::string& commands) {
    const char* binaries = std::getenv("EMBEDD_TEST_PG_BIN");
    const std::string path = fmt::format("export PATH={}:{}:$PATH\n", programs_.file("."),
                                         binaries == nullptr ? "/usr/bin" : binaries);
    return run_process({.arguments = {"-c", "set -euo pipefail\n" + path + commands},
                        .environment = environment(),
                        .directory = programs_.file("."),
                        .program = "/bin/bash"});
  }

 private:
  /// The table documents_emb_store, which pgai may fill no more by now.
  void have_pgai() {
    sql("me", "mydb",
        "CREATE TABLE documents_emb_store (id int NOT NULL, chunk_seq int NOT NULL, chunk text NOT NULL, "
        "embedding vector(1536) NOT NULL, UNIQUE (id, chunk_seq))");
    sql("me", "mydb", "CREATE SCHEMA ai");
    sql("me", "mydb",
        "CREATE TABLE ai.vectorizer AS SELECT 1 AS id, 'docs' AS name, true AS disabled, 'public' AS "
        "source_schema, "
        "'documents' AS source_table, '[{\"pknum\": 1, \"attname\": \"id\"}]'::jsonb AS source_pk, "
        "'src_trg_1' AS trigger_name, 'ai' AS "
        "queue_schema, 'q_1' AS queue_table, '{\"loading\": {\"implementation\": \"column\", "
        "\"column_name\": \"body\"}, \"chunking\": "
        "{\"implementation\": \"none\"}, \"embedding\": {\"implementation\": \"openai\", \"model\": "
        "\"text-embedding-3-small\"}, "
        "\"destination\": {\"implementation\": \"table\", \"target_schema\": \"public\", \"target_table\": "
        "\"documents_emb_store\"}}'::jsonb AS config");
    sql("me", "mydb", "CREATE TABLE ai.q_1 AS SELECT id FROM documents WHERE id > 10");
    EXPECT_EQ(run("embedd migrate").code, 0);
  }

  /// Rows 1 to 10 have their vector already.
  void have_vectors() {
    sql("me", "mydb",
        "ALTER TABLE documents ADD COLUMN legacy_embedding vector(1536), ADD COLUMN legacy_model text");
    for (int id = 1; id <= 10; ++id)
      sql("me", "mydb",
          fmt::format("UPDATE documents SET legacy_model = 'text-embedding-3-small', legacy_embedding = "
                      "'[{}]' WHERE id = {}",
                      fmt::join(expected_vector(fmt::format("title {}", id), 1536), ","), id));
    EXPECT_EQ(run("embedd migrate").code, 0);
  }

  [[nodiscard]] Environment environment() const {
    return {{"PGPORT", std::to_string(server_.port())},
            {"DATABASE_URL", "postgresql://me:secret@localhost/mydb"},
            {"OPENAI_API_KEY", "sk-test"},
            {"OPENAI_BASE_URL", provider_.base_url()}};
  }

  void add_program(const std::string& name, const std::string& script) {
    programs_.write(name, "#!/bin/bash\n" + script + "\n");
    fs::permissions(programs_.file(name), fs::perms::owner_all);
  }

  void sql(const std::string& role, const std::string& database, const std::string& statement) {
    const std::string url = with_parameters(server_.url(database), {{"user", role}});
    auto db = pg::Connection::open(Secret(url));
    ASSERT_TRUE(db) << db.error().message;
    test::run(*db, statement);
  }

  PrivatePostgres server_;
  ScriptedProvider provider_{{.dimensions = 1536}};
  TempDir programs_;
  std::unique_ptr<Embedd> worker_;
};

TEST(DocumentedCommands, RunAsPrinted) {
  EMBEDD_NOT_ON(pgbouncer, "has a server of its own");
  EMBEDD_NOT_ON(least_privilege, "has a server of its own");
  std::set<const Block*> met;
  for (const std::string& document : documents()) {
    std::unique_ptr<Machine> machine;
    for (const std::string& commands : blocks_of(document)) {
      const Block* block = find_block(commands);
      ASSERT_NE(block, nullptr) << document << ": say in kBlocks how this runs, or why not:\n" << commands;
      met.insert(block);
      if (block->setting == Setting::none) continue;
      if (block->setting != Setting::follows) machine = std::make_unique<Machine>(block->setting);
      ASSERT_NE(machine, nullptr) << document << ": no block comes before:\n" << commands;
      const Finished finished = machine->run(commands);
      EXPECT_EQ(finished.code, 0) << document << ":\n"
                                  << commands << finished.output << finished.error_output;
    }
  }
  EXPECT_EQ(met.size(), std::size(kBlocks)) << "one of kBlocks is printed nowhere";
}

/// What `--help` of a command prints; empty if there is no such command.
std::string help_of(const std::string& command) {
  static std::map<std::string, std::string> known;
  if (const auto found = known.find(command); found != known.end()) return found->second;
  std::vector<std::string> words;
  std::istringstream in(command);
  std::copy(std::istream_iterator<std::string>(in), {}, std::back_inserter(words));
  words.emplace_back("--help");
  const Finished finished = run_process({.arguments = words});
  return known[command] = finished.code == 0 ? finished.output : "";
}

TEST(DocumentedCommands, ExistWithTheirFlags) {
  EMBEDD_NOT_ON(pgbouncer, "needs no database");
  EMBEDD_NOT_ON(least_privilege, "needs no database");
  const std::string settings = run_process({.arguments = {"--help-settings"}}).output;
  // `embedd dead list --older-than 7d`, without `embedd` where a table or a sentence has just been about it.
  const std::regex span(
      "`(?:embedd "
      ")?((?:migrate|vectorizer|worker|status|dead|search|serve|traces|check|grants|estimate|usage|apply|"
      "export|uninstall)"
      "(?: [a-z][a-z-]*(?![^ `]))?)([^`\n]*)`");
  const std::regex flag("--[a-z][a-z-]*");
  int commands = 0;
  for (const std::string& document : documents()) {
    const std::string text = contents(source_file(document));
    for (std::sregex_iterator at(text.begin(), text.end(), span), end; at != end; ++at) {
      std::string command = (*at)[1], rest = (*at)[2];
      // The second word may be an argument: `search documents`.
      std::string help = help_of(command);
      const std::string first = command.substr(0, command.find(' '));
      const bool group = help_of(first).contains("Subcommands:");
      if (!group) help = help_of(first);
      EXPECT_NE(help, "") << document << ": " << at->str();
      for (std::sregex_iterator each(rest.begin(), rest.end(), flag); each != end; ++each) {
        std::string setting = each->str().substr(2);
        std::ranges::replace(setting, '-', '_');
        EXPECT_TRUE(help.contains(each->str()) || settings.contains("\n" + setting + "\n"))
            << document << ": " << at->str() << " has no " << each->str();
      }
      ++commands;
    }
  }
  EXPECT_GT(commands, 20);
}

TEST(DocumentedCommands, OfDevExist) {
  EMBEDD_NOT_ON(pgbouncer, "needs no database");
  EMBEDD_NOT_ON(least_privilege, "needs no database");
  const Finished help = run_process({.arguments = {"help"}, .program = source_file("dev")});
  ASSERT_EQ(help.code, 0) << help.error_output;
  const std::regex command("\\./dev ([a-z]+)");
  for (const std::string& document : documents()) {
    const std::string text = contents(source_file(document));
    for (std::sregex_iterator at(text.begin(), text.end(), command), end; at != end; ++at)
      EXPECT_THAT(help.output, HasSubstr("\n  " + (*at)[1].str())) << document;
  }
}

}  // namespace
}  // namespace embedd::test
