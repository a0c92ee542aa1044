/// Whether a vectorizer's failures are taken for its rows' fault or for its declaration's.
///
/// An accepted request speaks for the declaration. After one row upon another has failed alone, it is
/// doubted: nothing goes out but the canary, one at a time, until something decides. An accepted request that
/// was on its way does so, too; then the canary's answer decides nothing any more.
///
/// Invariant: one canary at a time; while the vectorizer is doubted, no other request starts.
#pragma once

#include <cstddef>

namespace embedd {

class Trust {
 public:
  /// A request was accepted, be it the canary.
  void accepted();
  /// A row failed alone, for a fault that may be the declaration's.
  void failed_alone() { ++failed_alone_; }
  /// Ask the canary.
  void doubt();
  /// It is decided without the canary: the vectorizer rests.
  void settle_doubt();
  void canary_sent();
  /// The canary's reply is there; it is not what decides if somebody else already has. True if it decides.
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
