// Templates: '{title}\n{body}', escapes, quoted names, and errors that say where and what to write.
#include "text/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Template::Part column(std::string name) { return {true, std::move(name)}; }
Template::Part constant(std::string text) { return {false, std::move(text)}; }

std::vector<Template::Part> parts(std::string_view text) {
  auto parsed = parse_template(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
  return parsed ? parsed->parts : std::vector<Template::Part>();
}

TEST(Template, ColumnsAndConstants) {
  EXPECT_THAT(parts("{title}"), ElementsAre(column("title")));
  EXPECT_THAT(
      parts("Title: {title}, by {author}."),
      ElementsAre(constant("Title: "), column("title"), constant(", by "), column("author"), constant(".")));
  EXPECT_THAT(parts("{a}{b}"), ElementsAre(column("a"), column("b")));
}

TEST(Template, EscapesThatAShellPassesOn) {
  EXPECT_THAT(parts(R"({a}\n{b}\t\\n\d)"),
              ElementsAre(column("a"), constant("\n"), column("b"), constant("\t\\n\\d")));
  EXPECT_THAT(parts("{a}\n"), ElementsAre(column("a"), constant("\n")));
  EXPECT_THAT(parts("{a}\\"), ElementsAre(column("a"), constant("\\")));
}

TEST(Template, DoubledBracesAreBraces) {
  EXPECT_THAT(parts("{{{a}}}"), ElementsAre(constant("{"), column("a"), constant("}")));
  EXPECT_THAT(parts("{{a}} {b}"), ElementsAre(constant("{a} "), column("b")));
}

TEST(Template, NamesAreExactAndMayBeQuoted) {
  EXPECT_THAT(parts("{Mixed Case}"), ElementsAre(column("Mixed Case")));
  EXPECT_THAT(parts(R"({"Mixed Case"})"), ElementsAre(column("Mixed Case")));
  EXPECT_THAT(parts(R"({"a}""{b"}!)"), ElementsAre(column("a}\"{b"), constant("!")));
  EXPECT_THAT(parts("{größe}"), ElementsAre(column("größe")));
}

TEST(Template, ColumnsAreListedOnceInOrder) {
  EXPECT_THAT(parse_template("{b} {a} {b}")->columns(), ElementsAre("b", "a"));
}

TEST(Template, ErrorsSayWhereAndWhatToWrite) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "names no column"},
      {"just text", "names no column"},
      {"{{title}}", "names no column"},
      {"{title", "character 1: a { without its }"},
      {"x {a{b}", "character 3: a { without its }"},
      {"title}", "character 6: a } without its {"},
      {"{}", "character 1: no column name"},
      {"{\"\"}", "character 1: no column name"},
      {"{ title }", "write {title}"},
      {"{\"title}", "does not end"},
      {"{\"title\"x}", "no } after the quoted name"},
      {{"a\0{b}", 5}, "character 2: a NUL"},
      {{"{a\0}", 4}, "character 3: a NUL"},
      {{"{\"a\0\"}", 6}, "character 4: a NUL"},
  };
  for (const auto& [text, message] : cases) {
    auto parsed = parse_template(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace embedd
