/// Notices a server that cuts long texts and does not say so: it bills the same number of tokens for each
/// long text, whatever its length.
///
/// An answer bills all of its texts together, so mostly texts that travelled alone show something. A few of
/// the longest texts are asked for alone. Each must be longer by an eighth than the one before, which bounds
/// their number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace embedd {

class SilentCut {
 public:
  /// True if a text of `bytes` should travel alone. The text then counts as asked for.
  bool asks_alone(std::size_t bytes);

  struct Found {
    std::uint64_t tokens = 0;  ///< all that the server takes of a text
    std::size_t bytes = 0;     ///< of the shortest text with this many tokens
  };
  /// An answer billed `tokens` for `inputs` texts of `bytes` together. A cut is found once. `most_tokens`:
  /// the length at which embedd itself cuts texts.
  std::optional<Found> answered(std::size_t inputs, std::size_t bytes, std::uint64_t tokens,
                                std::size_t most_tokens);

 private:
  static constexpr std::size_t kLongBytes = 1024;       ///< no limit of a model is shorter
  static constexpr std::uint64_t kLeastTokens = 100;    ///< no limit of a model is shorter
  static constexpr unsigned kTexts = 3;                 ///< texts that have to agree
  static constexpr unsigned kFurther = 6;               ///< further texts asked for if the first two agree
  static constexpr std::size_t kMostBytesPerToken = 8;  ///< of natural texts
  static constexpr std::size_t kMargin = 8;             ///< tokens by which two counts of one text may differ

  bool silent_ = false;  ///< the server names no tokens
  bool found_ = false;
  std::size_t longest_asked_ = 0;
  unsigned further_ = kFurther;
  std::uint64_t most_ = 0;                  ///< most tokens billed for a text
  unsigned texts_ = 0;                      ///< texts billed that many tokens
  std::size_t shortest_ = 0, longest_ = 0;  ///< bytes of these texts
};

}  // namespace embedd
