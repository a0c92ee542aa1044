#include "support/bar_chunker.h"

#include <string>

namespace embedd::test {

Result<Cut> BarChunker::cut(const Vectorizer&, std::string_view window, const ChunkCursor& from,
                            bool last) const {
  if (window.contains('!')) return fail(ErrorKind::rejected, "it cannot be cut");
  Cut out{.next = from, .last = last};
  std::size_t at = 0;
  for (;;) {
    const std::size_t end = window.find('|', at);
    if (end == std::string_view::npos && !last) break;
    const std::string part(window.substr(at, end == std::string_view::npos ? end : end - at));
    out.chunks.push_back({part, part});
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  out.next.characters += static_cast<std::int64_t>(at);
  out.next.chunks += static_cast<std::int32_t>(out.chunks.size());
  return out;
}

}  // namespace embedd::test
