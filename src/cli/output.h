/// Prints results for people: tables, and colour on a terminal only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/readable.h"

namespace embedd::cli {

/// Whether stdout or stderr is a terminal that wants colour and movement (NO_COLOR and TERM=dumb say no).
bool stdout_is_terminal();
bool stderr_is_terminal();

enum class Colour { green, yellow, red, bold, dim };
/// `text` in this colour if stdout is a terminal.
std::string paint(Colour colour, std::string_view text);

/// Writes to stdout. flush_output() reports a closed pipe.
void print(std::string_view text);
/// False if anything printed could not be written.
bool flush_output();
/// Prints an error for a person, as one line on stderr.
void print_error(std::string_view message);
/// Prints a note for a person, as one line on stderr; it is not part of the result.
void print_note(std::string_view message);

/// Left-aligned columns, two spaces apart; the last is not padded.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.size() == 1; }
  [[nodiscard]] std::string str() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace embedd::cli
