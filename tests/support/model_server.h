/// A model server without a GPU, as a model: it computes one request after another, or a few at a time, at a
/// pace of its own; it takes all that it is sent, and computes it whether or not somebody still waits.
///
/// Has no clock and no thread: its owner tells it the time, and asks when to come again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/units.h"

namespace embedd::test {

class ModelServer {
 public:
  using Ticket = std::uint64_t;

  /// `texts_per_second` by all lanes together; one request has one lane.
  explicit ModelServer(double texts_per_second, unsigned lanes = 1)
      : pace_(texts_per_second), lanes_(lanes) {}

  Ticket arrived(std::size_t texts, Instant now);
  void set_pace(double texts_per_second, Instant now);
  /// When the next request will be done, unless the pace changes.
  [[nodiscard]] std::optional<Instant> next_done() const;
  /// What is done by now, in the order of being done.
  std::vector<Ticket> take_done(Instant now);

 private:
  struct Request {
    Ticket ticket;
    double left;  ///< texts
  };
  [[nodiscard]] double lane_pace() const { return pace_ / lanes_; }
  void advance(Instant now);

  double pace_;
  unsigned lanes_;
  Instant at_{};
  Ticket next_ticket_ = 1;
  std::deque<Request> queue_;  ///< the first `lanes_` of them are being computed
  std::vector<Ticket> done_;
};

}  // namespace embedd::test
