#include "text/chunker.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/trim.h"
#include "text/boundaries.h"
#include "text/markdown.h"
#include "text/utf8.h"

namespace embedd {
namespace {

/// A token of ordinary text has about four bytes; only tokens of blanks and the like have many more.
constexpr std::size_t kMostBytesPerToken = 8;
/// Tokens into which any character fits.
constexpr std::size_t kLeastBudget = 4;

/// What the chunker knows at a place in the text.
struct State {
  std::vector<std::string> values;  ///< of the template's columns
  std::string overlap;              ///< what the next chunk repeats
  MarkdownState markdown;

  /// Each part preceded by its length.
  [[nodiscard]] std::string saved() const {
    std::string out;
    const auto add = [&out](const std::string& part) { out += fmt::format("{}:{}", part.size(), part); };
    add(overlap);
    add(markdown.saved());
    for (const std::string& value : values) add(value);
    return out;
  }

  static State restored(std::string_view saved) {
    std::vector<std::string> parts;
    while (!saved.empty()) {
      const std::size_t colon = std::min(saved.find(':'), saved.size());
      std::size_t size = 0;
      for (const char digit : saved.substr(0, colon))
        size = size * 10 + static_cast<std::size_t>(digit - '0');
      saved.remove_prefix(std::min(colon + 1, saved.size()));
      parts.emplace_back(saved.substr(0, size));
      saved.remove_prefix(std::min(size, saved.size()));
    }
    State state;
    if (!parts.empty()) state.overlap = parts[0];
    if (parts.size() > 1) state.markdown = MarkdownState::restored(parts[1]);
    if (parts.size() > 2) state.values.assign(parts.begin() + 2, parts.end());
    return state;
  }
};

bool is_named(const Template::Value& value, std::string_view name) {
  return value.column == name && value.keys.empty();
}

bool is_chunk(const Template::Part& part) {
  return part.kind == Template::Part::Kind::value && is_named(part.value, "chunk");
}

/// Optional parts are at most kMaxTemplateDepth deep.
std::ptrdiff_t count_chunks(const std::vector<Template::Part>& parts) {
  std::ptrdiff_t count = 0;
  for (const Template::Part& part : parts) {
    if (part.kind != Template::Part::Kind::constant && is_named(part.value, "chunk")) ++count;
    count += count_chunks(part.parts);
  }
  return count;
}

void add_constants(const std::vector<Template::Part>& parts, std::string& out) {
  for (const Template::Part& part : parts) {
    out += part.text;
    add_constants(part.parts, out);
  }
}

std::string cut_to(std::string_view text, std::size_t bytes) {
  return std::string(text.substr(0, utf8::cut(text, std::min(text.size(), bytes))));
}

/// Cuts one window.
class Cutting {
 public:
  Cutting(const ChunkRule& rule, const ChunkTemplate& form, const Tokenizer& tokenizer, State state)
      : rule_(rule), form_(form), names_(form.values()), tokenizer_(tokenizer), state_(std::move(state)) {}

  /// Reads the row's values from the beginning of the text, and removes them there.
  void read_values(std::string_view& text) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const std::size_t end = std::min(text.find(kValueEnd), text.size());
      state_.values.push_back(cut_to(text.substr(0, end), kMostValueBytes));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  /// Cuts `text` into `chunks`, and returns the bytes that were cut.
  std::size_t run(std::string_view text, bool last, std::vector<Chunk>& chunks) {
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = next(text.substr(at), last);
      if (end == 0) break;
      add(text.substr(at, end), chunks);
      at += end;
    }
    return at;
  }

  [[nodiscard]] std::string saved() const { return state_.saved(); }

 private:
  [[nodiscard]] std::string sent_of(std::string_view chunk) const {
    std::string out;
    fill(form_.text.parts, chunk, out);
    return out;
  }

  void fill(const std::vector<Template::Part>& parts, std::string_view chunk, std::string& out) const {
    using Kind = Template::Part::Kind;
    for (const Template::Part& part : parts) {
      if (part.kind == Kind::constant)
        out += part.text;
      else if (part.kind == Kind::value)
        out += is_chunk(part) ? chunk : value(part.value);
      else if (!trim(value(part.value)).empty())
        fill(part.parts, chunk, out);
    }
  }

  [[nodiscard]] std::string value(const Template::Value& name) const {
    if (is_named(name, "headings")) return headings_;
    const auto at = static_cast<std::size_t>(std::ranges::find(names_, name) - names_.begin());
    return at < state_.values.size() ? cut_to(state_.values[at], value_bytes_) : "";
  }

  /// Chooses what is sent beside the next chunk, and returns its tokens: at most half of what may be sent,
  /// because long headings are left out and long values are cut.
  std::size_t take_context() {
    headings_ = state_.markdown.headings();
    value_bytes_ = kMostValueBytes;
    const std::size_t tokens = tokenizer_.count(sent_of(""));
    if (tokens <= rule_.size / 2) return tokens;
    headings_.clear();
    value_bytes_ = rule_.size / 4 / (1 + names_.size());
    return tokenizer_.count(sent_of(""));
  }

  /// Where the first chunk of `text` ends; 0: that depends on text that is not here yet.
  std::size_t next(std::string_view text, bool last) {
    if (rule_.kind == ChunkRule::Kind::none) return last ? text.size() : 0;
    const std::size_t left = rule_.size - take_context();
    // A long overlap is shortened, so that a quarter of the tokens is left for new text.
    if (tokenizer_.count(state_.overlap) > left - rule_.size / 4)
      state_.overlap = tail(state_.overlap, left - rule_.size / 4);
    std::size_t budget = left - tokenizer_.count(state_.overlap);
    for (;;) {
      const std::string_view seen = text.substr(0, budget * kMostBytesPerToken);
      // Whether the last place is a place may depend on the text that follows.
      constexpr std::size_t kLookAhead = 1024;
      if (!last && text.size() < seen.size() + kLookAhead) return 0;
      const std::size_t most = tokenizer_.prefix_bytes(seen, budget);
      CHECK(most > 0, "no character fits into {} tokens", budget);
      const std::size_t end = most == text.size() ? most : best_end(text, most);
      // The parts were counted apart, and the chunk ends elsewhere: it may have a few tokens more.
      const std::size_t tokens = tokenizer_.count(sent_of(state_.overlap + std::string(text.substr(0, end))));
      if (tokens <= rule_.size) return end;
      if (budget > kLeastBudget + tokens - rule_.size) {
        budget -= tokens - rule_.size;
      } else {
        CHECK(!state_.overlap.empty(), "{} tokens are sent of {}", tokens, rule_.size);
        state_.overlap.clear();
        budget = left;
      }
    }
  }

  std::size_t best_end(std::string_view text, std::size_t most) const {
    switch (rule_.kind) {
      case ChunkRule::Kind::markdown: return best_markdown_cut(text, most, state_.markdown);
      case ChunkRule::Kind::recursive: return best_cut(text, most);
      default: return most;
    }
  }

  void add(std::string_view part, std::vector<Chunk>& chunks) {
    std::string text = state_.overlap + std::string(part);
    std::string sent = sent_of(text);
    if (rule_.overlap > 0) state_.overlap = tail(part, rule_.overlap);
    if (rule_.kind == ChunkRule::Kind::markdown) state_.markdown = after(std::move(state_.markdown), part);
    chunks.push_back({std::move(text), std::move(sent)});
  }

  /// The last `most` tokens of `part` or fewer, from the beginning of a word if possible.
  [[nodiscard]] std::string tail(std::string_view part, std::size_t most) const {
    std::size_t bytes = std::min(part.size(), most * kMostBytesPerToken / 2);
    for (;;) {
      std::size_t begin = utf8::cut(part, part.size() - bytes);
      const Places words = places(part.substr(begin), Units::words, 0, part.size() - begin);
      if (begin > 0 && !words.empty()) begin += words.front();
      const std::string_view found = part.substr(begin);
      if (tokenizer_.count(found) <= most) return std::string(found);
      bytes -= std::max<std::size_t>(1, bytes / 8);
    }
  }

  const ChunkRule& rule_;
  const ChunkTemplate& form_;
  std::vector<Template::Value> names_;
  const Tokenizer& tokenizer_;
  State state_;
  // Of the next chunk:
  std::string headings_;
  std::size_t value_bytes_ = kMostValueBytes;
};

}  // namespace

std::vector<Template::Value> ChunkTemplate::values() const {
  std::vector<Template::Value> out = text.values();
  std::erase_if(
      out, [](const Template::Value& name) { return is_named(name, "chunk") || is_named(name, "headings"); });
  return out;
}

Result<ChunkTemplate> parse_chunk_template(std::string_view text) {
  auto parsed = TRY(parse_template(text.empty() ? "{chunk}" : text));
  const auto times = count_chunks(parsed.parts);
  if (times != 1 || std::ranges::none_of(parsed.parts, is_chunk))
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("the chunk template must name {{chunk}} once and outside of optional parts, such as "
                    "'{{headings}}\\n{{chunk}}'; this one names it {} times",
                    times));
  return ChunkTemplate{std::move(parsed)};
}

Result<void> check_chunk_size(const ChunkRule& rule, const ChunkTemplate& form, const Tokenizer& tokenizer) {
  std::string constants;
  add_constants(form.text.parts, constants);
  const std::size_t tokens = tokenizer.count(constants);
  if (tokens <= rule.size / 4) return {};
  return fail(
      ErrorKind::invalid_argument,
      fmt::format("the chunk template adds {} tokens to each chunk, of {} that a chunk may have; shorten the "
                  "template, or cut into longer chunks",
                  tokens, rule.size));
}

Result<Cut> TextChunker::cut(const Vectorizer& vectorizer, std::string_view window, const ChunkCursor& from,
                             bool last) const {
  const ChunkRule rule = TRY(parse_chunk_rule(vectorizer.chunk_rule));
  const ChunkTemplate form = TRY(parse_chunk_template(vectorizer.chunk_template));
  Cutting cutting(rule, form, tokenizers_.tokenizer_for(vectorizer.model), State::restored(from.state));
  std::string_view text = window;
  if (from.characters == 0) cutting.read_values(text);
  Cut out{.last = last};
  std::size_t done = cutting.run(text, last, out.chunks);
  if (done == 0 && !text.empty()) {
    if (rule.kind == ChunkRule::Kind::none)
      return fail(ErrorKind::rejected,
                  "the row's text is too long for one chunk; have it cut: create the vectorizer with --chunk "
                  "recursive:400, for example");
    CHECK(false, "nothing was cut of {} bytes", text.size());
  }
  if (last && out.chunks.empty() && from.chunks == 0)
    return fail(ErrorKind::rejected, "the row's text is empty but for the values of its context");
  const std::size_t read = window.size() - text.size() + done;
  out.next = {
      .characters = from.characters + static_cast<std::int64_t>(utf8::characters(window.substr(0, read))),
      .chunks = from.chunks + static_cast<std::int32_t>(out.chunks.size()),
      .state = cutting.saved()};
  return out;
}

}  // namespace embedd
