/// What `embedd check --probe` asks the endpoints in use: one short text each, as a worker would send it.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "pg/model_uses.h"

namespace embedd::cli {

struct ProbeResult {
  enum class Verdict { good, note, bad };  ///< bad: a worker would rest
  Verdict verdict = Verdict::good;
  std::string subject;
  std::string text;  ///< what was found, or what to change
};

/// Says on stderr beforehand what will be sent, and where. Nothing is sent to an endpoint that is not
/// configured here or has no key: `check` says so itself. Nor to the built-in one.
std::vector<ProbeResult> probe(const Context& context, const std::vector<pg::ModelUse>& uses);

}  // namespace embedd::cli
