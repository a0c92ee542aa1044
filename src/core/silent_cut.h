/// Notices a server that cuts long texts and does not say so: it bills the same number of tokens for each of
/// them, however long it is.
///
/// An answer bills all of its texts together, so only texts that travelled alone tell something. A few of the
/// longest are asked for alone: each must be longer by an eighth than the one before, which bounds their
/// number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace embedd {

class SilentCut {
 public:
  /// A text of so many bytes should travel alone. It then counts as asked for.
  bool asks_alone(std::size_t bytes);

  struct Found {
    std::uint64_t tokens = 0;  ///< all that is taken of a text
    std::size_t bytes = 0;     ///< of the shortest text that has them
  };
  /// An answer billed so many tokens for `inputs` texts of so many bytes together. Something is found once.
  /// `most_tokens`: where we cut texts ourselves.
  std::optional<Found> answered(std::size_t inputs, std::size_t bytes, std::uint64_t tokens,
                                std::size_t most_tokens);

 private:
  static constexpr std::size_t kLongBytes = 1024;       ///< no limit of a model is shorter
  static constexpr std::uint64_t kLeastTokens = 100;    ///< the same
  static constexpr unsigned kTexts = 3;                 ///< that have to agree
  static constexpr unsigned kFurther = 6;               ///< asked for where the first two agree
  static constexpr std::size_t kMostBytesPerToken = 8;  ///< of natural texts
  static constexpr std::size_t kMargin = 8;  ///< tokens by which servers and we may count differently

  bool silent_ = false;  ///< the server says nothing of tokens
  bool found_ = false;
  std::size_t longest_asked_ = 0;
  unsigned further_ = kFurther;
  std::uint64_t most_ = 0;                  ///< tokens that a text was billed …
  unsigned texts_ = 0;                      ///< … so many times
  std::size_t shortest_ = 0, longest_ = 0;  ///< bytes of these texts
};

}  // namespace embedd
