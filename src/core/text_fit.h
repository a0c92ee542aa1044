/// Fits a text to what its endpoint takes: pure functions of the text and the limits.
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
  std::size_t endpoint_tokens = std::numeric_limits<std::size_t>::max();  ///< of an input; configured
  std::size_t learned_tokens = std::numeric_limits<std::size_t>::max();   ///< of an input, from refusals
  std::size_t most_pieces = std::numeric_limits<std::size_t>::max();      ///< of a text, in one request

  /// Most tokens of an input.
  [[nodiscard]] std::size_t most_tokens() const { return std::min(endpoint_tokens, learned_tokens); }
};

enum class Fit {
  whole,
  cut,       ///< its end was left out
  too_long,  ///< the vectorizer discards long texts; the text is unchanged
};

/// Sets the upper bound of the text's tokens. A text that is longer than the model takes is cut or divided
/// into pieces, as the vectorizer says.
Fit fit_text(LeasedJob& leased, const TextRules& rules);

/// Leaves out the pieces beyond the first `most`. True if there were any.
bool keep_pieces(LeasedJob& leased, std::size_t most);

enum class Shrink {
  fewer_pieces,  ///< half as many pieces
  halved,        ///< the text was halved
  learn,         ///< unchanged: the limit is less than the refused length, and fit_text() cuts by the limit
  hopeless,      ///< the endpoint would refuse it, however short, or the vectorizer discards long texts
};

/// Shortens a text that the provider refused for its length, alone, naming no number that helps. Of a text in
/// pieces, the number of pieces may have been too much: it is halved first, which shows nothing about other
/// inputs. If the tokenizer only bounds the model's count, the refusal lowers the known limit of the model;
/// otherwise the text is halved.
Shrink shrink_text(LeasedJob& leased, LongTexts long_texts, const Tokenizer& tokenizer);

}  // namespace embedd
