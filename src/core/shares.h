/// How much of a worker's memory and requests each endpoint may use (G10). Each endpoint in use has an equal
/// share, so that a slow endpoint does not take what another could use.
///
/// A pure function of figures. The amounts allowed never add up to more than the whole, with one exception:
/// an endpoint that uses nothing may have one claim or request, however large.
#pragma once

#include <cstddef>

namespace embedd {

class Shares {
 public:
  struct Amount {
    std::size_t bytes = 0;
    std::size_t requests = 0;
  };
  /// What the whole worker uses, and the part of the endpoint that wants more.
  struct Use {
    Amount all;
    Amount endpoint;
    std::size_t endpoints = 1;  ///< endpoints in use, which share the whole
  };

  /// `claim_bytes`: most bytes of text in one claim.
  Shares(Amount all, std::size_t claim_bytes);

  [[nodiscard]] Amount share(std::size_t endpoints) const;
  /// Most inputs of one request, so that several requests fit into the share; at least 1.
  [[nodiscard]] std::size_t most_inputs(std::size_t endpoints, int dimensions,
                                        std::size_t bytes_per_value) const;
  /// Most bytes of text in one claim.
  [[nodiscard]] std::size_t claim_bytes() const { return claim_bytes_; }

  /// Whether any claim may go out. `leases`: leased jobs in memory. `claims`: claims on their way.
  [[nodiscard]] bool takes_claim(std::size_t bytes, std::size_t leases, std::size_t claims) const;
  /// Whether the endpoint's share has room for a claim.
  [[nodiscard]] bool takes_claim_for(Amount endpoint, std::size_t endpoints) const;
  /// Whether the endpoint may have one more request.
  [[nodiscard]] bool takes_request(const Use& use) const;
  /// Whether the endpoint's share has room for an answer of `answer` bytes.
  [[nodiscard]] bool takes_answer(std::size_t answer, const Use& use) const;

 private:
  Amount all_;
  std::size_t claim_bytes_;
};

}  // namespace embedd
