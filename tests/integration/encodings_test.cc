// Databases whose encoding is not UTF-8: everything works there, and a row that cannot be converted spoils
// nothing but itself.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/migrate.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Encoding {
  std::string name;
  std::string word;    ///< in UTF-8; the encoding has it
  std::string cannot;  ///< bytes, in hex, of a text that it can hold and not convert; empty: there are none
  std::string shown;   ///< how people see that text
  std::string says;    ///< of the dead letter's message
};

void PrintTo(const Encoding& encoding, std::ostream* out) { *out << encoding.name; }

const Encoding kEncodings[] = {
    {"LATIN1", "Müller", "", "", ""},
    {"SQL_ASCII", "Müller", "4dfc6c6c6572", "M<fc>ller", "is not UTF-8"},
    {"WIN1252", "Müller", "4d816c6c6572", "M<81>ller", "cannot be converted from WIN1252"},
    {"EUC_JP", "日本語", "4da9a16c6c6572", "M<a9a1>ller", "cannot be converted from EUC_JP"},
};

class Encodings : public WorkerTest, public testing::WithParamInterface<Encoding> {
 protected:
  Encodings() : WorkerTest(std::string_view(GetParam().name)) {}

  static const std::string& word() { return GetParam().word; }
  /// As SQL, a text that cannot be converted.
  static std::string bad() {
    return fmt::format("convert_from('\\x{}', getdatabaseencoding())", GetParam().cannot);
  }
  std::string out(const std::vector<std::string>& arguments) {
    const Finished finished = run_embedd(arguments);
    return finished.code == 0 ? finished.output : finished.error_output;
  }
  /// Of the slugs that start with `prefix`: those whose row does not hold the vector of its text, or, if that
  /// cannot be converted, holds one.
  std::string wrong(const std::string& prefix) {
    return wrong_rows(
        fmt::format("SELECT embedd.readable(slug), CASE WHEN embedd.utf8_problem(title) IS NULL THEN title "
                    "|| chr(10) || body "
                    "END, embedding FROM docs WHERE slug LIKE '{}%'",
                    prefix));
  }
};

INSTANTIATE_TEST_SUITE_P(In, Encodings, testing::ValuesIn(kEncodings),
                         [](const auto& info) { return info.param.name; });

TEST_P(Encodings, AMigrationThatIsNotAsciiIsApplied) {
  const embedded::File files[] = {
      {"0001_first.sql", "-- CREATE INDEX \u2026\nCREATE TABLE embedd.first (n int)"}};
  ASSERT_TRUE(schema::migrate(db, files));
  ASSERT_TRUE(schema::migrate(db, files)) << "once more: the checksums fit";
  EXPECT_EQ(value("SELECT checksum FROM embedd.migrations"),
            "d23c5f23eea61cb88d2d6dbdc974fa35fd70a6fcbdb06f758eb0d56038e5329d")
      << "of the file's bytes, as in databases of any encoding";
}

TEST_P(Encodings, EveryCommandWorks) {
  ASSERT_EQ(value("SELECT getdatabaseencoding()"), GetParam().name);
  sql("CREATE EXTENSION vector");
  const Finished migrated = run_embedd({"migrate"});
  ASSERT_EQ(migrated.code, 0) << migrated.error_output;
  ASSERT_EQ(run_embedd({"migrate"}).code, 0) << "once more: the checksums fit";
  sql(fmt::format("CREATE TABLE \"{0}\" (\"{0}\" text PRIMARY KEY, \"{0} {0}\" text, embedding vector({1}))",
                  word(), kDimensions));
  const Finished created =
      run_embedd({"vectorizer", "create", "notes", "--table", fmt::format("\"{}\"", word()), "--text",
                  fmt::format("{0}: {{{0} {0}}}", word()), "--column", "embedding", "--where",
                  fmt::format("\"{0} {0}\" <> '{0}'", word())});
  ASSERT_EQ(created.code, 0) << created.error_output;
  run(db,
      fmt::format("INSERT INTO \"{}\" SELECT $1 || i, $1 || ' ' || i FROM generate_series(1, 50) i", word()),
      {word()});
  EXPECT_THAT(out({"estimate", "notes"}), HasSubstr("rows    50"));
  const Finished worked = work_once();
  EXPECT_EQ(worked.code, 0) << worked.error_output;
  const std::string texts =
      "SELECT k, t, embedding FROM (SELECT \"{0}\" AS k, '{0}: ' || \"{0} {0}\" AS t, embedding "
      "FROM \"{0}\") x";
  EXPECT_EQ(wrong_rows(fmt::format(fmt::runtime(texts), word())), "");

  run(db, fmt::format("UPDATE \"{0}\" SET \"{0} {0}\" = $1 WHERE \"{0}\" = $1 || 7", word()),
      {word()});  // not covered any more
  run(db, fmt::format("UPDATE \"{0}\" SET \"{0}\" = $1 WHERE \"{0}\" = $1 || 8", word()), {word()});
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(value(fmt::format("SELECT count(embedding) FROM \"{}\"", word())), "49");
  EXPECT_EQ(provider.stats().repeated_texts, 0U) << "a changed key takes its vector along";
  EXPECT_THAT(out({"search", "notes", word() + " 9"}), HasSubstr(word()));
  EXPECT_THAT(out({"status"}), HasSubstr("notes"));
  EXPECT_THAT(out({"vectorizer", "show", "notes"}), HasSubstr(word()));
  EXPECT_THAT(out({"check"}), Not(HasSubstr("encoding")));
}

TEST_P(Encodings, ARowThatCannotBeConvertedBecomesADeadLetterAlone) {
  if (GetParam().cannot.empty()) GTEST_SKIP() << "every character of LATIN1 is one of UTF-8's";
  declare_docs();
  add_docs(100);
  sql(
      fmt::format("INSERT INTO docs (slug, title, body) VALUES ('text', {0}, 'x'), ({0}, 'key', 'x'), "
                  "({0} || ' too', {0}, 'x')",
                  bad()));
  EXPECT_THAT(out({"estimate", "docs"}), HasSubstr("rows    101"));
  const Finished worked = work_once();
  EXPECT_EQ(worked.code, 3) << worked.error_output;
  EXPECT_THAT(worked.error_output,
              AllOf(Not(HasSubstr("database_error")), Not(HasSubstr("vectorizer_resting"))));
  EXPECT_EQ(wrong("doc"), "");
  EXPECT_EQ(wrong("M") + wrong("text"), "") << "a bad key does not matter, a bad text does";
  EXPECT_EQ(value("SELECT string_agg(kind, ' ') FROM embedd.dead_letters"), "rejected rejected");
  EXPECT_THAT(value("SELECT min(message) FROM embedd.dead_letters"), HasSubstr(GetParam().says));
  EXPECT_EQ(jobs(), 0);

  // People see it, and can name it.
  EXPECT_THAT(out({"dead", "list"}), HasSubstr(GetParam().shown + " too"));
  EXPECT_THAT(out({"dead", "list", "--json"}),
              HasSubstr(fmt::format(R"("key":{{"slug": "{} too"}})", GetParam().shown)));
  EXPECT_THAT(out({"search", "docs", "key", "-k", "200"}), HasSubstr(GetParam().shown));
  EXPECT_THAT(out({"status"}), HasSubstr("docs"));
  EXPECT_THAT(out({"dead", "retry", "docs", "--key", GetParam().shown + " too"}), HasSubstr("1"));
  EXPECT_EQ(jobs(), 1);

  // What is corrected is embedded, and what becomes so loses its vector.
  sql("UPDATE docs SET title = 'good' WHERE slug = 'text'");
  sql(fmt::format("UPDATE docs SET title = {} WHERE slug = 'doc-7'", bad()));
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(wrong("text"), "");
  EXPECT_EQ(value("SELECT embedding FROM docs WHERE slug = 'doc-7'"), "NULL");
  EXPECT_EQ(dead_letters(), 2);
  EXPECT_EQ(provider.stats().repeated_texts, 0U);
}

TEST_P(Encodings, AWalkPassesKeysThatCannotBeConverted) {
  if (GetParam().cannot.empty()) GTEST_SKIP() << "every character of LATIN1 is one of UTF-8's";
  declare_docs();
  sql("SET session_replication_role = replica");
  // The 5,000th and the 5,001st: the end of a page, where the next one begins.
  sql(fmt::format(
      "INSERT INTO docs (slug, title, body) SELECT lpad(i::text, 6, '0') || CASE WHEN i IN (5000, 5001) "
      "THEN {} ELSE '' END, 'Title', 'Body ' || i FROM generate_series(1, 5100) i",
      bad()));
  sql("RESET session_replication_role");
  const Finished worked = work_once();
  EXPECT_EQ(worked.code, 0) << worked.error_output;
  EXPECT_EQ(value("SELECT count(embedding) FROM docs"), "5100");
  EXPECT_EQ(wrong("005"), "");
}

TEST_P(Encodings, ATableWhoseNameCannotBeConvertedIsNobodyElsesProblem) {
  if (GetParam().cannot.empty()) GTEST_SKIP() << "every character of LATIN1 is one of UTF-8's";
  declare_docs();
  sql("CREATE TABLE others (id bigint PRIMARY KEY, body text, embedding vector(8))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "others", "--table", "others", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  sql(fmt::format("DO $$BEGIN EXECUTE format('ALTER TABLE others RENAME TO %I', {}); END$$", bad()));
  add_docs(20);
  Embedd worker = start_worker();
  EXPECT_TRUE(eventually([&] { return jobs() == 0 && all_right(); })) << worker.log();
  EXPECT_EQ(worker.logged("vectorizer_unusable"), 1) << worker.log();
  EXPECT_THAT(out({"status"}),
              AllOf(HasSubstr("docs"), HasSubstr(GetParam().shown), HasSubstr("rename the table")));
  sql(fmt::format("DO $$BEGIN EXECUTE format('ALTER TABLE %I RENAME TO others', {}); END$$", bad()));
  sql("INSERT INTO others VALUES (1, 'one')");
  EXPECT_TRUE(eventually([&] { return value("SELECT count(embedding) FROM others") == "1"; }))
      << worker.log();
}

TEST_P(Encodings, WhatAProviderSaysIsStoredWhateverItsLanguage) {
  declare_docs();
  add_docs(10);
  sql("UPDATE docs SET title = 'poison' WHERE slug = 'doc-3'");
  provider.poisons("poison", Answer::error(400, "invalid_value", "模型拒绝 ß"));
  const Finished worked = work_once();
  EXPECT_EQ(worked.code, 3) << worked.error_output;
  EXPECT_THAT(worked.error_output, Not(HasSubstr("database_error")));
  EXPECT_EQ(value("SELECT count(embedding) FROM docs"), "9");
  EXPECT_THAT(value("SELECT message FROM embedd.dead_letters"),
              HasSubstr(GetParam().name == "SQL_ASCII" ? "模型拒绝 ß" : "???? ?"));
}

}  // namespace
}  // namespace embedd::test
