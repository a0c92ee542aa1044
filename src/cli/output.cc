#include "cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/log.h"
#include "base/redaction.h"

namespace embedd::cli {

namespace {

bool is_terminal(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return isatty(descriptor) == 1 && (no_colour == nullptr || *no_colour == '\0') && term != nullptr &&
         std::string_view(term) != "dumb";
}

bool output_failed = false;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Characters on screen, nearly: code points, without the escapes that paint() adds.
std::size_t width(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = std::min(text.find('m', i), text.size() - 1);
      continue;
    }
    if (!is_continuation(text[i])) ++count;
  }
  return count;
}

}  // namespace

bool stdout_is_terminal() {
  static const bool terminal = is_terminal(STDOUT_FILENO);
  return terminal;
}

bool stderr_is_terminal() {
  static const bool terminal = is_terminal(STDERR_FILENO);
  return terminal;
}

std::string paint(Colour colour, std::string_view text) {
  if (!stdout_is_terminal()) return std::string(text);
  int code = 0;
  switch (colour) {
    case Colour::green: code = 32; break;
    case Colour::yellow: code = 33; break;
    case Colour::red: code = 31; break;
    case Colour::bold: code = 1; break;
    case Colour::dim: code = 2; break;
  }
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) output_failed = true;
}

bool flush_output() { return std::fflush(stdout) == 0 && !output_failed; }

void print_error(std::string_view message) { log::write_plain(fmt::format("embedd: {}\n", redact(message))); }

void print_note(std::string_view message) { print_error(message); }

std::string Table::str() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (std::size_t i = 0; i < rows_[r].size(); ++i) {
      const std::string& cell = rows_[r][i];
      out += r == 0 ? paint(Colour::bold, cell) : cell;
      if (i + 1 < rows_[r].size()) out.append(widths[i] - width(cell) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace embedd::cli
