/// What a shell may offer in place of the last word of a command line, read from the declared commands.
#pragma once

#include <span>
#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace embedd::cli {

/// The first word by which the shells' completions (deploy/completions) ask: `embedd __complete vectorizer
/// re`.
constexpr const char* kCompleteWord = "__complete";

/// One line for each offer: the word, a tab, what the word means. The line `:files` stands for names of
/// files. `words`: the command line without the program's name; the last, which may be empty, is the one
/// begun.
std::string offers(const CLI::App& app, std::span<const std::string> words);

}  // namespace embedd::cli
