/// Whether a vectorizer's failures are taken for its rows' fault or for its declaration's.
///
/// An accepted request speaks for the declaration. After one row upon another has failed alone, it is
/// doubted, and nothing but the canary should go out: its answer decides. So does an accepted request that
/// was already on its way; then the canary's answer decides nothing.
///
/// Invariant: at most one canary is in flight, and a canary is wanted only while the vectorizer is doubted.
#pragma once

#include <cstddef>

namespace embedd {

class Trust {
 public:
  /// A request was accepted, be it the canary.
  void accepted();
  /// A row failed alone, for a fault that may be the declaration's.
  void failed_alone() { ++failed_alone_; }
  /// Row after row fails alone: the canary is to decide.
  void doubt();
  /// The vectorizer rests: there is nothing left to decide.
  void settle_doubt();
  void canary_sent();
  /// The canary's reply is there. True if the reply decides.
  bool canary_answered();

  [[nodiscard]] bool accepted_before() const { return accepted_before_; }
  /// Since the last accepted request.
  [[nodiscard]] std::size_t rows_failed_alone() const { return failed_alone_; }
  [[nodiscard]] bool doubted() const { return canary_ == Canary::wanted || canary_ == Canary::decides; }
  [[nodiscard]] bool canary_wanted() const { return canary_ == Canary::wanted; }

 private:
  enum class Canary {
    none,     ///< nothing is doubted
    wanted,   ///< doubted, and the canary is still to be sent
    decides,  ///< doubted, and its answer decides
    moot,     ///< in flight, and nothing is doubted any more
  };

  Canary canary_ = Canary::none;
  bool accepted_before_ = false;
  std::size_t failed_alone_ = 0;
};

}  // namespace embedd
