/// The requests that were sent and not answered yet, and the last sign of life of their endpoints.
///
/// An endpoint's answer to one request is a sign of life for the requests that were sent later: they may have
/// waited for that answer.
///
/// Invariant: each request is here from add() to take(); ids grow in the order in which requests are sent.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/endpoint_gate.h"
#include "core/job.h"

namespace embedd {

class InFlight {
 public:
  /// Gives the request an id, and tells its endpoint's gate. The reference is valid until take().
  Batch& add(Batch packed, EndpointGate& gate, Instant now);
  /// Call when the reply has come, or the request was given up. The request must be here.
  Batch take(std::uint64_t id);
  /// The endpoint has answered this request.
  void hear(const Batch& answered, Instant now);
  /// Requests whose endpoint has been silent for longer than their patience.
  [[nodiscard]] std::vector<std::uint64_t> silent(Instant now) const;
  /// Marks the request as given up. It stays here until take().
  const Batch& give_up(std::uint64_t id);

  [[nodiscard]] std::size_t size() const { return batches_.size(); }
  [[nodiscard]] std::size_t requests_of(VectorizerId vectorizer) const;
  /// Jobs of all requests.
  [[nodiscard]] std::size_t jobs() const;
  [[nodiscard]] std::size_t bytes() const;
  struct Use {
    std::size_t bytes = 0, requests = 0, inputs = 0;
  };
  [[nodiscard]] Use used_by(const std::string& endpoint) const;

  /// The requests in the order of sending.
  [[nodiscard]] const std::map<std::uint64_t, Batch>& batches() const { return batches_; }
  /// Call when leases were extended. `renew` gets the jobs of each request of the vectorizer, and sets when
  /// their leases lapse.
  template <typename Renew>
  void renew(VectorizerId vectorizer, Renew renew) {
    for (auto& [id, batch] : batches_)
      if (batch.vectorizer.id == vectorizer) renew(batch.jobs);
  }

 private:
  std::map<std::uint64_t, Batch> batches_;  ///< by id
  std::uint64_t next_id_ = 1;
};

}  // namespace embedd
