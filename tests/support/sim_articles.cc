#include "support/sim_articles.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>
#include <utility>

namespace embedd::sim {

std::string Articles::some_chunk(bool unique) {
  const auto kind = below(60);
  if (kind == 0) return fmt::format("poison {}", ++chunks_);
  if (kind < 6 && !unique) return fmt::format("common {}", below(4));
  return fmt::format("part {}", ++chunks_);
}

/// A window has three or four.
std::vector<std::string> Articles::some_chunks(bool unique) {
  std::vector<std::string> chunks(1 + below(below(5) == 0 ? 16 : 4));
  for (std::string& chunk : chunks) chunk = some_chunk(unique);
  return chunks;
}

void Articles::edit(std::vector<std::string>& chunks, bool unique) {
  const std::size_t at = below(chunks.size());
  const auto place = chunks.begin() + static_cast<std::ptrdiff_t>(at);
  switch (below(unique ? 5 : 6)) {
    case 0: chunks[at] = some_chunk(unique); break;
    case 1: chunks.insert(place, some_chunk(unique)); break;
    case 2: chunks.push_back(some_chunk(unique)); break;
    case 3: std::swap(chunks[at], chunks[below(chunks.size())]); break;
    case 4:
      if (chunks.size() > 1) chunks.erase(place);
      break;
    default: chunks.emplace_back(chunks[at]);
  }
}

std::string Articles::next(const std::string& former, bool unique) {
  const auto kind = below(20);
  if (kind == 0) return "";
  std::vector<std::string> chunks;
  std::istringstream parts(former);
  for (std::string chunk; std::getline(parts, chunk, '|');) chunks.push_back(chunk);
  // A row that was refused for one chunk loses the others.
  const bool another = chunks.empty() || chunks.size() > 30 || (unique && former.contains("poison"));
  if (another || kind < 5)
    chunks = some_chunks(unique);
  else
    for (std::size_t edits = 1 + below(3); edits > 0; --edits) edit(chunks, unique);
  return fmt::format("{}", fmt::join(chunks, "|"));
}

}  // namespace embedd::sim
