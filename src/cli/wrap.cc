#include "cli/wrap.h"

#include <algorithm>

namespace embedd::cli {

std::string wrapped(std::string_view line, std::size_t width) {
  std::string out;
  std::size_t used = 0;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    if (used > 0 && used + 1 + word.size() > width) {
      out += "\n  ";
      used = 2;
    } else if (!out.empty()) {
      out += ' ';
      ++used;
    }
    out += word;
    used += word.size();
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}

}  // namespace embedd::cli
