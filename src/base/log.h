/// Structured logs: stable event names with fields, one JSON object a line, or a readable line on a terminal.
///
///   log::info("batch_completed", {{"vectorizer", name}, {"rows", rows}});
///
/// Thread-safe. Lines go to stderr; stdout is for results. Never pass a row's text or a secret. Hidden
/// secrets (base/redaction.h) are masked as a second defence.
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

/// Sets the least level that is written, and the format. Before the first call: info, automatic.
void configure(Level level, Format format);

/// While enabled, each line first clears the terminal's current line, which may show a progress bar.
void clear_line_first(bool enabled);

void write(Level level, std::string_view event, Fields fields);
inline void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, fields); }
inline void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
inline void warn(std::string_view event, Fields fields = {}) { write(Level::warn, event, fields); }
inline void error(std::string_view event, Fields fields = {}) { write(Level::error, event, fields); }

/// Writes `text` as it is, line ends included, in order with the log's lines.
void write_plain(std::string_view text);

/// From now on a thread writes the lines, so that no caller waits for the reader of stderr. If nobody reads,
/// 256 KiB of lines wait, as much again is being written, and further lines are dropped. When the reader is
/// back, an event `log_dropped` in their place says how many were dropped.
void write_in_background();

/// Waits until all lines are written, at most `at_most`. Call before the process ends.
void flush(Duration at_most = seconds(1));

/// Lines dropped so far.
std::uint64_t dropped();

}  // namespace embedd::log
