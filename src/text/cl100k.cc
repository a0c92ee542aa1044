#include "text/cl100k.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>

#include "base/check.h"
#include "text/cl100k_merge.h"
#include "text/utf8.h"

namespace embedd {
namespace {

// tiktoken's pattern for cl100k_base with its \s spelled out: PCRE2's \s matches U+180E, tiktoken's
// (Unicode's White_Space) does not. Possessive wherever possible, so that there is nothing to backtrack into.
#define SPACE R"(\x09-\x0D\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})"
constexpr char kPattern[] =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\p{L}\p{N})" SPACE
    R"(]++[\r\n]*+|[)" SPACE R"(]++$|[)" SPACE R"(]*[\r\n]|[)" SPACE R"(]+(?![^)" SPACE R"(])|[)" SPACE "]";
#undef SPACE

}  // namespace

/// The compiled expression. Immutable, so threads may share it.
class Cl100k::Pattern {
 public:
  Pattern() {
    int error = 0;
    PCRE2_SIZE at = 0;
    code_ =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(kPattern), sizeof kPattern - 1,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY | PCRE2_ANCHORED, &error, &at, nullptr);
    CHECK(code_ != nullptr, "PCRE2 error {} at {}", error, at);
    // This fails where memory may not be made executable; pcre2_match then interprets instead.
    pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  ~Pattern() { pcre2_code_free(code_); }

  [[nodiscard]] const pcre2_code* code() const { return code_; }

 private:
  pcre2_code* code_;
};

/// Walks over the pieces of `text`, which must be valid UTF-8 and outlive this object.
class Cl100k::Pieces {
 public:
  Pieces(const Pattern& pattern, std::string_view text)
      : code_(pattern.code()), match_(pcre2_match_data_create(1, nullptr)), text_(text) {
    CHECK(match_ != nullptr, "out of memory");
  }
  Pieces(const Pieces&) = delete;
  Pieces& operator=(const Pieces&) = delete;
  ~Pieces() { pcre2_match_data_free(match_); }

  [[nodiscard]] bool done() const { return at_ == text_.size(); }
  [[nodiscard]] std::size_t at() const { return at_; }

  /// The next piece. Every character matches, so only a limit inside PCRE2 can fail: then `false`, and the
  /// piece is the rest of the text.
  bool next(std::string_view& piece) {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text_.data());
    const int found = pcre2_match(code_, subject, text_.size(), at_, PCRE2_NO_UTF_CHECK, match_, nullptr);
    const std::size_t end = found > 0 ? pcre2_get_ovector_pointer(match_)[1] : text_.size();
    CHECK(end > at_, "empty piece at {}", at_);
    piece = text_.substr(at_, end - at_);
    at_ = end;
    return found > 0;
  }

 private:
  const pcre2_code* code_;
  pcre2_match_data* match_;
  std::string_view text_;
  std::size_t at_ = 0;
};

Cl100k::Cl100k(Cl100kRanks ranks, std::unique_ptr<Pattern> pattern)
    : ranks_(std::move(ranks)), pattern_(std::move(pattern)) {}

Cl100k::~Cl100k() = default;

Result<std::unique_ptr<Cl100k>> Cl100k::load(std::string_view ranks_file) {
  auto ranks = TRY(Cl100kRanks::parse(ranks_file));
  return std::unique_ptr<Cl100k>(new Cl100k(std::move(ranks), std::make_unique<Pattern>()));
}

std::size_t Cl100k::count(std::string_view text) const {
  Cl100kMerger merger(ranks_);
  std::size_t tokens = 0;
  while (!text.empty()) {
    const std::size_t valid = utf8::valid_prefix(text);
    Pieces pieces(*pattern_, text.substr(0, valid));
    while (!pieces.done()) {
      std::string_view piece;
      tokens += pieces.next(piece) ? merger.count(piece) : piece.size();
    }
    text.remove_prefix(valid);
    if (text.empty()) break;
    text.remove_prefix(1);
    ++tokens;
  }
  return tokens;
}

std::size_t Cl100k::prefix_bytes(std::string_view text, std::size_t max_tokens) const {
  text = text.substr(0, utf8::valid_prefix(text));
  if (text.size() <= max_tokens) return text.size();
  std::size_t bytes = cut_by_tokens(text, max_tokens);
  if (bytes == text.size()) return bytes;
  // The prefix is tokenized without the text behind it: white space at its end is split differently, and a
  // token may end inside a character. So count again, and shorten by characters. A token a byte is the bound
  // that always holds.
  constexpr int kTries = 16;
  for (int tries = 0; count(text.substr(0, bytes)) > max_tokens; ++tries) {
    if (tries == kTries || bytes <= max_tokens) return utf8::cut(text, max_tokens);
    bytes = utf8::cut(text, bytes - 1);
  }
  return bytes;
}

/// The whole characters within the first `max_tokens` tokens of `text`.
std::size_t Cl100k::cut_by_tokens(std::string_view text, std::size_t max_tokens) const {
  Cl100kMerger merger(ranks_);
  Pieces pieces(*pattern_, text);
  while (!pieces.done()) {
    const std::size_t begin = pieces.at();
    std::string_view piece;
    if (!pieces.next(piece)) return utf8::cut(text, begin + std::min(max_tokens, piece.size()));
    const std::size_t tokens = merger.count(piece);
    if (tokens > max_tokens) return utf8::cut(text, begin + merger.prefix_bytes(piece, max_tokens));
    max_tokens -= tokens;
  }
  return text.size();
}

}  // namespace embedd
