/// Markdown as a chunker sees it: which line begins a block, and under which headings it stands (CommonMark's
/// block structure, without its inlines).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/boundaries.h"

namespace embedd {

/// What is open at a place in a text.
class MarkdownState {
 public:
  /// Reads a line, without its line feed. `next`: the line after it, which may underline it.
  void read(std::string_view line, std::string_view next);

  /// True within a fenced block of code.
  [[nodiscard]] bool in_fence() const { return fence_length_ > 0; }
  /// True if the last line read is a heading, or a blank line below one.
  [[nodiscard]] bool below_heading() const { return below_heading_; }
  /// "Title › Part", each heading cut to 100 bytes; empty before the first.
  [[nodiscard]] std::string headings() const;

  [[nodiscard]] std::string saved() const;
  /// The state that saved() wrote.
  static MarkdownState restored(std::string_view saved);

 private:
  void heading(std::size_t level, std::string_view title);

  std::vector<std::string> headings_;  ///< by level, from 1; empty where there is none
  char fence_ = 0;
  std::size_t fence_length_ = 0;
  bool below_heading_ = false;
  bool underline_ = false;  ///< the next line is that of a heading
};

/// The level of an ATX heading, 1 to 6, or 0. `title`: the text after the marks.
std::size_t atx_level(std::string_view line, std::string_view& title);
/// 1 or 2 if the line can underline a heading, else 0.
std::size_t setext_level(std::string_view line);

/// Like best_cut(), but cuts before a heading if possible, else between blocks, else between lines of lists
/// and tables, else between lines of a fence, else as in any text. `state`: at the beginning of `text`.
std::size_t best_markdown_cut(std::string_view text, std::size_t most, MarkdownState state);

/// The state after `part`, which may end within a line.
MarkdownState after(MarkdownState state, std::string_view part);

}  // namespace embedd
