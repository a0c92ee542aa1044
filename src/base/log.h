/// Structured logs: stable event names with fields, one JSON object a line, or a readable line on a terminal.
///
///   log::info("batch_completed", {{"vectorizer", name}, {"rows", rows}});
///
/// Thread-safe. Lines go to stderr; stdout belongs to results. Never pass a secret or a row's text.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

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

}  // namespace embedd::log
