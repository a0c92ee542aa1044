/// The scripted provider's control over HTTP, for the standalone binary and for tests in other languages.
///
/// POST /control takes a JSON object; every member is optional, and they apply in this order:
///
///   "forgive": true            forget all scripted answers and poison
///   "latency_ms": 50, "key": "…", "max_inputs": 32, "texts_per_second": 40
///   "requests_per_minute": 600, "tokens_per_minute": 100000
///   "hold": true | false       keep answers back; release them
///   "next": [{"times": 3, "status": 429, "code": "rate_limit_exceeded", "message": "…",
///             "headers": {"retry-after": "2"}}, {"fault": "nan"}, {"status": 503, "body": "plain text"}]
///   "always": {…} | null       an answer as in "next"; null: the truth again
///   "poison": [{"text": "bad row", "status": 400, "code": "invalid_value"}]
///
/// GET /control/stats answers the ProviderStats as JSON; POST /control/times takes {"texts": […]} and answers
/// {"times": […]}, how often each was embedded. An answer with a "fault" and no status is a bent 200.
#pragma once

#include <string>

#include "support/scripted_provider.h"

namespace embedd::test {

Answer control(ScriptedProvider& provider, const std::string& target, const std::string& body);

}  // namespace embedd::test
