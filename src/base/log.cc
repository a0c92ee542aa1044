#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>

#include "base/json.h"

namespace embedd::log {

namespace {

struct Sink {
  std::shared_ptr<spdlog::logger> logger =
      std::make_shared<spdlog::logger>("embedd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  bool json = isatty(STDERR_FILENO) == 0;
  std::atomic<bool> clear_line = false;

  Sink() {
    logger->set_pattern("%v");
    logger->flush_on(spdlog::level::debug);
    logger->set_level(spdlog::level::info);
  }
};

Sink& sink() {
  static Sink instance;
  return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    case Level::off: break;
  }
  return spdlog::level::off;
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

std::string as_json(Level level, std::string_view event, Fields fields) {
  JsonWriter json;
  json.object();
  json.key("ts").value(timestamp()).key("level").value(name_of(level)).key("event").value(event);
  for (const Field& field : fields) {
    json.key(field.name);
    std::visit([&](const auto& value) { json.value(value); }, field.value);
  }
  json.end();
  return json.str();
}

std::string as_text(Level level, std::string_view event, Fields fields) {
  std::string line = fmt::format("{} {:<5} {}", timestamp().substr(11, 12), name_of(level), event);
  for (const Field& field : fields) {
    fmt::format_to(std::back_inserter(line), " {}=", field.name);
    if (const auto* text = std::get_if<std::string>(&field.value))
      append_json_string(line, *text);
    else
      std::visit(
          [&](const auto& value) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, std::string>)
              fmt::format_to(std::back_inserter(line), "{}", value);
          },
          field.value);
  }
  return line;
}

}  // namespace

void configure(Level level, Format format) {
  sink().logger->set_level(to_spdlog(level));
  if (format != Format::automatic) sink().json = format == Format::json;
}

void clear_line_first(bool enabled) { sink().clear_line = enabled; }

void write(Level level, std::string_view event, Fields fields) {
  Sink& out = sink();
  if (!out.logger->should_log(to_spdlog(level))) return;
  out.logger->log(to_spdlog(level), "{}{}", out.clear_line ? "\r\x1b[K" : "",
                  out.json ? as_json(level, event, fields) : as_text(level, event, fields));
}

}  // namespace embedd::log
