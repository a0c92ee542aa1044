#include "text/markdown.h"

#include <algorithm>
#include <utility>

#include "base/trim.h"
#include "text/utf8.h"

namespace embedd {
namespace {

constexpr std::size_t kMostHeadingBytes = 100;

/// A line that begins with four blanks or a tab is code.
bool indented_as_code(std::string_view line) { return line.starts_with("    ") || line.starts_with("\t"); }

/// How long the run of ` or ~ is that opens or closes a fence; 0: none.
std::size_t fence_run(std::string_view line, char& mark) {
  if (indented_as_code(line)) return 0;
  const std::string_view text = trim(line);
  if (text.empty() || (text.front() != '`' && text.front() != '~')) return 0;
  mark = text.front();
  const std::size_t run = std::min(text.find_first_not_of(mark), text.size());
  // An opening run of ` may not be followed by another `: that is code within a line.
  if (run < 3 || (mark == '`' && text.find('`', run) != std::string_view::npos)) return 0;
  return run;
}

std::string_view line_at(std::string_view text, std::size_t begin) {
  return text.substr(begin, std::min(text.find('\n', begin), text.size()) - begin);
}

/// The line after the one that contains `begin`; empty if there is none.
std::string_view line_behind(std::string_view text, std::size_t begin) {
  const std::size_t end = text.find('\n', begin);
  return end == std::string_view::npos ? std::string_view() : line_at(text, end + 1);
}

bool is_heading(std::string_view line, std::string_view next) {
  std::string_view title;
  return atx_level(line, title) > 0 || (!trim(line).empty() && !indented_as_code(line) &&
                                        setext_level(line) == 0 && setext_level(next) > 0);
}

}  // namespace

std::size_t atx_level(std::string_view line, std::string_view& title) {
  if (indented_as_code(line)) return 0;
  const std::string_view text = trim(line);
  const std::size_t level = std::min(text.find_first_not_of('#'), text.size());
  if (level < 1 || level > 6 || (level < text.size() && text[level] != ' ' && text[level] != '\t')) return 0;
  title = trim(text.substr(level));
  // In `## Title ##`, the second ## is not part of the title.
  const std::size_t last = title.find_last_not_of('#');
  if (last == std::string_view::npos)
    title = {};
  else if (last + 1 < title.size() && title[last] == ' ')
    title = trim(title.substr(0, last));
  return level;
}

std::size_t setext_level(std::string_view line) {
  if (indented_as_code(line)) return 0;
  const std::string_view text = trim(line);
  if (text.empty() || (text.front() != '=' && text.front() != '-')) return 0;
  if (text.find_first_not_of(text.front()) != std::string_view::npos) return 0;
  return text.front() == '=' ? 1 : text.size() >= 2 ? 2 : 0;
}

void MarkdownState::heading(std::size_t level, std::string_view title) {
  headings_.resize(level);
  headings_[level - 1] = title.substr(0, utf8::cut(title, std::min(title.size(), kMostHeadingBytes)));
  below_heading_ = true;
}

void MarkdownState::read(std::string_view line, std::string_view next) {
  if (std::exchange(underline_, false)) return;
  char mark = 0;
  const std::size_t run = fence_run(line, mark);
  if (in_fence()) {
    const bool closes = run >= fence_length_ && mark == fence_ &&
                        trim(line).find_first_not_of(mark) == std::string_view::npos;
    if (closes) fence_length_ = 0;
    below_heading_ = false;
    return;
  }
  if (run > 0) {
    fence_ = mark;
    fence_length_ = run;
    below_heading_ = false;
    return;
  }
  std::string_view title;
  if (const std::size_t level = atx_level(line, title); level > 0) return heading(level, title);
  if (is_heading(line, next)) {
    underline_ = true;
    return heading(setext_level(next), trim(line));
  }
  if (!trim(line).empty()) below_heading_ = false;
}

std::string MarkdownState::headings() const {
  std::string out;
  for (const std::string& each : headings_)
    if (!each.empty()) out += (out.empty() ? "" : " › ") + each;
  return out;
}

std::string MarkdownState::saved() const {
  std::string out = {fence_length_ > 0 ? fence_ : ' ', below_heading_ ? 'b' : ' ', underline_ ? 'u' : ' '};
  out += std::to_string(fence_length_) + "\n";
  for (const std::string& each : headings_) out += each + "\n";
  return out;
}

MarkdownState MarkdownState::restored(std::string_view saved) {
  MarkdownState state;
  if (saved.size() < 4) return state;
  state.fence_ = saved[0];
  state.below_heading_ = saved[1] == 'b';
  state.underline_ = saved[2] == 'u';
  std::size_t begin = 3;
  for (bool first = true; begin < saved.size(); first = false) {
    const std::string_view line = line_at(saved, begin);
    begin += line.size() + 1;
    if (!first) {
      state.headings_.emplace_back(line);
      continue;
    }
    for (const char digit : line.substr(0, 6))
      if (digit >= '0' && digit <= '9')
        state.fence_length_ = state.fence_length_ * 10 + static_cast<std::size_t>(digit - '0');
  }
  return state;
}

MarkdownState after(MarkdownState state, std::string_view part) {
  for (std::size_t begin = 0; begin < part.size();) {
    const std::string_view line = line_at(part, begin);
    state.read(line, line_behind(part, begin));
    begin += line.size() + 1;
  }
  return state;
}

std::size_t best_markdown_cut(std::string_view text, std::size_t most, MarkdownState state) {
  const std::size_t least = most / 3;
  Places headings, blocks, rows, fenced;
  bool after_blank = false;
  for (std::size_t begin = 0; begin < text.size() && begin <= most;) {
    const std::string_view line = line_at(text, begin);
    const std::string_view next = line_behind(text, begin);
    // A heading stays with the text below it.
    if (begin > least && (state.in_fence() || !state.below_heading())) {
      if (state.in_fence())
        fenced.push_back(begin);
      else if (is_heading(line, next))
        headings.push_back(begin);
      else if (after_blank && !trim(line).empty())
        blocks.push_back(begin);
      else if (!trim(line).empty())
        rows.push_back(begin);
    }
    state.read(line, next);
    after_blank = trim(line).empty();
    begin += line.size() + 1;
  }
  for (const Places* found : {&headings, &blocks, &rows, &fenced})
    if (!found->empty()) return settled_place(text, *found);
  return best_cut(text, most);
}

}  // namespace embedd
