// What is sent to a database of any encoding is ASCII, unless a user has put something else into it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "embedded/migrations.h"
#include "queue/messages.h"
#include "queue/statements.h"
#include "support/paths.h"

namespace embedd::queue {
namespace {

namespace fs = std::filesystem;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// The lines of `text` that are not ASCII before `comment` begins.
std::string odd_lines(std::istream& text, std::string_view comment) {
  std::string odd;
  for (std::string line; std::getline(text, line);)
    if (!is_ascii(std::string_view(line).substr(0, line.find(comment)))) odd += line + "\n";
  return odd;
}

TEST(Ascii, IsAllThatMigrationsHold) {
  for (const embedded::File& file : embedded::migrations()) EXPECT_TRUE(is_ascii(file.content)) << file.name;
}

TEST(Ascii, IsAllThatTheSourcesOfSqlHoldOutsideOfComments) {
  for (const char* layer : {"pg", "schema", "queue", "queue/sql", "search"}) {
    int files = 0;
    for (const auto& entry : fs::directory_iterator(test::source_file(std::string("src/") + layer))) {
      if (!entry.is_regular_file()) continue;
      std::ifstream lines(entry.path());
      EXPECT_EQ(odd_lines(lines, entry.path().extension() == ".sql" ? "--" : "//"), "") << entry.path();
      ++files;
    }
    EXPECT_GT(files, 1) << layer;
  }
}

TEST(Ascii, IsWhatADatabaseOfAnotherEncodingIsTold) {
  for (const char* encoding : {"UTF8", "SQL_ASCII"}) EXPECT_EQ(storable("模型 é", encoding), "模型 é");
  for (const char* encoding : {"LATIN1", "EUC_JP", "WIN1252"})
    EXPECT_EQ(storable("模型 é\xff.", encoding), "?? ??.") << encoding;
}

/// A vectorizer with a text key and a number.
Definition definition(std::string encoding) {
  Definition d;
  d.vectorizer.id = 7;
  d.source = "public.notes";
  d.key_columns = {"slug", "part"};
  d.key_types = {"character varying(20)", "integer"};
  d.key_type_ids = {1043, 23};
  d.key_json_sql = "pg_catalog.jsonb_build_object('slug', q.k1, 'part', q.k2)";
  d.text_sql = "t.body";
  d.destination_column = "embedding";
  d.destination_type = d.vector_type = "public.vector";
  d.encoding = std::move(encoding);
  return d;
}

TEST(Keys, TravelAsBytesWhereTheyMightNotSurviveAConversion) {
  EXPECT_FALSE(travels_as_bytes(definition("UTF8"), 0));
  EXPECT_TRUE(travels_as_bytes(definition("SQL_ASCII"), 0));
  EXPECT_FALSE(travels_as_bytes(definition("SQL_ASCII"), 1)) << "a number is no text";
  const std::string claim = QueueStatements(definition("LATIN1")).claim.sql();
  EXPECT_NE(claim.find("convert_to(f.k1, pg_catalog.getdatabaseencoding()), f.k2"), std::string::npos)
      << claim;
  const std::string drop = QueueStatements(definition("LATIN1")).drop.sql();
  EXPECT_NE(drop.find("$2::bytea[], $3::integer[]"), std::string::npos) << drop;
  EXPECT_NE(drop.find("embedd.text_of(k1)::character varying(20) AS k1, k2"), std::string::npos) << drop;
  EXPECT_EQ(QueueStatements(definition("UTF8")).claim.sql().find("convert_to"), std::string::npos);
}

}  // namespace
}  // namespace embedd::queue
