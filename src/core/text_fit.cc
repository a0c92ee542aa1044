#include "core/text_fit.h"

#include <algorithm>
#include <string>

namespace embedd {

namespace {

/// Whether the endpoint would refuse a text with more than the most tokens. If this worker's count is only a
/// bound, a limit learned from one text may not hold for another; but no text has four times as many bytes in
/// a token.
bool surely_too_long(std::size_t bytes, const TextRules& rules) {
  constexpr std::size_t kSparse = 4;
  return rules.tokenizer.exact() || bytes > rules.endpoint_tokens || bytes / kSparse > rules.learned_tokens;
}

void cut_to(std::string& text, std::size_t most_bytes) {
  std::size_t cut = most_bytes;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // not inside a character
  text.resize(cut);
}

}  // namespace

/// A text never has more tokens than bytes, so short texts need no counting.
Fit fit_text(LeasedJob& leased, const TextRules& rules) {
  const std::size_t limit = rules.most_tokens();
  std::string& text = leased.job.text;
  leased.max_tokens = text.size();
  if (text.size() <= limit) return Fit::whole;
  const std::size_t fitting = rules.tokenizer.prefix_bytes(text, limit);
  if (fitting >= text.size()) {
    leased.max_tokens = std::min(rules.tokenizer.count(text), limit);
    leased.counted = true;
    return Fit::whole;
  }
  switch (rules.long_texts) {
    case LongTexts::discard:
      if (surely_too_long(text.size(), rules)) return Fit::too_long;
      leased.max_company = 1;  // alone: if the endpoint refuses this text, it refuses no other text with it
      return Fit::whole;
    case LongTexts::average:
      cut_into_pieces(leased, limit, rules.tokenizer);
      return keep_pieces(leased, rules.most_pieces) ? Fit::cut : Fit::whole;
    case LongTexts::truncate: break;
  }
  text.resize(fitting);
  text.shrink_to_fit();
  leased.max_tokens = limit;
  return Fit::cut;
}

bool keep_pieces(LeasedJob& leased, std::size_t most) {
  if (leased.pieces.size() <= most) return false;
  leased.pieces.resize(most);
  leased.max_tokens = 0;
  for (const Piece& piece : leased.pieces) leased.max_tokens += piece.tokens;
  return true;
}

Shrink shrink_text(LeasedJob& leased, LongTexts long_texts, const Tokenizer& tokenizer) {
  constexpr std::size_t kLeastBytes = 64;
  if (leased.pieces.size() > 1) {
    keep_pieces(leased, leased.pieces.size() / 2);
    leased.narrowed = true;
    return Shrink::fewer_pieces;
  }
  const std::size_t longest = longest_input(leased).size();
  if (longest <= kLeastBytes || long_texts == LongTexts::discard) return Shrink::hopeless;
  leased.counted = leased.narrowed = false;
  leased.pieces.clear();
  if (!tokenizer.exact()) return Shrink::learn;
  cut_to(leased.job.text, longest / 2);
  leased.max_tokens = std::min(leased.max_tokens, leased.job.text.size());
  return Shrink::halved;
}

}  // namespace embedd
