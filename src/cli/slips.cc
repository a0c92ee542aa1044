#include "cli/slips.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/nearest.h"

namespace embedd::cli {

namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

const CLI::App* find_command(const CLI::App& app, std::string_view name) {
  for (const CLI::App* command : commands_of(app))
    if (command->get_name() == name) return command;
  return nullptr;
}

/// The option that `word` names (`-k`, `-k5`, `--limit`, `--limit=5`), of the command or of all commands;
/// null if there is none.
const CLI::Option* find_option(const CLI::App& app, const CLI::App& command, std::string_view word) {
  const bool is_long = word.starts_with("--");
  const std::string name(is_long ? word.substr(2, word.find('=') - 2) : word.substr(1, 1));
  for (const CLI::App* owner : {&command, &app})
    for (const CLI::Option* option : owner->get_options()) {
      const std::vector<std::string>& names = is_long ? option->get_lnames() : option->get_snames();
      if (std::ranges::find(names, name) != names.end()) return option;
    }
  return nullptr;
}

std::vector<std::string> flags_of(const CLI::App& app, const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* owner : {&command, &app})
    for (const CLI::Option* option : owner->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string unknown(std::string_view what, std::string_view word, const std::vector<std::string>& names) {
  return fmt::format("there is no {} {}.{}", what, word,
                     did_you_mean(word, std::vector<std::string_view>(names.begin(), names.end())));
}

/// `-k`, `--limit`. A negative number or a lone dash is a value.
bool is_flag(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.';
}

/// Reads the command line as CLI11 does, as far as needed to find the mistake.
class Reader {
 public:
  Reader(const CLI::App& app, const std::vector<std::string>& words) : app_(app), words_(words) {}

  Slip explain(const CLI::ParseError& error) {
    std::string message = find_unknown();
    if (message.empty()) message = as_typed(error.what());
    return {std::move(message), path_};
  }

 private:
  /// The first command or flag that does not exist; empty if all exist.
  std::string find_unknown() {
    bool after_option = false;  // the next word may be its value
    for (const std::string& word : words_) {
      if (word == "--") break;
      if (is_flag(word)) {
        if (find_option(app_, *command_, word) == nullptr)
          return unknown("flag", std::string_view(word).substr(0, word.find('=')), flags_of(app_, *command_));
        after_option = true;
        continue;
      }
      const auto commands = commands_of(*command_);
      if (const CLI::App* found = find_command(*command_, word)) {
        command_ = found;
        path_ += " " + word;
      } else if (!commands.empty() && !after_option) {
        std::vector<std::string> names;
        for (const CLI::App* each : commands) names.push_back(each->get_name());
        return unknown("command", word, names);
      }
      after_option = false;
    }
    return "";
  }

  /// CLI11 names an option by its long name; the person may have typed another.
  std::string as_typed(std::string message) const {
    for (const std::string& word : words_) {
      if (word == "--") break;
      const CLI::Option* option = is_flag(word) ? find_option(app_, *command_, word) : nullptr;
      if (option == nullptr || !message.starts_with(option->get_name() + ":")) continue;
      const std::size_t typed = word.starts_with("--") ? word.find('=') : 2;
      return word.substr(0, typed) + message.substr(option->get_name().size());
    }
    return message;
  }

  const CLI::App& app_;
  const std::vector<std::string>& words_;
  const CLI::App* command_ = &app_;
  std::string path_ = "embedd";
};

}  // namespace

Slip explain_slip(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words) {
  return Reader(app, words).explain(error);
}

std::vector<std::string> spell_out(const CLI::App& app, std::vector<std::string> words) {
  const CLI::App* command = &app;
  std::size_t at = 0;
  while (at < words.size()) {
    const CLI::App* next = find_command(*command, words[at]);
    if (next == nullptr) break;
    command = next;
    ++at;
  }
  const bool group = !commands_of(*command).empty();
  if (at == words.size()) {
    if (group) words.emplace_back("--help");
  } else if (group && words[at] == "help") {
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(at));
    words.emplace_back("--help");
  } else if (at == 0 && words[at] == "version") {
    words[at] = "--version";
  }
  return words;
}

CLI::Validator whole_number(long long low, long long high) {
  return {[low, high](std::string& text) {
            long long number = 0;
            const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
            const bool fits =
                code == std::errc() && end == text.data() + text.size() && number >= low && number <= high;
            return fits ? std::string()
                        : fmt::format("'{}' is not a whole number from {} to {}", text, low, high);
          },
          fmt::format("{} to {}", low, high)};
}

CLI::Validator not_negative() {
  return {[](std::string& text) {
            double number = 0;
            const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
            const bool fits = code == std::errc() && end == text.data() + text.size() &&
                              std::isfinite(number) && number >= 0;
            return fits ? std::string() : fmt::format("'{}' is not a number from 0 on", text);
          },
          "SECONDS"};
}

}  // namespace embedd::cli
