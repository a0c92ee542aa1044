// Texts of rows are never logged: whatever fails in the database, and whoever raises it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/queue.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// In the text of every row.
constexpr const char* kMarker = "patient7f3a";

/// Each of these makes one table's rows fail in another way. All have the columns id, body, meta, embedding.
struct BadTable {
  std::string table;
  std::string ddl;
  std::vector<std::string> options;
  std::string says;  ///< of the dead letters, or of why the vectorizer rests
};

const BadTable kBadTables[] = {
    {"filter", "", {"--where", "meta::int > 0"}, "22P02 invalid_text_representation"},
    {"filter_regclass", "", {"--where", "meta::regclass IS NOT NULL"}, "42P01 undefined_table"},
    {"checked",
     "ALTER TABLE checked ADD CONSTRAINT short CHECK (embedding IS NULL OR body = '')",
     {},
     "23514 check_violation (table public.checked, constraint short)"},
    {"raises",
     "CREATE FUNCTION raises() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no: %', NEW.body; END$$",
     {},
     "P0001 raise_exception (PL/pgSQL function raises() line 1 at RAISE)"},
    // It chooses a code and names to get its message through.
    {"lies",
     "CREATE FUNCTION lies() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no: %', NEW.body USING "
     "ERRCODE = "
     "'42501', COLUMN = NEW.body, CONSTRAINT = NEW.body, TABLE = NEW.body, SCHEMA = NEW.body, HINT = "
     "NEW.body; END$$",
     {},
     "42501 insufficient_privilege (PL/pgSQL function lies() line 1 at RAISE)"},
    {"quotes",
     "CREATE FUNCTION quotes() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN EXECUTE 'SELECT ' || NEW.meta; "
     "END$$",
     {},
     "42703 undefined_column (PL/pgSQL function quotes() line 1 at EXECUTE)"},
    {"casts",
     "CREATE FUNCTION casts() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM NEW.body::date; RETURN "
     "NEW; END$$",
     {},
     "22007 invalid_datetime_format"},
    {"too_long", "", {"--long-texts", "discard"}, "tokens"},
};

class Texts : public WorkerTest {
 protected:
  explicit Texts(std::string_view encoding = "UTF8") : WorkerTest(encoding) {}

  /// A table with its problem, and five rows.
  void make(const BadTable& bad) {
    const std::string& t = bad.table;
    sql(fmt::format("CREATE TABLE {} (id bigint PRIMARY KEY, body text, meta text, embedding vector({}))", t,
                    kDimensions));
    std::vector<std::string> create{"vectorizer", "create", t,          "--table",  t,
                                    "--text",     "{body}", "--column", "embedding"};
    create.insert(create.end(), bad.options.begin(), bad.options.end());
    const Finished created = run_embedd(create);
    ASSERT_EQ(created.code, 0) << created.error_output;
    if (!bad.ddl.empty()) sql(bad.ddl);
    if (bad.ddl.starts_with("CREATE FUNCTION"))
      sql(fmt::format("CREATE TRIGGER fails BEFORE UPDATE ON {0} FOR EACH ROW EXECUTE FUNCTION {0}()", t));
    const char* more = t == "too_long" ? "repeat(' word', 20000)" : "' ' || i";
    sql(fmt::format("INSERT INTO {} SELECT i, '{} ' || i || {}, '{}' FROM generate_series(1, 5) i", t,
                    kMarker, more, kMarker));
  }

  /// The tables of embedd's schema that hold the marker, in any column.
  std::string tables_with_marker() {
    const pg::Rows tables =
        run(db,
            "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'embedd'::regnamespace "
            "AND relkind IN ('r', 'p') ORDER BY 1");
    std::string out;
    for (int i = 0; i < tables.size(); ++i)
      if (value(fmt::format("SELECT count(*) FROM {} t WHERE t::text LIKE '%{}%'", tables.text(i, 0),
                            kMarker)) != "0")
        out += tables.text(i, 0) + " ";
    return out;
  }
  /// What the database says of a vectorizer: its dead letters, and why it rests.
  std::string told(const std::string& vectorizer) {
    return value(
        fmt::format("SELECT concat((SELECT min(message) FROM embedd.dead_letters d WHERE d.vectorizer_id = "
                    "v.id), (SELECT min(problems::text) FROM embedd.workers WHERE problems @> "
                    "jsonb_build_array(jsonb_build_object('vectorizer', v.id)))) FROM embedd.vectorizers v "
                    "WHERE name = '{}'",
                    vectorizer));
  }
};

TEST_F(Texts, AreInNoLogNoTableNoMetricAndNoStatus) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  for (const BadTable& bad : kBadTables) make(bad);
  Embedd worker = start_worker();
  std::string missing;
  EXPECT_TRUE(eventually([&] {
    missing.clear();
    for (const BadTable& bad : kBadTables)
      if (told(bad.table).find(bad.says) == std::string::npos)
        missing += bad.table + ": " + told(bad.table) + "\n";
    return missing.empty();
  })) << missing
      << worker.log();
  EXPECT_EQ(tables_with_marker(), "");
  EXPECT_THAT(worker.get("/metrics"), Not(HasSubstr(kMarker)));
  EXPECT_THAT(worker.get("/readyz"), Not(HasSubstr(kMarker)));
  for (const std::vector<std::string>& command : {std::vector<std::string>{"status"},
                                                  {"status", "--json"},
                                                  {"dead", "list"},
                                                  {"dead", "list", "--json"},
                                                  {"vectorizer", "list"},
                                                  {"check"},
                                                  {"estimate", "filter"},
                                                  {"estimate", "filter_regclass"}}) {
    const Finished finished = run_embedd(command);
    EXPECT_THAT(finished.output + finished.error_output, Not(HasSubstr(kMarker))) << command.front();
  }
  const Finished stopped = worker.stop();
  EXPECT_THAT(stopped.error_output, Not(HasSubstr(kMarker)));
  EXPECT_THAT(stopped.error_output, HasSubstr("job_discarded"));
}

TEST_F(Texts, AreInDeadLettersOfThoseWhoAskForMessages) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  for (const BadTable& bad : kBadTables)
    if (bad.table == "filter" || bad.table == "raises") make(bad);
  Embedd worker = start_worker({{"EMBEDD_KEEP_MESSAGES", "on"}});
  EXPECT_TRUE(eventually([&] {
    return told("filter").find(fmt::format("integer: \"{}\"", kMarker)) != std::string::npos &&
           told("raises").find(fmt::format("RAISE): no: {}", kMarker)) != std::string::npos;
  })) << told("filter")
      << told("raises") << worker.log();
  EXPECT_EQ(tables_with_marker(), "embedd.dead_letters ");
  EXPECT_THAT(worker.stop().error_output, Not(HasSubstr(kMarker)));
}

TEST_F(Texts, AreNotTheReasonWhyAConditionIsRefused) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, meta text, embedding vector(8))");
  sql(fmt::format("INSERT INTO notes VALUES (1, '{}')", kMarker));
  const Finished refused = run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text",
                                       "{meta}", "--column", "embedding", "--where", "meta::int > 0"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.error_output, Not(HasSubstr(kMarker)));
  EXPECT_THAT(refused.error_output, HasSubstr("22P02"));
  // What a person has typed is told in full.
  const Finished typed = run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text", "{meta}",
                                     "--column", "embedding", "--where", "id > 'one'"});
  EXPECT_THAT(typed.error_output, HasSubstr("invalid input syntax for type bigint: \"one\""));
}

class TextsInSqlAscii : public Texts {
 protected:
  TextsInSqlAscii() : Texts("SQL_ASCII") {}
};

TEST_F(TextsInSqlAscii, AreInNoLogEither) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  make({"bytes", "", {"--where", "meta::int > 0"}, ""});
  sql("UPDATE bytes SET meta = '1' WHERE id > 2");
  sql("UPDATE bytes SET body = body || convert_from('\\xfc', getdatabaseencoding())");
  sql("UPDATE bytes SET meta = meta || convert_from('\\xfc', getdatabaseencoding()) WHERE id = 1");
  const Finished worked = work_once();
  EXPECT_EQ(worked.code, 3);
  EXPECT_EQ(dead_letters(), 5);
  EXPECT_THAT(worked.error_output, Not(HasSubstr(kMarker)));
  EXPECT_EQ(tables_with_marker(), "");
}

}  // namespace
}  // namespace embedd::test
