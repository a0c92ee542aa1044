/// The port through which the worker tells metrics, logs and health what happens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "core/embedder.h"
#include "core/job.h"
#include "core/queue.h"

namespace embedd {

/// State of an endpoint's gate, as metrics and status show it.
enum class EndpointState { ready, slowed, paused, no_api_key, unauthenticated, quota_exhausted, undefined };
std::string_view name_of(EndpointState state);

/// A budget is spent, or can be spent again.
struct BudgetNews {
  std::string vectorizer, endpoint;  ///< whose budget it is: one of them
  bool waits = false;                ///< nothing is bought
  std::string message;               ///< why; empty if nothing waits
};

/// Is told what happens. Must not block. No method has a default, so that an observer which forwards all
/// calls cannot forget one.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void claimed(const Vectorizer&, std::size_t jobs, std::size_t rescued) = 0;
  virtual void request_started(const Vectorizer&, std::size_t inputs, std::size_t tokens) = 0;
  virtual void request_finished(const Vectorizer&, const Reply&) = 0;
  /// `jobs` of one settlement ended with `outcome`.
  virtual void settled(const Vectorizer&, const Settlement&, Outcome, std::size_t jobs) = 0;
  /// A vector was stored `freshness` after its text changed.
  virtual void fresh(const Vectorizer&, Duration freshness) = 0;
  /// Jobs of a batch were rescheduled. `charged`: with an attempt.
  virtual void rescheduled(const Vectorizer&, ErrorKind, std::size_t jobs, bool charged) = 0;
  virtual void discarded(const Vectorizer&, ErrorKind, const std::string& message) = 0;
  virtual void truncated(const Vectorizer&, std::size_t tokens) = 0;
  /// The endpoint bills `tokens` for each long text, whatever its length: it cuts long texts and does not say
  /// so. `most`: what the endpoint's max_input_tokens should be.
  virtual void cut_silently(const Vectorizer&, std::size_t tokens, std::size_t most) = 0;
  /// In one answer, `texts` different texts have the vectors of others, bit by bit. If `refused`, nothing of
  /// the answer is stored, and each text is asked for alone. Otherwise the vectors were equal alone, too.
  virtual void equal_vectors(const Vectorizer&, std::size_t texts, bool refused) = 0;
  /// Jobs were given back unbought, because their rows were bought too often of late.
  virtual void braked(const Vectorizer&, std::size_t jobs, const std::string& why) = 0;
  virtual void unbooked(const Unbooked&) = 0;
  /// A request was given up after `silence` without a sign of life. The server may still compute its inputs.
  virtual void abandoned(const Vectorizer&, std::size_t inputs, Duration silence) = 0;
  /// The pace that was found for an endpoint: requests at a time, and inputs a second.
  virtual void paced(const std::string& endpoint, std::uint32_t requests, double inputs_per_second) = 0;
  virtual void endpoint_changed(const std::string& endpoint, EndpointState, const std::string& message,
                                Duration pause) = 0;
  /// A vectorizer's declaration is refused, by its endpoint (model, dimensions) or by the database. An empty
  /// message: a row of the vectorizer was stored again.
  virtual void vectorizer_resting(const Vectorizer&, const std::string& message, Duration pause) = 0;
  virtual void budget_changed(const BudgetNews&) = 0;
  virtual void polled(const std::vector<VectorizerState>&) = 0;
  virtual void walked(const Vectorizer&, const WalkPage::Progress&) = 0;
  virtual void database_error(std::string_view what, const Error&) = 0;
  /// What the worker has under way, once a turn.
  virtual void in_flight(std::size_t requests, std::size_t leases, std::size_t held_bytes) = 0;
  /// The loop has begun another turn: at least once per poll interval.
  virtual void turned() = 0;
};

/// An observer whose methods do nothing unless overridden.
class PartialObserver : public Observer {
 public:
  void claimed(const Vectorizer&, std::size_t jobs, std::size_t rescued) override {}
  void request_started(const Vectorizer&, std::size_t inputs, std::size_t tokens) override {}
  void request_finished(const Vectorizer&, const Reply&) override {}
  void settled(const Vectorizer&, const Settlement&, Outcome, std::size_t jobs) override {}
  void fresh(const Vectorizer&, Duration freshness) override {}
  void rescheduled(const Vectorizer&, ErrorKind, std::size_t jobs, bool charged) override {}
  void discarded(const Vectorizer&, ErrorKind, const std::string& message) override {}
  void truncated(const Vectorizer&, std::size_t tokens) override {}
  void cut_silently(const Vectorizer&, std::size_t tokens, std::size_t most) override {}
  void equal_vectors(const Vectorizer&, std::size_t texts, bool refused) override {}
  void braked(const Vectorizer&, std::size_t jobs, const std::string& why) override {}
  void unbooked(const Unbooked&) override {}
  void abandoned(const Vectorizer&, std::size_t inputs, Duration silence) override {}
  void paced(const std::string& endpoint, std::uint32_t requests, double inputs_per_second) override {}
  void endpoint_changed(const std::string& endpoint, EndpointState, const std::string& message,
                        Duration pause) override {}
  void vectorizer_resting(const Vectorizer&, const std::string& message, Duration pause) override {}
  void budget_changed(const BudgetNews&) override {}
  void polled(const std::vector<VectorizerState>&) override {}
  void walked(const Vectorizer&, const WalkPage::Progress&) override {}
  void database_error(std::string_view what, const Error&) override {}
  void in_flight(std::size_t requests, std::size_t leases, std::size_t held_bytes) override {}
  void turned() override {}
};

}  // namespace embedd
