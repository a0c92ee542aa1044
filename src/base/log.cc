#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <mutex>
#include <type_traits>

#include "base/background_writer.h"
#include "base/json.h"
#include "base/redaction.h"

namespace embedd::log {

namespace {

/// A thousand lines and more.
constexpr std::size_t kMostWaiting = 256 * kKiB;

struct Sink {
  std::atomic<Level> least = Level::info;
  std::atomic<bool> json = isatty(STDERR_FILENO) == 0;
  std::atomic<bool> clear_line = false;
  std::mutex mutex;                                     ///< locked while a line is written in the foreground
  std::atomic<BackgroundWriter*> background = nullptr;  ///< once set, never reset

  void write(std::string_view text) {
    if (BackgroundWriter* const writer = background) return writer->write(text);
    const std::lock_guard lock(mutex);
    write_all(STDERR_FILENO, text);
  }
};

/// Never destroyed: threads may still log while the process ends.
Sink& sink() {
  static auto& instance = *new Sink;
  return instance;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
    case Level::off: break;
  }
  return "off";
}

/// RFC 3339 with milliseconds, UTC.
std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t whole = std::chrono::system_clock::to_time_t(now);
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&whole, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis);
}

/// `value` without a secret.
Value redacted(const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? value : Value(redact(*text));
}

std::string as_json(Level level, std::string_view event, Fields fields) {
  JsonWriter json;
  json.object();
  json.key("ts").value(timestamp()).key("level").value(name_of(level)).key("event").value(event);
  for (const Field& field : fields) {
    json.key(field.name);
    std::visit([&](const auto& value) { json.value(value); }, redacted(field.value));
  }
  json.end();
  return json.str();
}

std::string as_text(Level level, std::string_view event, Fields fields) {
  std::string line = fmt::format("{} {:<5} {}", timestamp().substr(11, 12), name_of(level), event);
  for (const Field& field : fields) {
    fmt::format_to(std::back_inserter(line), " {}=", field.name);
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
            append_json_string(line, value);
          else
            fmt::format_to(std::back_inserter(line), "{}", value);
        },
        redacted(field.value));
  }
  return line;
}

std::string line_of(Level level, std::string_view event, Fields fields) {
  const Sink& out = sink();
  return fmt::format("{}{}\n", out.clear_line ? "\r\x1b[K" : "",
                     out.json ? as_json(level, event, fields) : as_text(level, event, fields));
}

}  // namespace

void configure(Level level, Format format) {
  sink().least = level;
  if (format != Format::automatic) sink().json = format == Format::json;
}

void clear_line_first(bool enabled) { sink().clear_line = enabled; }

void write(Level level, std::string_view event, Fields fields) {
  if (level >= sink().least) sink().write(line_of(level, event, fields));
}

void write_plain(std::string_view text) { sink().write(text); }

void write_in_background() {
  const std::lock_guard lock(sink().mutex);
  if (sink().background != nullptr) return;
  sink().background = new BackgroundWriter(STDERR_FILENO, kMostWaiting, [](std::uint64_t lines) {
    return line_of(Level::warn, "log_dropped", {{"lines", lines}});
  });
}

void flush(Duration at_most) {
  if (BackgroundWriter* const writer = sink().background) writer->flush(at_most);
}

std::uint64_t dropped() {
  const BackgroundWriter* const writer = sink().background;
  return writer == nullptr ? 0 : writer->dropped();
}

}  // namespace embedd::log
