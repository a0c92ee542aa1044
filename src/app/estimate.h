/// Estimates what the rest of a vectorizer's rows takes: rows, chunks, tokens, money and time. Spends
/// nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "app/settings.h"
#include "base/error.h"
#include "core/embedder.h"
#include "core/job.h"
#include "schema/vectorizers.h"

namespace embedd::app {

struct Estimate {
  schema::VectorizerInfo vectorizer;
  LongTexts long_texts = LongTexts::truncate;
  std::uint64_t rows = 0;
  std::optional<std::uint64_t> chunks;  ///< of a store
  std::uint64_t tokens = 0;             ///< tokens that are billed
  std::uint64_t too_long = 0;           ///< texts that are longer than the model takes
  bool exact = false;                   ///< tokens are counted, not bounded
  std::optional<double> usd;            ///< none: the price is unknown
  std::optional<double> minutes;        ///< at least, by the endpoint's configured limits; none: no limit
};

/// Reads every waiting text. Errors: invalid_argument (no such vectorizer), the connection's.
Result<Estimate> estimate(const Settings& settings, std::string_view vectorizer);

/// The billed tokens of a text, if the model takes `most` tokens of one text.
std::uint64_t paid_tokens(std::uint64_t tokens, std::uint64_t most, LongTexts policy);

/// The least time that the endpoint's configured limits allow; 0: no limit is configured.
double least_minutes(const EndpointLimits& limits, std::uint64_t texts, std::uint64_t tokens);

}  // namespace embedd::app
