// Templates: '{title}\n{body}', escapes, quoted names, and errors that say where and what to write.
#include "text/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Part = Template::Part;

Part constant(std::string text) { return {Part::Kind::constant, std::move(text), {}, {}}; }
Part column(std::string name, std::vector<std::string> keys = {}) {
  return {Part::Kind::value, "", {std::move(name), std::move(keys)}, {}};
}
Part optional(std::string name, std::vector<Part> parts) {
  return {Part::Kind::optional, "", {std::move(name), {}}, std::move(parts)};
}

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

TEST(Template, OptionalPartsHoldTextEscapesAndColumns) {
  EXPECT_THAT(
      parts("{?title}Title: {title}\\n{/}{body}"),
      ElementsAre(optional("title", {constant("Title: "), column("title"), constant("\n")}), column("body")));
  EXPECT_THAT(parts("{?a}{{{a}}}{/a}}}"),
              ElementsAre(optional("a", {constant("{"), column("a"), constant("}")}), constant("}")));
  EXPECT_THAT(parts("{?draft}(draft) {/}{title}"),
              ElementsAre(optional("draft", {constant("(draft) ")}), column("title")));
  EXPECT_THAT(parts(R"({?"a} b"}x{/"a} b"})"), ElementsAre(optional("a} b", {constant("x")})));
}

TEST(Template, OptionalPartsStandInEachOther) {
  EXPECT_THAT(parts("{?a}{a}{?b}, {?c}{c}{/c}{/b}{/a}"),
              ElementsAre(optional(
                  "a", {column("a"), optional("b", {constant(", "), optional("c", {column("c")})})})));
  EXPECT_TRUE(parse_template("{?a}{?b}{?c}x{/}{/}{/}{?d}y{/}")->has_optional_parts());
  EXPECT_FALSE(parse_template("{a}")->has_optional_parts());
}

TEST(Template, KeysLeadIntoAColumn) {
  EXPECT_THAT(parts("{meta->title}"), ElementsAre(column("meta", {"title"})));
  EXPECT_THAT(parts("{meta->a b->0}"), ElementsAre(column("meta", {"a b", "0"})));
  EXPECT_THAT(parts(R"({"my meta"->"a->b}"->c})"), ElementsAre(column("my meta", {"a->b}", "c"})));
  EXPECT_THAT(parts("{meta-title}"), ElementsAre(column("meta-title")));
  const Template both = *parse_template("{?meta->by}By {meta->by}{/} {meta}");
  EXPECT_THAT(both.values(), ElementsAre(Template::Value{"meta", {"by"}}, Template::Value{"meta", {}}));
  EXPECT_THAT(both.columns(), ElementsAre("meta"));
}

TEST(Template, AColumnThatLooksLikeNotationIsThatColumn) {
  const std::vector<std::string> columns = {"a->b", "?x", "/", "x?"};
  const auto parsed = parse_template("{a->b}{?x}{/}{x?}{a->c}", columns);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_THAT(parsed->parts,
              ElementsAre(column("a->b"), column("?x"), column("/"), column("x?"), column("a", {"c"})));
  EXPECT_THAT(parts(R"({"a->b"}{"?x"}{"/"}{x?})"),
              ElementsAre(column("a->b"), column("?x"), column("/"), column("x?")));
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
      {"x{?title}Title: {title}", "character 2: {?title} without its {/}"},
      {"{?a}{?b}x{/}", "character 1: {?a} without its {/}"},
      {"x{/}", "character 2: an optional part that ends and did not begin; write {?title} before"},
      {"{?title}x{/body}", "character 10: {?title} ends here; write {/}"},
      {"{title}{?title}{/}", "character 8: nothing between {?title} and its {/}"},
      {"{?}x{/}", "no column name after the ?; write {?title}"},
      {"{?a}{?b}{?c}{?d}x{/}{/}{/}{/}", "character 13: optional parts stand more than 3 deep"},
      {"{meta->}", "no key after the ->; write {column->key}"},
      {"{meta->>title}", "->> where -> is meant"},
      {"{meta -> title}", "blanks around the name; write {meta}"},
      {"{meta-> title}", "blanks around the key; write {title}"},
      {"{->title}", "no column name"},
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
