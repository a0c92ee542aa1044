/// Who may have how much of a worker's memory and requests (G10): each endpoint that is in use an equal
/// share, so that one that answers slowly does not take what another could use.
///
/// A pure function of figures. What is allowed never adds up to more than there is, but for one rule: whoever
/// has nothing may have one, however large it is.
#pragma once

#include <cstddef>

namespace embedd {

class Budget {
 public:
  struct Amount {
    std::size_t bytes = 0;
    std::size_t requests = 0;
  };
  /// What is in use: of the worker, and of that the part of the endpoint that wants more.
  struct Use {
    Amount all;
    Amount endpoint;
    std::size_t endpoints = 1;  ///< that are in use; they share
  };

  /// `claim_bytes`: most text of one claim.
  Budget(Amount all, std::size_t claim_bytes);

  [[nodiscard]] Amount share(std::size_t endpoints) const;
  /// Inputs of one request, so that several requests fit into the share; at least 1.
  [[nodiscard]] std::size_t most_inputs(std::size_t endpoints, int dimensions,
                                        std::size_t bytes_per_value) const;
  /// Most text of one claim.
  [[nodiscard]] std::size_t claim_bytes() const { return claim_bytes_; }

  /// Whether any claim may go out, while so many are on their way. `leases`: of jobs that are held.
  [[nodiscard]] bool takes_claim(std::size_t bytes, std::size_t leases, std::size_t claims) const;
  /// Whether the endpoint may have a claim of its own.
  [[nodiscard]] bool takes_claim_for(Amount endpoint, std::size_t endpoints) const;
  /// Whether the endpoint may have one more request …
  [[nodiscard]] bool takes_request(const Use& use) const;
  /// … whose answer has so many bytes.
  [[nodiscard]] bool takes_answer(std::size_t answer, const Use& use) const;

 private:
  Amount all_;
  std::size_t claim_bytes_;
};

}  // namespace embedd
