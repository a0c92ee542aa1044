/// Explains a wrong command line in the words that were typed, with the nearest names that exist.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
class Validator;
}  // namespace CLI

namespace embedd::cli {

struct Slip {
  std::string message;
  std::string command;  ///< the command whose --help helps: "embedd search"
};

/// `words`: the command line without the program's name.
Slip explain_slip(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words);

/// `words`, where `help`, `version`, a group without a command, and no words at all become the flags that
/// they mean: `help search` becomes `search --help`.
std::vector<std::string> spell_out(const CLI::App& app, std::vector<std::string> words);

CLI::Validator whole_number(long long low, long long high);
CLI::Validator not_negative();

}  // namespace embedd::cli
