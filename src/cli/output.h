/// Results for people: tables, colour on a terminal only, and text that cannot harm a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace embedd::cli {

/// Whether stdout or stderr is a terminal that wants colour and movement (NO_COLOR and TERM=dumb say no).
bool stdout_is_terminal();
bool stderr_is_terminal();

enum class Colour { green, yellow, red, bold, dim };
/// `text` in that colour, if stdout is a terminal.
std::string paint(Colour colour, std::string_view text);

/// Writes to stdout. A closed pipe is noticed at the end, by flush_output().
void print(std::string_view text);
/// False if something printed did not arrive.
bool flush_output();
/// One line on stderr: what went wrong, for a person.
void print_error(std::string_view message);
/// One line on stderr: worth knowing, and not part of the result.
void print_note(std::string_view message);

/// `text` on one line: white space collapsed, control characters gone, cut to `max_characters` with an
/// ellipsis. For anything that comes from a table: a row must not move the cursor.
std::string printable(std::string_view text, std::size_t max_characters = std::string::npos);

std::string human_count(std::int64_t number);  ///< 12,345
std::string human_age(double age_seconds);     ///< 850 ms, 12 s, 5 min, 3 h, 2 d

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
