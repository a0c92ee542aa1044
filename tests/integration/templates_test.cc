// Templates on a real server: optional parts, keys of jsonb, and how values of all kinds of types are
// written.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "support/paths.h"
#include "support/sample_tables.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

/// A table with the columns a, b and c of type text; what a template makes of its one row.
class TemplateText : public testing::Test {
 protected:
  TemplateText() {
    run(notes_.db, "CREATE TABLE rows (id int PRIMARY KEY, a text, b text, c text, embedding vector(3))");
  }

  /// `values`: a, b and c in SQL.
  std::string text(const std::string& form, const std::string& values) {
    schema::VectorizerSpec spec = notes_spec();
    spec.table = "rows";
    spec.text = form;
    const schema::VectorizerInfo made = create(notes_.db, spec);
    run(notes_.db, fmt::format("INSERT INTO rows VALUES (1, {})", values));
    std::string out = value_of(notes_.db, fmt::format("SELECT {} FROM rows t", made.text_sql));
    run(notes_.db, "DELETE FROM rows");
    EXPECT_TRUE(schema::drop_vectorizer(notes_.db, spec.name));
    return out;
  }

  NotesDatabase notes_;
};

TEST_F(TemplateText, OfAFingerprintHasEitherHalfOrBoth) {
  const std::string form = "{?a}language:{a}{/} {?b}framework:{b}{/}";
  EXPECT_EQ(text(form, "'python', 'django'"), "language:python framework:django");
  EXPECT_EQ(text(form, "'python', NULL"), "language:python");
  EXPECT_EQ(text(form, "E' \\t\\n', 'django'"), "framework:django");
  EXPECT_EQ(text(form, "NULL, ''"), "NULL");
}

TEST_F(TemplateText, LosesBlanksAtItsEndsAndNoLetters) {
  EXPECT_EQ(text("{?a}{a}{/}{b}", "'volvo', ' v', NULL"), "volvo v");
  EXPECT_EQ(text("{?a}{a}{/}{b}", "E' \\t\\n\\r\\f\\x0Bx', E'y\\x0B', NULL"), "xy");
  EXPECT_EQ(text("{a}", "'v', NULL, NULL"), "v");
  EXPECT_EQ(text("{a}", "E'\\x0B', NULL, NULL"), "NULL");
}

TEST_F(TemplateText, LosesALabelWithItsColumn) {
  const std::string form = "{?a}Title: {a}\\n{/}{b}{?c}\\nTags: {c}{/c}";
  EXPECT_EQ(text(form, "'t', 'body', 'x'"), "Title: t\nbody\nTags: x");
  EXPECT_EQ(text(form, "'', 'body', '  '"), "body");
  EXPECT_EQ(text(form, "'t', NULL, NULL"), "Title: t");
  EXPECT_EQ(text(form, "NULL, '  ', NULL"), "NULL");
}

TEST_F(TemplateText, OfPartsInPartsNeedsAllOfTheirColumns) {
  const std::string form = "{a}{?b} by {b}{?c} ({c}){/}{/}";
  EXPECT_EQ(text(form, "'x', 'y', 'z'"), "x by y (z)");
  EXPECT_EQ(text(form, "'x', 'y', NULL"), "x by y");
  EXPECT_EQ(text(form, "'x', NULL, 'z'"), "x");
  EXPECT_EQ(text(form, "NULL, NULL, 'z'"), "NULL") << "what a part that is left out reads is no text";
}

TEST_F(TemplateText, OfConstantsAloneIsNone) {
  EXPECT_EQ(text("Always {?a}{b}{/}", "'x', ' '"), "Always") << "the part was used";
  EXPECT_EQ(text("Always {?a}{b}{/}", "' ', 'x'"), "NULL");
  EXPECT_EQ(text("{?a}{b}{/}", "'x', ' '"), "NULL") << "nothing but blanks";
  EXPECT_EQ(text("{?a}(has a){/}", "'x'"), "(has a)");
}

TEST_F(TemplateText, HasEscapesInItsPartsToo) {
  EXPECT_EQ(text("{?a}{{{a}}}\\\\\\t'{/}}}|", "'x'"), "{x}\\\t'}|");
  EXPECT_EQ(text("{?a}it''s '' \\x{/}", "'x'"), "it''s '' \\x");
}

TEST_F(TemplateText, WithoutOptionalPartsKeepsItsBlanks) {
  EXPECT_EQ(text(" {a}\\n", "' x '"), "  x \n");
  EXPECT_EQ(text("{?a} {a}\\n{/}", "' x '"), "x");
}

TEST_F(TemplateText, IsCutWithItsParts) {
  const std::string form = "{?a}{a}: {/}{b}{?c}!{/}";
  const std::string longest = text(form, "'t', repeat('ü', 100000), 'c'");
  EXPECT_EQ(longest.size(), 3 + 2 * 65'533u);
  EXPECT_TRUE(longest.starts_with("t: ü"));
  EXPECT_EQ(text(form, "NULL, repeat('ü', 65535), 'c'").size(), 2 * 65'535u + 1)
      << "of more bytes, cut to itself";
  EXPECT_EQ(text(form, "repeat(' ', 100000), repeat(' ', 100000), NULL"), "NULL");
}

/// How a value is written.
struct Written {
  const char* type;
  const char* value;  ///< in SQL
  const char* text;
  const char* form = "{v}";
};

TEST_F(TemplateText, HasValuesOfAnyType) {
  pg::Connection& db = notes_.db;
  for (const char* made : {"EXTENSION citext", "SCHEMA app", "TYPE app.mood AS ENUM ('sad', 'so so')",
                           "TYPE app.place AS (town text, zip int)", "DOMAIN app.word AS text",
                           "DOMAIN app.words AS text[]", "DOMAIN app.meta AS jsonb"})
    run(db, std::string("CREATE ") + made);
  const Written cases[] = {
      {"app.mood", "'so so'", "so so"},
      {"citext", "'Ab'", "Ab"},
      {"app.word", "'w'", "w"},
      {"char(4)", "'ab'", "ab"},
      {"numeric", "1.50", "1.50"},
      {"numeric(20,2)", "1e5", "100000.00"},
      {"double precision", "0.1", "0.1"},
      {"boolean", "true", "true"},
      {"uuid", "'00000000-0000-0000-0000-0000000000AB'", "00000000-0000-0000-0000-0000000000ab"},
      {"date", "'2026-02-03'", "2026-02-03"},
      {"timestamp", "'2026-02-03 04:05:06.7'", "2026-02-03 04:05:06.7"},
      {"timestamptz", "'2026-02-03 04:05:06+09'", "2026-02-02 19:05:06+00"},
      {"interval", "'1 day 2 hours'", "1 day 02:00:00"},
      {"inet", "'10.0.0.1/8'", "10.0.0.1/8"},
      {"bytea", "'\\x00ff'", "\\x00ff"},
      {"int4range", "'[1,5)'", "[1,5)"},
      {"app.place", "ROW('New York', 1)", "(\"New York\",1)"},
      {"json", "'{\"b\": 1,  \"a\": 2}'", "{\"b\": 1,  \"a\": 2}"},
      {"jsonb", "'{\"b\": 1,  \"a\": 2}'", "{\"a\": 2, \"b\": 1}"},
      {"xml", "'<a>b</a>'", "<a>b</a>"},
      {"tsvector", "'b a'", "'a' 'b'"},
      // Lists.
      {"text[]", "'{a,\"b c\",NULL,\"d,\\\"e\"}'", "a, b c, d,\"e"},
      {"text[]", "'{}'", "NULL"},
      {"text[]", "'{NULL,NULL}'", "NULL"},
      {"text[]", "'{\" \",\"\"}'", " , "},
      {"int[]", "'{3,1,2}'", "3, 1, 2"},
      {"int[]", "'{{1,2},{3,4}}'", "1, 2, 3, 4"},
      {"timestamptz[]", "'{2026-02-03 04:05:06+09}'", "2026-02-02 19:05:06+00"},
      {"app.words", "'{a,b}'", "a, b"},
      {"app.word[]", "'{a,b}'", "a, b"},
      {"app.mood[]", "'{sad,so so}'", "sad, so so"},
      {"citext[]", "'{A,b}'", "A, b"},
      {"app.place[]", "ARRAY[ROW('New York', 1)::app.place]", "(\"New York\",1)"},
      {"text[]", "'{a,b}'", "Tags: a, b", "{?v}Tags: {v}{/}"},
      {"text[]", "'{}'", "NULL", "{?v}Tags: {v}{/}"},
      // Keys.
      {"jsonb", "'{\"title\": \"it''s\"}'", "it's", "{v->title}"},
      {"app.meta", "'{\"title\": \"x\"}'", "x", "{v->title}"},
      {"jsonb", "'{\"a\": {\"b c\": [10, {\"d\": true}]}}'", "10 true",
       "{v->a->b c->0} {v->a->\"b c\"->1->d}"},
      {"jsonb", "'{\"a\": {\"b\": 1}}'", "{\"b\": 1}", "{v->a}"},
      {"jsonb", "'{\"a\": null}'", "NULL", "{v->a}"},
      {"jsonb", "'{\"a\": 1}'", "NULL", "{v->b->c}"},
      {"jsonb", "'[1, 2]'", "NULL", "{v->title}"},
      {"jsonb", "'\"scalar\"'", "NULL", "{v->title}"},
      {"jsonb", "'{\"it''s\": \"x\"}'", "x", "{v->it's}"},
      {"jsonb", "'{\"by\": \"me\"}'", "By me", "{?v->title}{v->title}{/} {?v->by}By {v->by}{/}"},
      {"jsonb", "'{\"tags\": [\"a\", \"b\"]}'", "[\"a\", \"b\"]", "{v->tags}"},
      {"json", "'{\"title\": \"it''s\"}'", "it's", "{v->title}"},
      {"json", "'{\"a\":  {\"b c\": [10,  {\"d\": true}]}}'", "10 true", "{v->a->b c->0} {v->a->b c->1->d}"},
      {"json", "'{\"a\": null, \"b\": 1}'", "NULL", "{v->a}{v->b->c}"},
      {"json", "'{\"a\": \"caf\\u00e9\"}'", "caf\xc3\xa9", "{v->a}"},
      {"json", "'{\"a\": \"nul \\u0000\", \"b\": \"kept\"}'", "NULL", "{?v->a}{v->a}{/}{v->b}"},
      {"json", "'{\"a\": \"half \\ud800\"}'", "NULL", "{v->a}"},
  };
  for (const Written& c : cases) {
    SCOPED_TRACE(fmt::format("{} {} {}", c.type, c.value, c.form));
    run(db, fmt::format("CREATE TABLE typed (id int PRIMARY KEY, v {}, embedding vector(3))", c.type));
    schema::VectorizerSpec spec = notes_spec();
    spec.table = "typed";
    spec.text = c.form;
    const schema::VectorizerInfo made = create(db, spec);
    run(db, fmt::format("INSERT INTO typed VALUES (1, {})", c.value));
    run(db, "SET timezone = 'UTC'");
    EXPECT_EQ(value_of(db, fmt::format("SELECT {} FROM typed t", made.text_sql)), c.text);
    run(db, "SET search_path = ''");  // every name is qualified
    EXPECT_EQ(value_of(db, fmt::format("SELECT {} FROM public.typed t", made.text_sql)), c.text);
    run(db, "RESET search_path");
    EXPECT_TRUE(schema::drop_vectorizer(db, spec.name));
    run(db, "DROP TABLE typed");
  }
}

TEST_F(TemplateText, RefusesKeysOfOtherTypesAndSaysWhatToDo) {
  pg::Connection& db = notes_.db;
  run(db, "CREATE EXTENSION hstore");
  run(db,
      "CREATE TABLE typed (id int PRIMARY KEY, meta json, facts hstore, body text, \"a->b\" text, embedding "
      "vector(3))");
  const auto refusal = [&](const std::string& form) {
    schema::VectorizerSpec spec = notes_spec();
    spec.table = "typed";
    spec.text = form;
    auto made = schema::create_vectorizer(notes_.embedd_db, spec);
    if (!made) return made.error().message;
    EXPECT_TRUE(schema::drop_vectorizer(notes_.embedd_db, spec.name));
    return std::string("created");
  };
  EXPECT_THAT(refusal("{body->title}"), HasSubstr("which is of type text; only jsonb and json have keys. "
                                                  "Write {body} for the whole column"));
  EXPECT_THAT(refusal("{facts->title}"), HasSubstr("which is of type public.hstore; only jsonb and json"));
  EXPECT_THAT(refusal("{mta->title}"),
              HasSubstr("no column 'mta', which the template names. Did you mean 'meta'?"));
  EXPECT_THAT(refusal("{?titel}x{/}{body}"), HasSubstr("no column 'titel'"));
  EXPECT_THAT(refusal("{?body}{body}"), HasSubstr("{?body} without its {/}"));
  EXPECT_EQ(refusal("{a->b}"), "created") << "a column of that name";
  EXPECT_EQ(refusal("{\"a->b\"}"), "created");
  EXPECT_EQ(refusal("{meta->title}"), "created");
  run(db, "ALTER TABLE typed ALTER COLUMN meta TYPE jsonb USING meta::jsonb");
  EXPECT_EQ(refusal("{meta->title}"), "created");
}

/// The row of docs/templates.md, and what the page says that templates make of it.
TEST_F(TemplateText, IsWhatTheDocumentationSays) {
  const std::string page = contents(source_file("docs/templates.md"));
  const std::size_t begin = page.find("```sql\n") + 7, middle = page.find(";\n", begin) + 1;
  run(notes_.db, page.substr(begin, middle - begin));
  run(notes_.db, page.substr(middle, page.find(";\n```", middle) - middle));
  const std::string examples = page.substr(middle, page.find("As a command", middle) - middle);
  const std::regex example("\\| `([^`]+)` \\| `([^`]+)` \\|\n");
  int count = 0;
  for (std::sregex_iterator at(examples.begin(), examples.end(), example), end; at != end; ++at, ++count) {
    schema::VectorizerSpec spec = notes_spec();
    spec.table = "articles";
    spec.text = (*at)[1];
    const schema::VectorizerInfo made = create(notes_.db, spec);
    EXPECT_EQ(value_of(notes_.db, fmt::format("SELECT {} FROM articles t", made.text_sql)), (*at)[2])
        << spec.text;
    EXPECT_TRUE(schema::drop_vectorizer(notes_.db, spec.name));
  }
  EXPECT_GE(count, 8);
}

// ── Through the command line and a worker

class TemplateTables : public WorkerTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    sql("CREATE TABLE docs (id int PRIMARY KEY, title text, meta jsonb, tags text[], price numeric, "
        "embedding vector(8))");
  }
  void vectorize(const std::string& form) {
    const Finished made = run_embedd(
        {"vectorizer", "create", "docs", "--table", "docs", "--text", form, "--column", "embedding"});
    ASSERT_EQ(made.code, 0) << made.error_output;
    form_ = form;
  }
  /// Works until nothing is due; how many texts were bought.
  std::uint64_t bought() {
    const std::uint64_t before = provider.stats().inputs;
    const Finished once = work_once();
    EXPECT_EQ(once.code, 0) << once.error_output;
    return provider.stats().inputs - before;
  }
  std::string form_;
};

TEST_F(TemplateTables, AreShownAsTheyWereWritten) {
  const std::string form = "{?title}Title: {title}\\n{/title}{meta->a b->\"}\"} {{{tags}}}";
  vectorize(form);
  EXPECT_THAT(run_embedd({"vectorizer", "show", "docs"}).output,
              HasSubstr("  text                  " + form + "\n"));
  const std::string shown = run_embedd({"vectorizer", "show", "docs", "--json"}).output;
  EXPECT_THAT(shown, HasSubstr(R"("text":"{?title}Title: {title}\\n{/title}{meta->a b->\"}\"} {{{tags}}}")"));
  EXPECT_EQ(value("SELECT read_columns FROM embedd.vectorizers"), "{title,meta,tags,id}");
}

TEST_F(TemplateTables, AreEmbeddedAnewWhereTheTextChangesAndNotWhereItStays) {
  vectorize("{?title}Title: {title}\n{/}{?tags}Tags: {tags}\n{/}{meta->by->name} {price}");
  sql("INSERT INTO docs VALUES (1, 'one', '{\"by\": {\"name\": \"me\"}}', '{a,NULL,b}', 1.0)");
  EXPECT_EQ(bought(), 1u);
  EXPECT_EQ(provider.times_embedded("Title: one\nTags: a, b\nme 1.0"), 1u);
  const std::pair<const char*, const char*> changes[] = {
      {"title = NULL", "Tags: a, b\nme 1.0"},
      {"tags = '{}'", "me 1.0"},
      {"tags = '{b}'", "Tags: b\nme 1.0"},
      {"meta = jsonb_set(meta, '{by,name}', '\"you\"')", "Tags: b\nyou 1.0"},
      {"price = 1.00", "Tags: b\nyou 1.00"},
      {"title = 'two'", "Title: two\nTags: b\nyou 1.00"},
  };
  for (const auto& [change, text] : changes) {
    sql(fmt::format("UPDATE docs SET {}", change));
    EXPECT_EQ(bought(), 1u) << change;
    EXPECT_EQ(provider.times_embedded(text), 1u) << change;
    EXPECT_EQ(wrong_rows(fmt::format("SELECT id, '{}', embedding FROM docs", text)), "") << change;
  }
  for (const char* change : {"meta = meta || '{\"views\": 7}'", "tags = '{NULL,b}'", "meta = meta - 'views'",
                             "title = title", "tags = array_append(tags, NULL)"}) {
    sql(fmt::format("UPDATE docs SET {}", change));
    EXPECT_EQ(bought(), 0u) << change;
  }
  sql("UPDATE docs SET title = ' ', tags = NULL, meta = '{}', price = NULL");
  EXPECT_EQ(bought(), 0u);
  EXPECT_EQ(value("SELECT embedding FROM docs"), "NULL");
}

TEST_F(TemplateTables, OfWhichAColumnGetsAnotherTypeSaySoAndGoOnAfterwards) {
  vectorize("{meta->title} {tags} {title}");
  sql("INSERT INTO docs VALUES (1, NULL, '{\"title\": \"one\"}', '{a}')");
  EXPECT_EQ(bought(), 1u);
  const std::string problem =
      "columns of \"public\".\"docs\" that the vectorizer reads have other types now: meta (json, was "
      "jsonb); change "
      "them back, or run: embedd vectorizer drop docs";
  sql("ALTER TABLE docs ALTER title TYPE varchar(80), ALTER meta TYPE json USING meta::json");
  sql("INSERT INTO docs VALUES (2, NULL, '{\"title\": \"two\"}', '{b}')");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_THAT(run_embedd({"status"}).output, HasSubstr(problem));
  const Finished checked = run_embedd({"check"});
  EXPECT_EQ(checked.code, 1);
  EXPECT_THAT(checked.output, HasSubstr("FAIL capture of docs: " + problem));

  sql("ALTER TABLE docs ALTER meta TYPE jsonb USING meta::jsonb");
  EXPECT_EQ(bought(), 1u);
  EXPECT_EQ(run_embedd({"check"}).code, 0);

  sql("ALTER TABLE docs ALTER tags TYPE int[] USING '{1,2}'");
  EXPECT_EQ(run_embedd({"check"}).code, 0) << "a list of other elements";
  sql("ALTER TABLE docs ALTER tags TYPE text USING 'x'");
  EXPECT_THAT(run_embedd({"check"}).output, HasSubstr("tags (text, was _text)"));
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "docs"}).code, 0);
  vectorize("{meta->title} {tags} {title}");
  EXPECT_EQ(bought(), 2u);
  EXPECT_EQ(provider.times_embedded("two x "), 1u);
}

}  // namespace
}  // namespace embedd::test
