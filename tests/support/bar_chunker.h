/// A chunker for tests, whose cuts are seen in the text.
#pragma once

#include <string_view>

#include "core/chunker.h"

namespace embedd::test {

/// Cuts at each "|". In a window that is not the last, what is behind the last "|" waits. "!" cannot be cut.
class BarChunker final : public Chunker {
 public:
  [[nodiscard]] Result<Cut> cut(const Vectorizer&, std::string_view window, const ChunkCursor& from,
                                bool last) const override;
};

}  // namespace embedd::test
