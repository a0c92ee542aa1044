// The command line as people and scripts meet it: the real binary, a real database.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>

#include "support/private_postgres.h"
#include "support/process.h"
#include "support/scripted_provider.h"
#include "support/temp_dir.h"

namespace embedd {
namespace {

using test::Finished;
using test::Process;
using test::ScriptedProvider;
using test::TempDir;
using test::TestDatabase;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kCanary = "sk-canary-5150";

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class CliTest : public testing::Test {
 protected:
  using Environment = std::map<std::string, std::string>;

  Finished run(std::vector<std::string> arguments, Environment more = {}) {
    more.emplace("DATABASE_URL",
                 arguments.front() == "worker" ? database_.worker_url() : database_.embedd_url());
    return test::run_process({.arguments = std::move(arguments), .environment = std::move(more)});
  }
  /// Runs a command that must succeed, and returns what it prints.
  std::string done(std::vector<std::string> arguments) {
    const Finished finished = run(std::move(arguments));
    EXPECT_EQ(finished.code, 0) << finished.error_output;
    return finished.output;
  }
  /// The table notes with `rows` rows and a vectorizer of that endpoint.
  void make_notes(int rows, const std::string& endpoint) {
    done({"migrate"});
    pg::Connection db = database_.connect();
    test::run(db, "CREATE TABLE notes (id int PRIMARY KEY, body text, embedding vector(256))");
    test::run(db, fmt::format("INSERT INTO notes SELECT i, 'note number ' || i FROM generate_series(1, {}) i",
                              rows));
    done({"vectorizer", "create", "notes", "--table", "notes", "--text", "{body}", "--column", "embedding",
          "--endpoint", endpoint});
  }
  std::string value(const std::string& sql) {
    pg::Connection db = database_.connect();
    return test::value_of(db, sql);
  }

  TestDatabase database_;
};

TEST_F(CliTest, EveryCommandExplainsItself) {
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{},
                                             {"migrate"},
                                             {"vectorizer"},
                                             {"vectorizer", "create"},
                                             {"vectorizer", "list"},
                                             {"vectorizer", "show"},
                                             {"vectorizer", "pause"},
                                             {"vectorizer", "resume"},
                                             {"vectorizer", "drop"},
                                             {"vectorizer", "reindex"},
                                             {"vectorizer", "defer-index"},
                                             {"worker"},
                                             {"status"},
                                             {"dead"},
                                             {"dead", "list"},
                                             {"dead", "retry"},
                                             {"dead", "purge"},
                                             {"search"},
                                             {"traces"},
                                             {"traces", "init"},
                                             {"grants"},
                                             {"check"}}) {
    std::vector<std::string> arguments = command;
    arguments.emplace_back("--help");
    const Finished finished = run(arguments, {{"EMBEDD_POLL_SECONDS", "not even a number"}});
    EXPECT_EQ(finished.code, 0) << fmt::format("{}", arguments.front());
    EXPECT_THAT(finished.output, HasSubstr("Usage: embedd"));
    EXPECT_EQ(finished.error_output, "");
  }
}

TEST_F(CliTest, SlipsNameTheNearestAndExitWithTwo) {
  struct Slip {
    std::vector<std::string> arguments;
    const char* message;
  };
  for (const Slip& slip : {Slip{{"migarte"}, "there is no command migarte. Did you mean 'migrate'?"},
                           Slip{{"dead", "lst"}, "there is no command lst. Did you mean 'list'?"},
                           Slip{{"worker", "--onec"}, "there is no flag --onec. Did you mean '--once'?"},
                           Slip{{"--pol-seconds", "3", "status"},
                                "there is no flag --pol-seconds. Did you mean '--poll-seconds'?"}}) {
    const Finished finished = run(slip.arguments);
    EXPECT_EQ(finished.code, 2);
    EXPECT_THAT(finished.error_output, HasSubstr(slip.message));
    EXPECT_EQ(finished.output, "");
  }
  const Finished variable = run({"status"}, {{"EMBEDD_POL_SECONDS", "3"}});
  EXPECT_EQ(variable.code, 2);
  EXPECT_THAT(variable.error_output, HasSubstr("Did you mean 'EMBEDD_POLL_SECONDS'?"));
  done({"migrate"});
  const Finished name = run({"vectorizer", "show", "traces"});
  EXPECT_EQ(name.code, 2);
  EXPECT_THAT(name.error_output, HasSubstr("there is no vectorizer traces"));
}

TEST_F(CliTest, MessagesNameWhatWasTyped) {
  struct Slip {
    std::vector<std::string> arguments;
    const char *message, *help;
  };
  for (const Slip& slip :
       {Slip{{"search", "x", "y", "-k", "ten"}, "-k: 'ten' is not a whole number from 1 to 1000", "search"},
        Slip{{"search", "x", "y", "-k5000"}, "-k: '5000' is not a whole number from 1 to 1000", "search"},
        Slip{{"search", "x", "y", "--limit=1.5"}, "--limit: '1.5' is not a whole number", "search"},
        Slip{{"search", "x"}, "QUERY is required", "search"},
        Slip{{"status", "-x"}, "there is no flag -x.", "status"},
        Slip{{"vectorizer", "reindex", "x", "--wait", "-1"},
             "--wait: '-1' is not a number from 0 on",
             "vectorizer reindex"},
        Slip{{"vectorizer", "creat"}, "there is no command creat. Did you mean 'create'?", "vectorizer"},
        Slip{{"--poll-seconds", "3", "migarte"}, "there is no command migarte.", "embedd"}}) {
    const Finished finished = run(slip.arguments);
    EXPECT_EQ(finished.code, 2);
    EXPECT_THAT(finished.error_output, HasSubstr(std::string("embedd: ") + slip.message));
    EXPECT_THAT(finished.error_output, HasSubstr(std::string(slip.help) + " --help\n"));
  }
}

TEST_F(CliTest, WhoAsksForNothingGetsTheList) {
  const std::string all = done({"--help"}), vectorizer = done({"vectorizer", "--help"});
  EXPECT_EQ(test::run_process({}).output, all);
  EXPECT_EQ(done({"help"}), all);
  EXPECT_EQ(done({"vectorizer"}), vectorizer);
  EXPECT_EQ(done({"vectorizer", "help"}), vectorizer);
  EXPECT_EQ(done({"help", "vectorizer"}), vectorizer);
  EXPECT_EQ(done({"help", "search"}), done({"search", "--help"}));
  EXPECT_EQ(done({"version"}), done({"--version"}));
  EXPECT_EQ(done({"-V"}), done({"--version"}));
}

TEST_F(CliTest, HelpMarksWhatIsRequired) {
  const std::string help = done({"vectorizer", "create", "--help"});
  for (const char* option : {"NAME TEXT REQUIRED", "--table TEXT REQUIRED", "--text TEXT REQUIRED"})
    EXPECT_THAT(help, HasSubstr(option));
  EXPECT_THAT(done({"dead", "retry", "--help"}), HasSubstr("name a vectorizer, or say --all"));
}

TEST_F(CliTest, CreateEndsWithTheNextStep) {
  done({"migrate"});
  pg::Connection db = database_.connect();
  test::run(db, "CREATE TABLE notes (id int PRIMARY KEY, body text, embedding vector(256))");
  const Finished created = run({"vectorizer", "create", "notes", "--table", "notes", "--text", "{body}",
                                "--column", "embedding", "--endpoint", "local"});
  EXPECT_EQ(created.code, 0);
  EXPECT_THAT(created.error_output, testing::EndsWith("embedd estimate notes\n"));
  EXPECT_THAT(created.error_output, HasSubstr("next: embedd worker"));
}

TEST_F(CliTest, FlagsGoBeforeAndAfterTheCommand) {
  done({"migrate"});
  done({"--poll-seconds", "2", "status"});
  done({"status", "--poll-seconds", "2"});
}

TEST_F(CliTest, JsonMayStandBeforeTheCommandToo) {
  done({"migrate"});
  EXPECT_THAT(done({"--json", "status"}), HasSubstr("{\"vectorizers\":["));
  EXPECT_THAT(done({"--json", "vectorizer", "list"}), HasSubstr("["));
  EXPECT_THAT(done({"--help"}), HasSubstr("--json"));
}

TEST_F(CliTest, GrantsNeedARole) {
  done({"migrate"});
  const Finished finished = run({"grants", ""});
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.error_output, HasSubstr("name the role"));
}

TEST_F(CliTest, CreateWantsAColumnOrAStore) {
  const Finished neither = run({"vectorizer", "create", "x", "--table", "t", "--text", "{a}"});
  EXPECT_EQ(neither.code, 2);
  EXPECT_THAT(neither.error_output, HasSubstr("with --column, or have them put into a table with --store"));
  const Finished wordy =
      run({"vectorizer", "create", "x", "--table", "t", "--text", "{a}", "--store", "--chunk", "tokens:16",
           "--chunk-template", "A preface of more than four tokens, and then the chunk: {chunk}"});
  EXPECT_EQ(wordy.code, 2);
  EXPECT_THAT(wordy.error_output, HasSubstr("shorten the template"));
}

TEST_F(CliTest, ChunkShowsWhatATextIsCutInto) {
  const TempDir directory;
  const std::string path = directory.file("text.md");
  std::ofstream(path) << "# One\n\nText of one.\n\n# Two\n\n" << std::string(200, 'x') << "\n";
  const std::string shown =
      done({"chunk", path, "--chunk", "markdown:32", "--template", "{headings}: {chunk}"});
  EXPECT_THAT(shown, HasSubstr("── chunk 0, "));
  EXPECT_THAT(shown, HasSubstr("Two: "));
  EXPECT_THAT(done({"chunk", path, "--json"}), HasSubstr("{\"chunk_seq\":0,\"tokens\":"));
  std::ofstream(path) << "good \xff";
  const Finished broken = run({"chunk", path});
  EXPECT_EQ(broken.code, 2);
  EXPECT_THAT(broken.error_output, HasSubstr("not UTF-8 at byte 5"));
  EXPECT_EQ(run({"chunk", directory.file("")}).code, 2) << "a folder";
  EXPECT_EQ(run({"chunk", "no such file"}).code, 2);
  EXPECT_THAT(run({"chunk", path, "--chunk", "words:5"}).error_output, HasSubstr("recursive:SIZE"));
}

TEST_F(CliTest, CheckSaysWhatToDoAndThenOk) {
  const Finished before = run({"check"});
  EXPECT_EQ(before.code, 1);
  EXPECT_THAT(before.output, HasSubstr("ok   database: postgresql://"));
  EXPECT_THAT(before.output, HasSubstr("FAIL schema: not there: run embedd migrate"));
  done({"migrate"});
  EXPECT_THAT(done({"check"}), HasSubstr("ok   privileges: all that a worker needs"));
  EXPECT_THAT(done({"check", "--json"}), HasSubstr("{\"ok\":true,\"checks\":["));
  make_notes(1, "openai");
  const Finished keyless = run({"check"});
  EXPECT_EQ(keyless.code, 1);
  EXPECT_THAT(keyless.output, HasSubstr("FAIL endpoint openai: https://api.openai.com/v1, no key"));
  const Finished broken = run({"check"}, {{"EMBEDD_POLL_SECONDS", "soon"}});
  EXPECT_EQ(broken.code, 1);
  EXPECT_THAT(broken.output, HasSubstr("FAIL configuration: the environment: EMBEDD_POLL_SECONDS"));
}

TEST_F(CliTest, BeforeMigrateEveryCommandSaysToMigrate) {
  const std::vector<std::vector<std::string>> commands{
      {"status"},        {"vectorizer", "list"}, {"vectorizer", "show", "x"},
      {"dead", "list"},  {"search", "x", "q"},   {"dead", "retry", "--all"},
      {"estimate", "x"}, {"grants", "postgres"}, {"vectorizer", "reindex", "x"}};
  const auto all_say = [&](std::string_view what) {
    for (const std::vector<std::string>& command : commands) {
      const Finished finished = run(command);
      EXPECT_EQ(finished.code, 1) << fmt::format("{}", fmt::join(command, " "));
      EXPECT_THAT(finished.error_output, HasSubstr(what));
      EXPECT_THAT(finished.error_output, HasSubstr("run embedd migrate"));
      EXPECT_THAT(finished.error_output, Not(HasSubstr("relation")));
    }
  };
  all_say("the schema embedd is not in this database yet");
  done({"migrate"});
  pg::Connection db = database_.connect();
  test::run(db, "DELETE FROM embedd.migrations");
  all_say("the schema embedd is at version 0");
}

TEST_F(CliTest, CheckSaysWhatToDoWithASchemaFromBeforeTheFirstRelease) {
  done({"migrate"});
  pg::Connection db = database_.connect();
  test::run(db, "UPDATE embedd.migrations SET name = '0001_embedd.sql'");
  const Finished finished = run({"check"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(finished.output,
              HasSubstr("FAIL schema: the schema embedd is from before embedd's first release"));
}

TEST_F(CliTest, OnceEmbedsEverythingAndSearchFindsIt) {
  make_notes(300, "local");
  const Finished worker = run({"worker", "--once"});
  EXPECT_EQ(worker.code, 0) << worker.error_output;
  EXPECT_THAT(worker.output, HasSubstr("embedded 300 rows in "));
  EXPECT_THAT(worker.output, HasSubstr("; none remains\n"));
  EXPECT_EQ(value("SELECT count(*) FROM notes WHERE embedding IS NULL"), "0");
  EXPECT_THAT(done({"search", "notes", "number 217", "-k", "1", "--json"}),
              HasSubstr("\"hits\":[{\"key\":{\"id\": 217},"));
  EXPECT_THAT(done({"search", "notes", "number 217", "-k", "1"}), HasSubstr("note number 217"));
  EXPECT_THAT(done({"status", "--json"}), HasSubstr("\"name\":\"notes\""));
  EXPECT_THAT(run({"worker", "--once", "--json"}).output, HasSubstr("{\"rows_embedded\":0,"));
}

TEST_F(CliTest, WithoutAKeyRowsWaitAndOnceExitsWithThree) {
  make_notes(5, "openai");
  const Finished worker = run({"worker", "--once"});
  EXPECT_EQ(worker.code, 3) << worker.error_output;
  EXPECT_THAT(worker.output, HasSubstr("rows remain unembedded"));
  EXPECT_EQ(count_of(worker.error_output, "\"event\":\"no_api_key\""), 1u) << worker.error_output;
  EXPECT_EQ(value("SELECT count(*) FROM notes WHERE embedding IS NULL"), "5");
  EXPECT_EQ(value("SELECT count(*) FROM embedd.dead_letters"), "0");

  const Finished search = run({"search", "notes", "anything"});
  EXPECT_EQ(search.code, 1);
  EXPECT_EQ(search.output, "");
  EXPECT_THAT(search.error_output, HasSubstr("there is no key for it: set OPENAI_API_KEY"));
}

TEST_F(CliTest, AnEstimateSaysWhatIsToComeAndStatusWhatWasSpent) {
  make_notes(5, "openai");
  const std::string estimate = done({"estimate", "notes", "--json"});
  EXPECT_THAT(estimate, HasSubstr("{\"vectorizer\":\"notes\",\"rows\":5,\"tokens\":"));
  EXPECT_THAT(done({"estimate", "notes"}), HasSubstr("rows    5\n"));
  ScriptedProvider provider({.dimensions = 256});
  const Finished worker =
      run({"worker", "--once"}, {{"OPENAI_API_KEY", kCanary}, {"OPENAI_BASE_URL", provider.base_url()}});
  EXPECT_EQ(worker.code, 0) << worker.error_output;
  EXPECT_GT(provider.stats().tokens, 0u);
  EXPECT_EQ(value("SELECT tokens FROM embedd.usage"), fmt::format("{}", provider.stats().tokens));
  EXPECT_EQ(value("SELECT cost_usd = tokens * 0.02 / 1e6 FROM embedd.usage"), "t");
  EXPECT_THAT(done({"status"}), HasSubstr("notes, today"));
  EXPECT_THAT(done({"estimate", "notes"}), HasSubstr("rows    0\n"));
}

TEST_F(CliTest, NoSecretIsEverShown) {
  make_notes(3, "openai");
  ScriptedProvider provider({.dimensions = 256, .key = "another key"});
  pg::Connection db = database_.connect();
  const std::string password = "pw-canary-1789";
  const std::string role = "canary_" + database_.name();
  test::run(db, fmt::format("CREATE ROLE {} LOGIN PASSWORD '{}' SUPERUSER", role, password));
  const Environment secrets{
      {"DATABASE_URL", test::with_parameters(database_.url(), {{"user", role}, {"password", password}})},
      {"OPENAI_API_KEY", kCanary},
      {"OPENAI_BASE_URL", provider.base_url()},
      {"EMBEDD_LOG_LEVEL", "debug"}};
  std::string shown;
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"--help-settings"},
                                             {"check"},
                                             {"check", "--json"},
                                             {"status"},
                                             {"search", "notes", "query"},
                                             {"worker", "--once"}}) {
    const Finished finished = run(command, secrets);
    shown += finished.output + finished.error_output;
  }
  Environment wrong = secrets;
  wrong["DATABASE_URL"] =
      test::with_parameters(database_.url(), {{"user", role}, {"dbname", "no_such"}, {"password", password}});
  shown += run({"check"}, wrong).output + run({"status"}, wrong).error_output;
  wrong["DATABASE_URL"] = fmt::format("postgresql://u:{}@[broken/x", password);
  shown += run({"status"}, wrong).error_output;

  Process worker({.arguments = {"worker"}, .environment = secrets});
  EXPECT_TRUE(worker.wait_for_error_output("\"state\":\"unauthenticated\"")) << worker.error_output();
  std::ifstream cmdline(fmt::format("/proc/{}/cmdline", worker.pid()), std::ios::binary);
  shown += std::string(std::istreambuf_iterator<char>(cmdline), {});
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0);
  shown += worker.output() + worker.error_output();
  test::run(db, fmt::format("REASSIGN OWNED BY {0} TO current_user; ", role));
  test::run(db, fmt::format("DROP ROLE {}", role));

  EXPECT_THAT(shown, HasSubstr("\"event\":\"worker_started\""));
  EXPECT_THAT(shown, Not(HasSubstr(kCanary)));
  EXPECT_THAT(shown, Not(HasSubstr(password)));
}

TEST_F(CliTest, DotenvIsReadWhereTheCommandRuns) {
  TempDir directory;
  directory.write(".env", "DATABASE_URL=" + database_.embedd_url() + "\n");
  const Finished finished = test::run_process({.arguments = {"migrate"}, .directory = directory.file("")});
  EXPECT_EQ(finished.code, 0) << finished.error_output;
}

TEST_F(CliTest, AnotherProgramsLineInDotenvStopsNoCommand) {
  TempDir directory;
  directory.write(".env", "source other.sh\nDATABASE_URL=" + database_.embedd_url() + "\n");
  const Finished finished = test::run_process({.arguments = {"migrate"}, .directory = directory.file("")});
  EXPECT_EQ(finished.code, 0) << finished.error_output;
  EXPECT_THAT(finished.error_output, HasSubstr(".env: ignored what is not KEY=VALUE, line 1"));
  EXPECT_THAT(finished.error_output, Not(HasSubstr("other.sh")));
}

TEST_F(CliTest, ARunningWorkerDrainsOnSigterm) {
  make_notes(5, "local");
  Process worker({.arguments = {"worker"}, .environment = {{"DATABASE_URL", database_.worker_url()}}});
  ASSERT_TRUE(worker.wait_for_error_output("\"event\":\"batch_completed\"")) << worker.error_output();
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0);
  EXPECT_THAT(worker.error_output(), HasSubstr("\"event\":\"worker_stopped\",\"rows_embedded\":5"));
  EXPECT_EQ(worker.output(), "");
}

TEST_F(CliTest, ASecondSignalCancelsWhatHangsAndGivesItBack) {
  make_notes(5, "openai");
  ScriptedProvider provider({.dimensions = 256});
  provider.hold();
  Process worker({.arguments = {"worker"},
                  .environment = {{"DATABASE_URL", database_.worker_url()},
                                  {"OPENAI_API_KEY", kCanary},
                                  {"OPENAI_BASE_URL", provider.base_url()}}});
  ASSERT_TRUE(provider.wait_for([](const test::ProviderStats& stats) { return stats.held > 0; }, seconds(60)))
      << worker.error_output();
  worker.signal(SIGINT);
  ASSERT_TRUE(worker.wait_for_error_output("\"event\":\"draining\""));
  worker.signal(SIGINT);
  EXPECT_EQ(worker.wait(), 0);
  EXPECT_EQ(value("SELECT count(*) FROM embedd.queue_1 WHERE lease IS NULL AND run_at <= now()"), "5");
}

TEST_F(CliTest, ADatabaseThatIsDownIsWaitedForAndTheWaitCanBeStopped) {
  Process worker({.arguments = {"worker"},
                  .environment = {{"DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing"}}});
  ASSERT_TRUE(worker.wait_for_error_output("\"event\":\"database_error\",\"during\":\"start\""));
  EXPECT_EQ(worker.wait(seconds(0)), std::nullopt);
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0);
}

TEST_F(CliTest, AWorkerNeedsWhatGrantsSaysAndNothingElse) {
  make_notes(5, "local");
  pg::Connection db = database_.connect();
  const std::string role = "least_" + database_.name();
  test::run(db, fmt::format("CREATE ROLE {} LOGIN PASSWORD 'least'", role));
  const Environment least{
      {"DATABASE_URL", test::with_parameters(database_.url(), {{"user", role}, {"password", "least"}})}};
  const Finished unknown = run({"grants", "nobody_of_that_name"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.error_output, HasSubstr("nobody_of_that_name"));
  std::istringstream lines(done({"grants", role}));
  int granted = 0;
  for (std::string grant; std::getline(lines, grant); ++granted) test::run(db, grant);
  EXPECT_EQ(granted, 21);
  EXPECT_EQ(done({"grants", role}), "") << "nothing is left to grant";
  test::run(db, fmt::format("REVOKE UPDATE (embedding) ON notes FROM {}", role));
  const std::string missing = fmt::format("GRANT UPDATE (embedding) ON public.notes TO {}", role);
  EXPECT_EQ(done({"grants", role}), missing + ";\n");
  EXPECT_THAT(run({"check"}, least).output, HasSubstr("FAIL privileges: as the owner, run: " + missing));
  test::run(db, missing);
  EXPECT_EQ(run({"check"}, least).code, 0) << run({"check"}, least).output;
  const Finished worker = run({"worker", "--once"}, least);
  EXPECT_EQ(worker.code, 0) << worker.error_output;
  EXPECT_THAT(worker.output, HasSubstr("embedded 5 rows"));
  test::run(db, fmt::format("DROP OWNED BY {}", role));
  test::run(db, fmt::format("DROP ROLE {}", role));
}

}  // namespace
}  // namespace embedd
