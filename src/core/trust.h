/// Whether a vectorizer's failures count as the fault of its rows or of its declaration.
///
/// An accepted request shows that the declaration is right. After many rows in a row have failed alone, the
/// declaration is doubted, and the lane sends only the canary, whose answer decides. An accepted request that
/// was already in flight also decides; then the canary's answer no longer matters.
///
/// Invariant: at most one canary is in flight, and a canary is wanted only while the vectorizer is doubted.
#pragma once

#include <cstddef>

namespace embedd {

class Trust {
 public:
  /// A request was accepted, a canary or another.
  void accepted();
  /// A row failed alone, by a fault that may be the declaration's.
  void failed_alone() { ++failed_alone_; }
  /// Row after row failed alone: the canary must decide.
  void doubt();
  /// The vectorizer rests: nothing is left to decide.
  void settle_doubt();
  void canary_sent();
  /// The canary's reply has come. True if this reply decides.
  bool canary_answered();

  [[nodiscard]] bool accepted_before() const { return accepted_before_; }
  /// Since the last accepted request.
  [[nodiscard]] std::size_t rows_failed_alone() const { return failed_alone_; }
  [[nodiscard]] bool doubted() const { return canary_ == Canary::wanted || canary_ == Canary::decides; }
  [[nodiscard]] bool canary_wanted() const { return canary_ == Canary::wanted; }

 private:
  enum class Canary {
    none,     ///< there is no doubt
    wanted,   ///< there is doubt, and the canary is still to be sent
    decides,  ///< there is doubt, and the canary's answer decides
    moot,     ///< the canary is in flight, and there is no doubt any more
  };

  Canary canary_ = Canary::none;
  bool accepted_before_ = false;
  std::size_t failed_alone_ = 0;
};

}  // namespace embedd
