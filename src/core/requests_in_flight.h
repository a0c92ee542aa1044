/// Into how many requests to divide the inputs in flight at one endpoint: into more only if that brings more
/// inputs a second.
///
/// If answers take as long as they may, another number is tried before it is kept, as PCC does (Dong et al.,
/// NSDI 2015). The number doubles while that brings enough. Then it falls by a quarter while nothing is lost.
/// Then it stays for a while, and the search begins again. Meanwhile the inputs in flight stay the same, so
/// that no worker gains at the cost of others that use the same server. The rate follows from Little's law:
/// requests × inputs ÷ time.
///
/// If answers are quicker, there are as many requests as the inputs fill (see InputsInFlight).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/answered.h"

namespace embedd {

class RequestsInFlight {
 public:
  /// How many requests to keep in flight: at least 1, at most `most`.
  [[nodiscard]] std::uint32_t count(std::uint32_t most) const;
  /// True while another number is tried: inputs in flight should stay the same.
  [[nodiscard]] bool trying() const { return trial_ != 0; }

  /// `full`: as many requests as carry all inputs in flight if each has as many as it can.
  void answered(const Answered& answer, double full, std::uint32_t most, Instant now);
  /// The load was too much with this many requests in flight.
  void too_much(std::uint32_t requests, Instant now);
  /// Ends a trial that later answers cannot decide.
  void give_up_trial(Instant now);

 private:
  /// Answers with one number of requests in flight.
  class Sample {
   public:
    void add(const Answered& answer);
    [[nodiscard]] bool enough(std::uint32_t requests) const;
    /// Inputs a second, with `requests` in flight.
    [[nodiscard]] double rate(std::uint32_t requests) const { return requests / seconds_per_input_; }
    /// Mean seconds, and mean inputs, of an answer.
    [[nodiscard]] double took() const { return took_; }
    [[nodiscard]] double inputs() const { return inputs_; }

   private:
    double answers_ = 0;
    double seconds_per_input_ = 0, squares_ = 0;  ///< mean and squared deviations: Welford's sums
    double took_ = 0, inputs_ = 0;
  };

  void follow(double full, std::uint32_t most, Instant now);
  void enough_here(std::uint32_t most, Instant now);
  void try_more(std::uint32_t most, Instant now);
  void try_fewer(Instant now);
  void begin_trial(std::uint32_t requests, Instant now);
  void judge(std::uint32_t most, Instant now);
  [[nodiscard]] bool more_are_worth_it() const;
  [[nodiscard]] bool disturbed() const;
  void rest(Instant now);

  static constexpr Duration kFirstRest = seconds(30);

  std::uint32_t found_ = 2;  ///< the best number found
  std::uint32_t full_ = 1;   ///< the last `full`, roughly
  bool slow_ = false;        ///< answers take as long as they may: no more requests than found
  std::uint32_t trial_ = 0;  ///< the number that is tried; 0: none
  std::uint32_t trial_answers_ = 0;
  std::uint32_t count_ = 2;  ///< the number when the last answer came
  Instant since_{};          ///< when `count_` last changed; earlier requests show nothing about it
  Sample here_, there_;      ///< answers with `count_`, and with `trial_`
  Instant rests_until_{};
  Duration rest_ = kFirstRest;
};

}  // namespace embedd
