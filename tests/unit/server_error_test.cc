// What is repeated of a database's error: never what may quote a row. One row per rule.
#include "pg/server_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pg/condition_names.h"
#include "queue/messages.h"

namespace embedd::pg {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kQuote = "the row says: PATIENT";
constexpr const char* kInFunction = "PL/pgSQL function audit() line 3 at RAISE\nSQL statement \"UPDATE t\"";

ServerError raised(std::string sqlstate, std::string context = "") {
  return {.sqlstate = std::move(sqlstate), .message = kQuote, .context = std::move(context)};
}

TEST(ServerErrors, InLogsAreRepeatedOnlyIfTheyAreAboutTheServer) {
  const struct {
    std::string_view sqlstate;
    bool repeated;
    std::string_view example;
  } cases[] = {
      {"08P01", true, "a pooler's: no more connections allowed"},
      {"25006", true, "cannot execute UPDATE in a read-only transaction"},
      {"26000", true, "prepared statement \"embedd_1\" does not exist"},
      {"40001", true, "could not serialize access due to concurrent update"},
      {"40P01", true, "deadlock detected"},
      {"42501", true, "permission denied for table notes"},
      {"53100", true, "could not extend file: No space left on device"},
      {"53300", true, "too many connections"},
      {"55P03", true, "canceling statement due to lock timeout"},
      {"55000", true, "cannot update table \"notes\" because it does not have a replica identity"},
      {"57014", true, "canceling statement due to statement timeout"},
      {"57P01", true, "terminating connection due to administrator command"},
      {"58030", true, "could not read block 3: Input/output error"},
      {"XX001", true, "invalid page in block 3"},
      {"0A000", false, "date_trunc: unit \"PATIENT\" not supported"},
      {"21000", false, "a function's"},
      {"22001", false, "value too long: a function's"},
      {"22007", false, "invalid input syntax for type date: \"PATIENT\""},
      {"22021", false, "invalid byte sequence for encoding \"UTF8\": 0x50"},
      {"22P02", false, "invalid input syntax for type integer: \"PATIENT\""},
      {"22P05", false, "character with byte sequence 0x50 has no equivalent"},
      {"2201B", false, "invalid regular expression: PATIENT"},
      {"22023", false, "time zone \"PATIENT\" not recognized"},
      {"23505", false, "duplicate key: a function's"},
      {"23514", false, "a check: a function's"},
      {"3D000", false, "has_database_privilege: database \"PATIENT\" does not exist"},
      {"3F000", false, "a cast to regclass: schema \"PATIENT\" does not exist"},
      {"42601", false, "a cast to jsonpath: syntax error at \"PATIENT\""},
      {"42704", false, "a cast to regtype: type \"PATIENT\" does not exist"},
      {"42P01", false, "a cast to regclass: relation \"PATIENT\" does not exist"},
      {"54000", true, "column cannot have more than 2000 dimensions for hnsw index"},
      {"58P01", false, "could not open file \"PATIENT\""},
      {"P0001", false, "RAISE"},
      {"P0004", false, "ASSERT"},
      {"XX000", false, "an extension's"},
      {"HV000", false, "another server's"},
      {"ZZ999", false, "somebody's own"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(describe(raised(std::string(c.sqlstate)), Reader::log) == kQuote, c.repeated)
        << c.sqlstate << " " << c.example;
}

TEST(ServerErrors, OfAVectorIndexAreNotTheRows) {
  const auto error = [](std::string sqlstate, std::string message, std::string context = "") {
    return ServerError{
        .sqlstate = std::move(sqlstate), .message = std::move(message), .context = std::move(context)};
  };
  EXPECT_TRUE(is_index_fault(error("22000", "different vector dimensions 3 and 0")));
  EXPECT_TRUE(is_index_fault(error("22000", "different halfvec dimensions 3 and 0")));
  EXPECT_TRUE(is_index_fault(error("XX002", "index \"i\" contains unexpected zero page")));
  EXPECT_FALSE(is_index_fault(error("22000", "expected 3 dimensions, not 4"))) << "the column's";
  EXPECT_FALSE(is_index_fault(error("22000", "different vector dimensions 3 and 2", kInFunction)))
      << "a trigger's";
  EXPECT_FALSE(is_index_fault(error("22003", "different vector dimensions 3 and 0")));
}

TEST(ServerErrors, ThatAFunctionRaisedAreNeverRepeated) {
  for (const char* sqlstate : {"08006", "40001", "42501", "53100", "55P03", "57014", "P0001", "XX001"})
    for (const Reader reader : {Reader::log, Reader::person})
      EXPECT_THAT(describe(raised(sqlstate, kInFunction), reader), Not(HasSubstr("PATIENT"))) << sqlstate;
}

TEST(ServerErrors, AboutTheStatementsTextAreRepeated) {
  ServerError error = raised("42703");
  error.positioned = true;
  EXPECT_EQ(describe(error, Reader::log), kQuote);
  error.sqlstate = "22P02";
  EXPECT_EQ(describe(error, Reader::log), kQuote) << "of a literal";
  error.context = kInFunction;
  EXPECT_THAT(describe(error, Reader::log), Not(HasSubstr("PATIENT")))
      << "of a statement that a function has made";
}

TEST(ServerErrors, ToldToAPersonRepeatWhatWasTyped) {
  for (const char* sqlstate : {"0A000", "22P02", "23505", "3D000", "42704", "42P01", "54000"})
    EXPECT_EQ(describe(raised(sqlstate), Reader::person), kQuote) << sqlstate;
  for (const char* sqlstate : {"22P02", "23505"})
    EXPECT_EQ(describe({.sqlstate = sqlstate, .message = "no", .detail = "PATIENT"}, Reader::person), "no");
  EXPECT_EQ(describe({.sqlstate = "42P01", .message = "no", .detail = "why", .hint = "try"}, Reader::person),
            "no (why) Hint: try");
  EXPECT_EQ(describe({.sqlstate = "42501", .message = "no", .detail = "why", .hint = "try"}, Reader::log),
            "no");
}

TEST(ServerErrors, ThatAreNotRepeatedSayWhatTheServerNames) {
  EXPECT_EQ(describe(raised("22P02"), Reader::log), "22P02 invalid_text_representation");
  EXPECT_EQ(describe(raised("ZZ999"), Reader::log), "ZZ999");
  ServerError check = raised("23514");
  check.schema = "public";
  check.table = "notes";
  check.constraint = "notes_check";
  EXPECT_EQ(describe(check, Reader::log),
            "23514 check_violation (table public.notes, constraint notes_check)");
  ServerError null = raised("23502");
  null.table = "notes";
  null.column = "body";
  EXPECT_EQ(describe(null, Reader::log), "23502 not_null_violation (table notes, column body)");
  ServerError domain = raised("23514");
  domain.type = "year";
  EXPECT_EQ(describe(domain, Reader::log), "23514 check_violation (type year)");
}

TEST(ServerErrors, ThatAFunctionRaisedSayWhichAndNoNamesThatItChose) {
  ServerError error = raised("P0001", kInFunction);
  error.column = error.constraint = error.table = error.schema = error.type = "PATIENT";
  EXPECT_EQ(describe(error, Reader::log),
            "P0001 raise_exception (PL/pgSQL function audit() line 3 at RAISE)");
  EXPECT_EQ(describe(raised("42601", "SQL statement \"SELECT PATIENT\"\nPL/pgSQL function f()"), Reader::log),
            "42601 syntax_error");
  EXPECT_EQ(describe(raised("P0001", "COPY notes, line 1: \"PATIENT\""), Reader::log),
            "P0001 raise_exception");
}

TEST(ServerErrors, OfLibpqsOwnAreRepeated) {
  EXPECT_EQ(describe({.message = "server closed the connection"}, Reader::log),
            "server closed the connection");
}

TEST(ServerErrors, VerbatimHoldEverythingOnceAndWithinBounds) {
  EXPECT_EQ(describe_verbatim(raised("P0001")), std::string("P0001 raise_exception: ") + kQuote);
  EXPECT_EQ(describe_verbatim({.sqlstate = "40P01", .message = "deadlock detected"}), "deadlock detected");
  ServerError long_one = raised("23514");
  long_one.detail = std::string(100'000, 'x');
  EXPECT_LE(describe_verbatim(long_one).size(), 2'500U);
}

TEST(ServerErrors, HavePostgresNames) {
  EXPECT_EQ(condition_name("0A000"), "feature_not_supported");
  EXPECT_EQ(condition_name("22P05"), "untranslatable_character");
  EXPECT_EQ(condition_name("XX002"), "index_corrupted");
  EXPECT_EQ(condition_name("00000"), "");
  EXPECT_EQ(condition_name(""), "");
}

TEST(Refusals, SayWhatIsWrongAndWhatToDoAndQuoteNothing) {
  queue::Definition definition;
  const std::string reason = "22P02 invalid input syntax for type integer: \"PATIENT\"";
  EXPECT_EQ(queue::refusal_of(queue::kConditionFails, reason, definition, false).message,
            "the condition of --where fails on this row: 22P02 invalid_text_representation");
  EXPECT_EQ(queue::refusal_of(queue::kConditionFails, reason, definition, false).verbatim, "");
  // A function in the condition raises what it likes.
  EXPECT_THAT(queue::refusal_of(queue::kConditionFails, "54000 PATIENT", definition, false).message,
              EndsWith("54000 program_limit_exceeded"));
  const Error kept = queue::refusal_of(queue::kConditionFails, reason, definition, true);
  EXPECT_THAT(kept.message, Not(HasSubstr("PATIENT")));
  EXPECT_THAT(kept.verbatim, HasSubstr("PATIENT"));

  definition.encoding = "WIN1252";
  EXPECT_EQ(
      queue::refusal_of(queue::kNotUtf8, "22P05", definition, true).message,
      "the row's text has a character that cannot be converted from WIN1252, the database's encoding, to "
      "UTF-8 (22P05 untranslatable_character); correct it, and the row is embedded");
  definition.encoding = "SQL_ASCII";
  EXPECT_EQ(
      queue::refusal_of(queue::kNotUtf8, "22021", definition, true).message,
      "the row's text is not UTF-8, and the database's encoding, SQL_ASCII, does not say what else it may "
      "be (22021 character_not_in_repertoire); write it in UTF-8, and the row is embedded");
}

}  // namespace
}  // namespace embedd::pg
