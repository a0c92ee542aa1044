#include "cli/complete.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <vector>

#include "cli/settings.h"

namespace embedd::cli {

namespace {

constexpr const char* kFiles = ":files\n";

const CLI::App* find_command(const CLI::App& group, const std::string& name) {
  for (const CLI::App* command : group.get_subcommands([](const CLI::App*) { return true; }))
    if (command->get_name() == name) return command;
  return nullptr;
}

/// The flag of that name, of the command or of all commands; null if there is none.
const CLI::Option* find_flag(const CLI::App& app, const CLI::App& command, std::string_view flag) {
  if (!flag.starts_with('-')) return nullptr;
  const bool is_long = flag.starts_with("--");
  const std::string name(flag.substr(is_long ? 2 : 1));
  for (const CLI::App* owner : {&command, &app})
    for (const CLI::Option* option : owner->get_options()) {
      const std::vector<std::string>& names = is_long ? option->get_lnames() : option->get_snames();
      if (std::ranges::find(names, name) != names.end()) return option;
    }
  return nullptr;
}

bool takes_value(const CLI::Option* option) {
  return option != nullptr && option->get_items_expected_min() > 0;
}

/// The values between which `option` chooses: CLI11 names such a type TEXT:{hnsw,halfvec}, and a setting has
/// off|on as its unit. `:files` for a file.
std::string values_of(const CLI::Option& option, std::string_view before, std::string_view begun) {
  std::string type = option.get_option_text().empty() ? option.get_type_name() : option.get_option_text();
  char separator = ',';
  if (!option.get_lnames().empty()) {
    std::string name = option.get_lnames().front();
    std::ranges::replace(name, '-', '_');
    const Setting* setting = option.get_group().empty() ? find_setting(name) : nullptr;
    if (setting != nullptr && setting->type == SettingType::path) return kFiles;
    if (setting != nullptr && setting->type == SettingType::choice) {
      type = fmt::format("{{{}}}", setting->unit);
      separator = '|';
    }
  }
  if (type == "FILE") return kFiles;
  const std::size_t open = type.find('{'), close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return "";
  std::string out;
  for (const std::string& value : CLI::detail::split(type.substr(open + 1, close - open - 1), separator))
    if (value.starts_with(begun)) out += fmt::format("{}{}\t\n", before, value);
  return out;
}

/// A flag that --help leaves out, a setting, is offered when its name is begun.
std::string flags_of(const CLI::App& app, const CLI::App& command, std::string_view begun) {
  std::vector<const CLI::Option*> options = command.get_options();
  if (&command != &app && begun.size() > 2)
    for (const CLI::Option* option : app.get_options())
      if (option->get_group().empty()) options.push_back(option);
  std::string out;
  for (const CLI::Option* option : options) {
    if (option->get_group().empty() && begun.size() <= 2) continue;
    for (const std::string& name : option->get_lnames())
      if (const std::string flag = "--" + name; flag.starts_with(begun))
        out += fmt::format("{}\t{}\n", flag, option->get_description());
  }
  return out;
}

std::string commands_of(const CLI::App& group, std::string_view begun) {
  std::string out;
  for (const CLI::App* command : group.get_subcommands([](const CLI::App*) { return true; }))
    if (command->get_name().starts_with(begun))
      out += fmt::format("{}\t{}\n", command->get_name(), command->get_description());
  return out;
}

}  // namespace

std::string offers(const CLI::App& app, std::span<const std::string> words) {
  if (words.empty()) return commands_of(app, "");
  const CLI::App* command = &app;
  const CLI::Option* waiting = nullptr;  // a flag whose value comes next
  for (const std::string& word : words.first(words.size() - 1)) {
    if (takes_value(waiting)) {
      waiting = nullptr;
      continue;
    }
    waiting = find_flag(app, *command, word);
    if (const CLI::App* found = find_command(*command, word); found != nullptr) command = found;
  }

  const std::string_view begun = words.back();
  if (takes_value(waiting)) return values_of(*waiting, "", begun);
  if (const std::size_t equals = begun.find('=');
      begun.starts_with("--") && equals != std::string_view::npos) {
    const CLI::Option* option = find_flag(app, *command, begun.substr(0, equals));
    return takes_value(option) ? values_of(*option, begun.substr(0, equals + 1), begun.substr(equals + 1))
                               : "";
  }
  if (begun.starts_with('-')) return flags_of(app, *command, begun);
  const auto is_file = [](const CLI::Option* option) {
    return option->get_positional() && option->get_name() == "FILE";
  };
  if (std::ranges::any_of(command->get_options(), is_file)) return kFiles;
  return commands_of(*command, begun);
}

}  // namespace embedd::cli
