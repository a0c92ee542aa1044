// Names, templates, filters, keys and texts that would break out of their quotes if they could: each is a
// name, or a text, and nothing else happens. Random, from a seed that every failure shows.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "pg/quoting.h"
#include "schema/vectorizers.h"
#include "support/worker_fixture.h"
#include "text/utf8.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

constexpr int kCases = 120;

/// What quoting gets wrong, if anything.
constexpr const char* kPieces[] = {"\"",
                                   "'",
                                   "''",
                                   "\"\"",
                                   ";",
                                   "--",
                                   "/*",
                                   "*/",
                                   "$$",
                                   "$a$",
                                   "\\",
                                   "\\'",
                                   "\\\"",
                                   " ",
                                   "\t",
                                   "\n",
                                   "{",
                                   "}",
                                   "{0}",
                                   "{queue}",
                                   "%s",
                                   "%I",
                                   "$1",
                                   ":=",
                                   "(",
                                   ")",
                                   ",",
                                   "E'",
                                   "U&\"",
                                   "::text",
                                   "id",
                                   "Id",
                                   "É",
                                   "名前",
                                   "😀",
                                   "\xC2\xA0",
                                   "DROP TABLE canary",
                                   "\"); DROP TABLE canary; --",
                                   "'); DROP TABLE canary; --",
                                   "' || (SELECT 1/0) || '",
                                   "$$; DROP TABLE canary; $$",
                                   "END; DROP TABLE canary;",
                                   "NULL",
                                   "t.",
                                   "OLD.",
                                   "excluded"};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }
  bool coin() { return below(2) == 0; }
  std::string text(std::size_t pieces) {
    std::string out;
    while (pieces-- > 0) out += kPieces[below(std::size(kPieces))];
    return out;
  }
  /// Of at most 63 bytes, often exactly; none is given twice.
  std::string name() {
    for (;;) {
      std::string out = text(1 + below(12));
      out.resize(utf8::cut(out, below(4) == 0 ? 63 : 1 + below(63)));
      if (!out.empty() && used_.insert(out).second) return out;
    }
  }

 private:
  std::minstd_rand random_;
  std::set<std::string> used_;
};

std::string escaped(const std::string& constant) {
  std::string out;
  for (const char c : constant) {
    if (c == '{' || c == '}' || c == '\\') out += c;
    out += c;
  }
  return out;
}

std::string reference(const std::string& column) {
  std::string out = "{\"";
  for (const char c : column) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"}";
}

/// One table with hostile names, the vectorizer over it, and its one row.
struct Case {
  explicit Case(Generator& random, int number) : id(number) {
    schema = random.coin() ? random.name() : "public";
    for (std::string* name : {&table, &key, &title, &body, &vector, &model}) *name = random.name();
    before = random.text(random.below(4));
    between = random.text(random.below(4));
    key_value = random.text(random.below(6));
    title_value = "a title " + random.text(random.below(8));
    body_value = random.text(random.below(8));
    if (random.coin()) filter = random.text(random.below(5));
  }
  [[nodiscard]] std::string quoted() const { return pg::quote_qualified(schema, table); }
  [[nodiscard]] schema::VectorizerSpec spec() const {
    return {.name = fmt::format("v{}.--", id),
            .table = quoted(),
            .text = escaped(before) + reference(title) + escaped(between) + reference(body),
            .column = vector,
            .where =
                filter ? fmt::format("{} <> {}", pg::quote_identifier(body), pg::quote_literal(*filter)) : "",
            .model_id_column = model};
  }
  [[nodiscard]] std::string text() const { return before + title_value + between + body_value; }
  [[nodiscard]] bool covered() const { return !filter || *filter != body_value; }

  int id;
  std::string schema, table, key, title, body, vector, model;
  std::string before, between, key_value, title_value, body_value;
  std::optional<std::string> filter;
};

/// The parameter: standard_conforming_strings.
class Injection : public WorkerTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    sql(fmt::format("ALTER DATABASE {} SET standard_conforming_strings = {}", database.name(), GetParam()));
    sql(fmt::format("ALTER DATABASE {} SET escape_string_warning = off", database.name()));
    db = database.connect();
    ASSERT_EQ(value("SHOW standard_conforming_strings"), GetParam());
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    sql("CREATE TABLE canary (id int)");
    sql("INSERT INTO canary VALUES (1)");
  }

  void make(const Case& c) {
    sql("CREATE SCHEMA IF NOT EXISTS " + pg::quote_identifier(c.schema));
    sql(fmt::format("CREATE TABLE {} ({} text PRIMARY KEY, {} text, {} text, {} vector({}), {} text)",
                    c.quoted(), pg::quote_identifier(c.key), pg::quote_identifier(c.title),
                    pg::quote_identifier(c.body), pg::quote_identifier(c.vector), kDimensions,
                    pg::quote_identifier(c.model)));
    const auto created = schema::create_vectorizer(db, c.spec());
    ASSERT_TRUE(created) << c.spec().text << ": " << created.error().message;
    ASSERT_EQ(created->source_table, c.table);
    run(db, fmt::format("INSERT INTO {} VALUES ($1, $2, $3)", c.quoted()),
        {c.key_value, c.title_value, c.body_value});
  }
  /// The row's text as it is now, against its vector.
  void check(const Case& c) {
    const std::string wrong = wrong_rows(fmt::format("SELECT 'row', {}, {} FROM {}",
                                                     c.covered() ? pg::quote_literal(c.text()) : "NULL::text",
                                                     pg::quote_identifier(c.vector), c.quoted()));
    EXPECT_EQ(wrong, "") << c.spec().text << " of " << c.quoted() << ": " << c.text();
  }
  void expect_nothing_else_happened() {
    EXPECT_EQ(value("SELECT string_agg(id::text, ' ') FROM canary"), "1");
    EXPECT_EQ(
        value("SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
              "LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' "
              "WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'embedd') AND d.objid IS NULL"),
        "0");
  }
};

TEST_P(Injection, HostileNamesAndTextsAreNamesAndTexts) {
  constexpr unsigned kSeed = 20'261;
  SCOPED_TRACE(fmt::format("seed {}", kSeed));
  Generator random(kSeed);
  std::vector<Case> cases;
  for (int i = 0; i < kCases; ++i) cases.emplace_back(random, i);
  for (const Case& c : cases) make(c);
  if (HasFatalFailure()) return;
  // One row in ten is refused, so that its hostile key and the provider's hostile words go to the dead
  // letters.
  const std::string words = "no: '); DROP TABLE canary; -- \\' $$";
  for (Case& c : cases) {
    if (c.id % 10 != 0 || !c.covered()) continue;
    c.title_value += "POISON";
    run(db, fmt::format("UPDATE {} SET {} = $1", c.quoted(), pg::quote_identifier(c.title)), {c.title_value});
  }
  provider.poisons("POISON", Answer::error(400, "invalid_value", words));
  const Finished first = work_once({{"EMBEDD_MAX_ATTEMPTS", "1"}});
  EXPECT_EQ(first.code, 3) << first.error_output;
  int dead = 0;
  for (const Case& c : cases) {
    if (!c.title_value.ends_with("POISON")) {
      check(c);
      continue;
    }
    ++dead;
    EXPECT_EQ(value_of(db,
                       "SELECT d.key ->> $1 FROM embedd.dead_letters d JOIN embedd.vectorizers v ON v.id = "
                       "d.vectorizer_id WHERE v.name = $2",
                       {c.key, c.spec().name}),
              c.key_value);
  }
  EXPECT_GT(dead, 3);
  EXPECT_EQ(value("SELECT count(*) FROM embedd.dead_letters WHERE message LIKE '%DROP TABLE canary%'"),
            std::to_string(dead));
  expect_nothing_else_happened();

  // Every trigger: a changed text, a changed key, a row that goes.
  provider.forgives();
  for (Case& c : cases) {
    c.title_value = "another " + random.text(4);
    c.key_value += random.text(2) + "!";
    run(db,
        fmt::format("UPDATE {} SET {} = $1, {} = $2", c.quoted(), pg::quote_identifier(c.title),
                    pg::quote_identifier(c.key)),
        {c.title_value, c.key_value});
    if (c.id % 7 == 0) sql("DELETE FROM " + c.quoted());
    if (c.id % 11 == 0) sql("TRUNCATE " + c.quoted());
  }
  const Finished second = work_once();
  EXPECT_EQ(second.code, 0) << second.error_output;
  EXPECT_EQ(dead_letters(), 0);
  for (const Case& c : cases) check(c);
  for (const Case& c : cases) {
    const auto dropped = schema::drop_vectorizer(db, c.spec().name);
    ASSERT_TRUE(dropped) << dropped.error().message;
  }
  EXPECT_EQ(value("SELECT count(*) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid WHERE NOT "
                  "g.tgisinternal AND c.relnamespace <> 'embedd'::regnamespace"),
            "0");
  EXPECT_EQ(value("SELECT count(*) FROM pg_proc WHERE pronamespace = 'embedd'::regnamespace AND proname LIKE "
                  "'capture%'"),
            "0");
  expect_nothing_else_happened();
}

/// What is no name, but taken as SQL, is refused.
TEST_P(Injection, HostileArgumentsAreRefused) {
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(8))");
  Generator random(20'262);
  const auto refused = [&](schema::VectorizerSpec spec, const std::string& what) {
    const auto created = schema::create_vectorizer(db, spec);
    EXPECT_FALSE(created) << what;
    if (created) return;
    EXPECT_EQ(name_of(created.error().kind), "invalid_argument") << what << created.error().message;
  };
  const schema::VectorizerSpec good{
      .name = "notes", .table = "notes", .text = "{body}", .column = "embedding"};
  for (int i = 0; i < 100; ++i) {
    const std::string hostile = random.name() + ";";
    for (const auto field : {&schema::VectorizerSpec::name, &schema::VectorizerSpec::table,
                             &schema::VectorizerSpec::column, &schema::VectorizerSpec::model_id_column}) {
      schema::VectorizerSpec spec = good;
      spec.*field = hostile;
      refused(spec, hostile);
    }
    schema::VectorizerSpec spec = good;
    spec.key = {hostile};
    refused(spec, hostile);
    spec = good;
    spec.text = reference(hostile);
    refused(spec, hostile);
  }
  for (const char* where :
       {"true); DROP TABLE canary; --", "true) NOT VALID; DELETE FROM canary; --", "(SELECT true)",
        "body = 'x'; DROP TABLE canary", "true /*", "$$", "'", "id IN (SELECT id FROM canary)"}) {
    schema::VectorizerSpec spec = good;
    spec.where = where;
    refused(spec, where);
  }
  expect_nothing_else_happened();
}

INSTANTIATE_TEST_SUITE_P(StandardConformingStrings, Injection, testing::Values("on", "off"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace embedd::test
