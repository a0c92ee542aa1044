#include "core/heartbeat.h"

#include <set>
#include <utility>

#include "core/budgets.h"
#include "core/observer.h"

namespace embedd {

Heartbeat heartbeat(const WorkerState& state, bool draining, Instant now) {
  Heartbeat beat{.rows_embedded = state.summary.rows_embedded,
                 .requests_in_flight = static_cast<std::uint32_t>(state.in_flight.size()),
                 .leases = static_cast<std::uint32_t>(state.leases()),
                 .draining = draining};
  std::set<std::string> endpoints;
  for (const auto& lane : state.lanes) {
    endpoints.insert(lane->vectorizer.endpoint);
    if (lane->rest.probing())
      beat.problems.push_back(
          {.vectorizer = lane->vectorizer.id, .state = "resting", .message = lane->rest.because()});
    else if (lane->lock.locked())
      beat.problems.push_back({.vectorizer = lane->vectorizer.id,
                               .state = "locked",
                               .message = "somebody holds a lock on the whole table"});
    if (lane->vain.braked(now))
      beat.problems.push_back(
          {.vectorizer = lane->vectorizer.id, .state = "braked", .message = lane->vain.braked_because()});
  }
  for (const std::string& endpoint : endpoints) {
    const EndpointGate* gate = state.endpoints.find(endpoint);
    if (gate == nullptr) continue;
    // A provider's message about a refused key may quote a part of the key, which must not be stored.
    const bool about_key = gate->state() == EndpointState::unauthenticated;
    const std::string message = about_key ? "the endpoint refuses the key" : gate->message();
    beat.endpoints.push_back({.endpoint = endpoint,
                              .state = std::string(name_of(gate->state())),
                              .message = message,
                              .in_flight = gate->in_flight(),
                              .concurrency = gate->concurrency(),
                              .inputs_per_second = gate->inputs_per_second()});
    if (gate->state() == EndpointState::ready || gate->state() == EndpointState::slowed) continue;
    beat.problems.push_back(
        {.endpoint = endpoint, .state = std::string(name_of(gate->state())), .message = message});
  }
  for (Problem& problem : Budgets::problems(state)) beat.problems.push_back(std::move(problem));
  return beat;
}

}  // namespace embedd
