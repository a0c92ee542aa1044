#include "cli/usage_text.h"

#include <fmt/format.h>

#include "cli/output.h"

namespace embedd::cli {

std::string cost_text(std::optional<double> usd, std::int64_t unpriced_tokens) {
  if (!usd) return "unknown";
  return fmt::format("{:.4f}{}", *usd, unpriced_tokens > 0 ? " + unknown" : "");
}

std::string unpriced_note(std::int64_t unpriced_tokens) {
  if (unpriced_tokens == 0) return "";
  return fmt::format("the price of {} tokens is not known; set it in embedd.toml: [price]\n",
                     human_count(unpriced_tokens));
}

}  // namespace embedd::cli
