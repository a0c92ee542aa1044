/// How a text is made to fit what its endpoint takes: pure functions of the text and the limits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include "core/batch.h"
#include "core/job.h"
#include "core/tokenizer.h"

namespace embedd {

struct TextRules {
  const Tokenizer& tokenizer;  ///< of the model
  LongTexts long_texts = LongTexts::truncate;
  std::size_t endpoint_tokens = std::numeric_limits<std::size_t>::max();  ///< of an input, as it says itself
  std::size_t learned_tokens = std::numeric_limits<std::size_t>::max();   ///< of an input, from refusals
  std::size_t most_pieces = std::numeric_limits<std::size_t>::max();      ///< of a text, in one request

  /// Of an input.
  [[nodiscard]] std::size_t most_tokens() const { return std::min(endpoint_tokens, learned_tokens); }
};

enum class Fit {
  whole,
  cut,       ///< its end was left out
  too_long,  ///< and the vectorizer wants no part of it; the text is as it was
};

/// Bounds the text's tokens, and makes the text what the vectorizer says where it is longer than the model
/// takes: it is cut, or divided into pieces.
Fit fit_text(HeldJob& held, const TextRules& rules);

/// Leaves out the pieces that are too many. True if any were.
bool keep_pieces(HeldJob& held, std::size_t most);

enum class Shrink {
  fewer_pieces,  ///< half as many
  halved,        ///< the text
  learn,         ///< nothing yet: the limit is less than what was refused, and fit_text() goes by that
  hopeless,      ///< it would be refused, however short, or the vectorizer wants no part of it
};

/// The provider refused the text for its length, alone, and said no number that helps: halves it. Of a text
/// in pieces, their number may be what was too much: it is halved first, and says nothing about longer
/// inputs. Where the tokenizer only bounds what the model counts, the model's limit is what is learned.
Shrink shrink_text(HeldJob& held, LongTexts long_texts, const Tokenizer& tokenizer);

}  // namespace embedd
