/// What it would take to embed what a vectorizer still has to: rows, tokens, money and time. Spends nothing.
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
  std::uint64_t tokens = 0;       ///< that are paid for
  std::uint64_t too_long = 0;     ///< texts that are longer than the model takes
  bool exact = false;             ///< tokens are counted, not bounded
  std::optional<double> usd;      ///< at list price; none: no price is known
  std::optional<double> minutes;  ///< at least, by the endpoint's configured limits; none: there are none
};

/// Reads every waiting text. Errors: invalid_argument (no such vectorizer), the connection's.
Result<Estimate> estimate(const Settings& settings, std::string_view vectorizer);

/// Of a text's tokens, those that are paid for, where the model takes `most` of one text.
std::uint64_t paid_tokens(std::uint64_t tokens, std::uint64_t most, LongTexts policy);

/// The least time that an endpoint's configured limits allow; 0: none are configured.
double least_minutes(const EndpointLimits& limits, std::uint64_t rows, std::uint64_t tokens);

}  // namespace embedd::app
