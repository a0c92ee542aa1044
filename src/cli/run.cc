#include "cli/run.h"

#include <exception>

#include "base/log.h"
#include "cli/arguments.h"
#include "cli/output.h"

namespace embedd::cli {

namespace {

void configure_log(const SettingValues& values) {
  const std::string& level = values.text("log_level");
  const std::string& format = values.text("log_format");
  log::configure(level == "debug"   ? log::Level::debug
                 : level == "warn"  ? log::Level::warn
                 : level == "error" ? log::Level::error
                 : level == "off"   ? log::Level::off
                                    : log::Level::info,
                 format == "json"   ? log::Format::json
                 : format == "text" ? log::Format::text
                                    : log::Format::automatic);
}

/// A person's mistake has an exit code of its own, as shells expect.
int report(const Error& error) {
  print_error(error.message);
  return error.kind == ErrorKind::invalid_argument ? kUsage : kFailed;
}

int run_command(Arguments& arguments) {
  Context context{.json = arguments.json};
  auto config = load_config({process_environment(), std::move(arguments.flags), "."});
  if (config) {
    context.config = std::move(*config);
    configure_log(context.config.values);
    if (!context.config.note.empty()) log::warn("configuration", {{"note", context.config.note}});
  } else if (arguments.reports_bad_config) {
    context.config_error = std::move(config.error());
  } else {
    return report(config.error());
  }
  auto code = arguments.command(context);
  return code ? *code : report(code.error());
}

}  // namespace

int run(int argc, char** argv) {
  try {
    Arguments arguments = parse_arguments(argc, argv);
    const int code = arguments.exit_code ? *arguments.exit_code : run_command(arguments);
    log::flush();  // a terminal shows the log before the result
    if (flush_output()) return code;
    print_error("the output could not be written");
  } catch (const std::exception& error) {
    print_error(error.what());
  }
  log::flush();
  return kFailed;
}

}  // namespace embedd::cli
