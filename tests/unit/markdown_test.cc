#include "text/markdown.h"

#include <gtest/gtest.h>

#include <string>

namespace embedd {
namespace {

/// The headings that hold behind `text`.
std::string headings_behind(std::string_view text) { return after({}, text).headings(); }
bool in_fence_behind(std::string_view text) { return after({}, text).in_fence(); }

TEST(MarkdownHeadings, AreThoseOfCommonMark) {
  EXPECT_EQ(headings_behind("# One\n"), "One");
  EXPECT_EQ(headings_behind("# One\n## Two ##\n"), "One › Two");
  EXPECT_EQ(headings_behind("One\n===\n\nTwo\n---\n"), "One › Two");
  EXPECT_EQ(headings_behind("# One\n### Three\n## Two\n"), "One › Two");
  EXPECT_EQ(headings_behind("#hashtag\n####### seven\n"), "");
  EXPECT_EQ(headings_behind("    # code\n"), "");
  EXPECT_EQ(headings_behind("text\n\n---\n\n"), "") << "a break is no underline";
  EXPECT_EQ(headings_behind("#\n"), "");
}

TEST(MarkdownFences, CloseAsTheyOpened) {
  EXPECT_TRUE(in_fence_behind("```\n# no heading\n"));
  EXPECT_EQ(headings_behind("```\n# no heading\n```\n"), "");
  EXPECT_TRUE(in_fence_behind("````\n```\n"));
  EXPECT_FALSE(in_fence_behind("```\n`````\n"));
  EXPECT_TRUE(in_fence_behind("~~~\n```\n"));
  EXPECT_TRUE(in_fence_behind("``` c++\n``` c++\n")) << "what closes says nothing more";
  EXPECT_FALSE(in_fence_behind("    ```\n")) << "indented";
  EXPECT_FALSE(in_fence_behind("``` a`b\n")) << "code within a line";
  EXPECT_FALSE(in_fence_behind("  ```\n   ```\n"));
}

TEST(MarkdownState, SurvivesBeingSaved) {
  const std::string text = "# One\n\ntext\n\n## Two\n\n~~~~ sh\n# no heading\n~~~\n\n~~~~\n\nThree\n---\n\n";
  for (std::size_t end = 0; end <= text.size(); ++end) {
    if (end > 0 && text[end - 1] != '\n') continue;
    const std::string_view whole(text);
    // The line behind decides about the one before, so whoever stops here has seen it.
    MarkdownState state = after({}, whole.substr(0, end));
    EXPECT_EQ(MarkdownState::restored(state.saved()).saved(), state.saved());
  }
  EXPECT_EQ(MarkdownState::restored("").headings(), "");
  EXPECT_EQ(MarkdownState::restored("x").headings(), "");
}

TEST(MarkdownCuts, PreferHeadingsThenBlocksThenLines) {
  const std::string text =
      "Some text of the first section.\n\n- an item\n- another item\n\n# Next\n\nText of the next section.\n";
  EXPECT_EQ(text.substr(best_markdown_cut(text, 80, {}), 6), "# Next");
  EXPECT_EQ(text.substr(best_markdown_cut(text, 57, {}), 4), "- an");
  const std::string fence =
      "Before.\n\n```\n" + std::string(30, 'a') + "\n" + std::string(30, 'b') + "\n```\n";
  EXPECT_EQ(fence.substr(best_markdown_cut(fence, 60, {}), 2), "bb")
      << "it does not fit, so it is cut between lines";
  const std::string heading =
      "Text that stands before it all.\n\n## Heading\n\nText behind it, of some length.\n";
  EXPECT_EQ(heading.substr(best_markdown_cut(heading, 60, {}), 2), "##")
      << "a heading stays with what follows";
}

}  // namespace
}  // namespace embedd
