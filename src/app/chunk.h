/// Shows the chunks of a text. Uses no database, and buys nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <string>

#include "app/settings.h"
#include "base/error.h"
#include "core/chunker.h"

namespace embedd::app {

struct ChunkRequest {
  std::string rule = "recursive:400";
  std::string form;   ///< the chunk template; its columns stay empty
  std::string model;  ///< the model whose tokens are counted; empty: text-embedding-3-small
};

struct ChunkShown {
  std::int64_t number = 0;
  std::uint64_t tokens = 0;  ///< of the text that is sent
  bool exact = false;        ///< they are counted, not bounded
  Chunk chunk;
};

/// Reads `text` piece by piece and calls `show` for each chunk. Errors: invalid_argument, for an invalid rule
/// or template, and for a text that is not UTF-8, with the number of the first bad byte.
Result<void> chunk(const Settings& settings, const ChunkRequest& request, std::istream& text,
                   const std::function<void(const ChunkShown&)>& show);

}  // namespace embedd::app
