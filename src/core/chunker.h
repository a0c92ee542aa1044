/// The port to what cuts long texts into chunks, for vectorizers whose vectors go into a table of their own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/job.h"

namespace embedd {

/// A part of a text that gets a vector of its own.
struct Chunk {
  std::string text;  ///< as it is stored
  std::string sent;  ///< as it is embedded: with its context
  bool operator==(const Chunk&) const = default;
};

/// What one window of a text gives.
struct Cut {
  std::vector<Chunk> chunks;  ///< in order
  ChunkCursor next;           ///< from where the rest is to be cut
  bool last = false;          ///< there is no rest
};

class Chunker {
 public:
  virtual ~Chunker() = default;
  /// Cuts `window`, which begins at `from` of the text; `last`: the text ends with the window. The
  /// part that is not cut yet is shorter than the window, and begins the next window. The same text gives the
  /// same chunks, whatever the windows. Error rejected: the vectorizer's rule cannot be carried out on this
  /// text.
  [[nodiscard]] virtual Result<Cut> cut(const Vectorizer& vectorizer, std::string_view window,
                                        const ChunkCursor& from, bool last) const = 0;
};

}  // namespace embedd
