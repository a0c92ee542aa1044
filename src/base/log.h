/// Structured logs: stable event names with fields, one JSON object a line, or a readable line on a terminal.
///
///   log::info("batch_completed", {{"vectorizer", name}, {"rows", rows}});
///
/// Thread-safe. Lines go to stderr; stdout belongs to results. Never pass a row's text, nor a secret, though
/// secrets that are hidden (base/redaction.h) are taken out.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "base/units.h"

namespace embedd::log {

enum class Level { debug, info, warn, error, off };
enum class Format { automatic, json, text };  ///< automatic: text on a terminal, else JSON

using Value = std::variant<std::int64_t, double, bool, std::string>;

struct Field {
  Field(std::string_view name, std::string_view text) : name(name), value(std::string(text)) {}
  Field(std::string_view name, const char* text) : name(name), value(std::string(text)) {}
  Field(std::string_view name, const std::string& text) : name(name), value(text) {}
  Field(std::string_view name, bool flag) : name(name), value(flag) {}
  Field(std::string_view name, double number) : name(name), value(number) {}
  template <typename Int>
    requires std::is_integral_v<Int>
  Field(std::string_view name, Int number) : name(name), value(static_cast<std::int64_t>(number)) {}

  std::string_view name;
  Value value;
};
using Fields = std::initializer_list<Field>;

/// Sets what is written and how. Before the first call: info and up, automatic.
void configure(Level level, Format format);

/// While set, a line first clears the terminal's current one, where a progress bar may be.
void clear_line_first(bool enabled);

void write(Level level, std::string_view event, Fields fields);
inline void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, fields); }
inline void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
inline void warn(std::string_view event, Fields fields = {}) { write(Level::warn, event, fields); }
inline void error(std::string_view event, Fields fields = {}) { write(Level::error, event, fields); }

/// Writes `text`, line ends included, as it is, in turn with the lines.
void write_plain(std::string_view text);

/// From now on nobody who logs waits for whoever reads stderr: a thread writes the lines. If they are not
/// read, 256 KiB of them wait, as much again is being written, and the rest is dropped; when the reader is
/// back, an event `log_dropped` stands in the place of the dropped lines and says how many they were.
void write_in_background();

/// Waits until all lines are written, for at most so long. Before the end of the process.
void flush(Duration at_most = seconds(1));

/// Lines dropped so far.
std::uint64_t dropped();

}  // namespace embedd::log
