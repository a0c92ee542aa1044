/// The state that the parts of a worker share. Each class here alone changes its own state.
#pragma once

#include <cstddef>
#include <string>

#include "core/chunker.h"
#include "core/embedder.h"
#include "core/endpoints.h"
#include "core/in_flight.h"
#include "core/lanes.h"
#include "core/observer.h"
#include "core/queue.h"
#include "core/random.h"
#include "core/settlements.h"
#include "core/shares.h"
#include "core/spending_brake.h"
#include "core/tokenizer.h"
#include "core/worker_options.h"

namespace embedd {

struct WorkerState {
  WorkerState(const WorkerOptions& options, Queue& queue, Embedder& embedder,
              const TokenizerCatalog& tokenizers, const Chunker& chunker, Observer& observer);

  const WorkerOptions options;
  const Shares shares;
  Queue& queue;
  Embedder& embedder;
  const TokenizerCatalog& tokenizers;
  const Chunker& chunker;
  Observer& observer;
  Random random;

  Lanes lanes;
  Endpoints endpoints;
  InFlight in_flight;
  Settlements settlements;
  SpendingBrake brake;
  WorkerSummary summary;

  [[nodiscard]] const Tokenizer& tokenizer_of(const Lane& lane) const {
    return tokenizers.tokenizer_for(lane.vectorizer.model);
  }
  /// Leased jobs in buffers, requests and settlements.
  [[nodiscard]] std::size_t leases() const;
  /// Memory reserved for buffers, requests and settlements.
  [[nodiscard]] std::size_t held_bytes() const;
  /// What buffers and requests of the endpoint use.
  [[nodiscard]] Shares::Amount used_by(const std::string& endpoint) const;
  [[nodiscard]] std::size_t endpoints_in_use() const;
};

}  // namespace embedd
