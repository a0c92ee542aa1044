// What `cmake --install` leaves behind, and that its man page, completion and examples name what the command
// line and the configuration take. The package's own test is scripts/try-package.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "support/paths.h"
#include "support/process.h"
#include "support/target.h"
#include "support/temp_dir.h"

namespace embedd::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAreArray;

using Names = std::vector<std::string>;

class Install : public testing::Test {
 protected:
  void SetUp() override {
    EMBEDD_NOT_ON(pgbouncer, "needs no database");
    EMBEDD_NOT_ON(least_privilege, "needs no database");
    const fs::path build = fs::path(embedd_binary()).parent_path().parent_path();
    const Finished installed =
        run_process({.arguments = {"--install", build.string(), "--prefix", prefix_.string()},
                     .program = "/usr/bin/cmake"});
    ASSERT_EQ(installed.code, 0) << installed.error_output;
  }

  Finished run(const Names& arguments) {
    return run_process({.arguments = arguments, .program = binary_.string()});
  }

  /// What bash offers in place of the last of the words that follow `embedd`.
  Names completions(const Names& words) {
    const fs::path completion = prefix_ / "share/bash-completion/completions/embedd";
    Names arguments = {"-c",
                       "source \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _embedd\n"
                       "printf '%s\\n' \"${COMPREPLY[@]}\"",
                       completion.string(), binary_.string()};
    arguments.insert(arguments.end(), words.begin(), words.end());
    const Finished finished = run_process({.arguments = arguments, .program = "/bin/bash"});
    EXPECT_EQ(finished.error_output, "");
    Names offered;
    std::istringstream lines(finished.output);
    for (std::string line; std::getline(lines, line);)
      if (!line.empty()) offered.push_back(line);
    return offered;
  }

  const TempDir folder_;
  const fs::path prefix_ = folder_.file("prefix");
  const fs::path binary_ = prefix_ / "bin/embedd";
};

/// One command as its --help tells it.
struct Command {
  Names words;
  std::string usage;  ///< "vectorizer create NAME"
  Names subcommands, flags, negations;
};

Names all_matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern, std::regex::multiline);
  Names found;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at)
    found.push_back((*at)[1]);
  return found;
}

std::string without_options(const std::string& usage) {
  return std::regex_replace(usage, std::regex(R"( \[OPTIONS\])"), "");
}

/// `embedd` itself, and every command below it.
std::vector<Command> all_commands() {
  std::vector<Command> commands{{}};
  for (std::size_t i = 0; i < commands.size(); ++i) {
    Names arguments = commands[i].words;
    arguments.emplace_back("--help");
    const std::string help = run_process({.arguments = arguments}).output;
    Command& command = commands[i];
    for (const std::string& usage : all_matches(help, "^Usage: embedd ?(.*)$"))
      command.usage = without_options(" " + usage).substr(1);
    command.flags = all_matches(help, "^  (?:-[A-Za-z],)?(--[a-z-]+)");
    command.negations = all_matches(help, R"(,(--no-[a-z-]+)\{false\})");
    if (const std::size_t at = help.find("\nSubcommands:"); at != std::string::npos)
      command.subcommands = all_matches(help.substr(at), "^  ([a-z][a-z-]*) ");
    const Names words = command.words, subcommands = command.subcommands;
    for (const std::string& name : subcommands) {
      commands.push_back({.words = words});
      commands.back().words.push_back(name);
    }
  }
  return commands;
}

/// The sections of a man page by their titles: those of .SH, and those of .SS.
std::map<std::string, std::string> sections_of(const std::string& page) {
  std::map<std::string, std::string> sections;
  std::string title;
  std::istringstream lines(std::regex_replace(page, std::regex(R"(\\-)"), "-"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(".SH ") || line.starts_with(".SS ")) {
      title = std::regex_replace(line.substr(4), std::regex("\""), "");
      title = without_options(title);
    }
    sections[title] += line + "\n";
  }
  return sections;
}

/// The flags that a section describes: each is in the line behind .TP.
Names flags_of(const std::string& section) { return all_matches(section, R"(^\.TP\n.*?(--[a-z-]+))"); }

TEST_F(Install, LeavesABinaryWithoutDebugInformationAndAUnitThatNamesIt) {
  const Finished version = run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.output, HasSubstr("embedd "));
  if (contents(embedd_binary()).contains(".debug_info")) {
    EXPECT_FALSE(contents(binary_).contains(".debug_info"));
  }
  EXPECT_THAT(contents(prefix_ / "lib/systemd/system/embedd.service"),
              HasSubstr("ExecStart=" + binary_.string() + " worker\n"));
}

TEST_F(Install, LeavesTheLicence) {
  EXPECT_EQ(contents(prefix_ / "share/doc/embedd/LICENSE"), contents(source_file("LICENSE")));
  EXPECT_THAT(contents(prefix_ / "share/doc/embedd/LICENSE"), HasSubstr("Apache License"));
}

TEST_F(Install, LeavesAManPageOfEveryCommandAndFlag) {
  std::map<std::string, std::string> sections = sections_of(contents(prefix_ / "share/man/man1/embedd.1"));
  Names titles, usages;
  for (const auto& [title, section] : sections)
    if (section.starts_with(".SS ")) titles.push_back(title);
  for (const Command& command : all_commands()) {
    if (command.words.empty()) {
      EXPECT_THAT(flags_of(sections["OPTIONS"]), UnorderedElementsAreArray(command.flags));
      continue;
    }
    if (!command.subcommands.empty()) continue;
    usages.push_back(command.usage);
    Names flags = command.flags;
    std::erase(flags, "--help");
    std::erase(flags, "--json");
    EXPECT_THAT(flags_of(sections[command.usage]), UnorderedElementsAreArray(flags)) << command.usage;
  }
  EXPECT_THAT(usages, Contains("vectorizer create NAME"));
  EXPECT_THAT(titles, UnorderedElementsAreArray(usages));
}

TEST_F(Install, LeavesAManPageWhoseVariablesAreSettings) {
  const std::string environment = sections_of(contents(prefix_ / "share/man/man1/embedd.1"))["ENVIRONMENT"];
  const Names named = all_matches(environment, R"(^\.B ([A-Z_]+)$)");
  EXPECT_THAT(named, Contains("DATABASE_URL"));
  EXPECT_THAT(all_matches(run({"--help-settings"}).output, "^    ([A-Z_]+), "), IsSupersetOf(named));
}

TEST_F(Install, LeavesACompletionOfEveryCommandAndFlag) {
  for (const Command& command : all_commands()) {
    Names words = command.words;
    words.emplace_back("");
    EXPECT_THAT(completions(words), UnorderedElementsAreArray(command.subcommands)) << command.usage;
    words.back() = "--";
    Names flags = command.flags;
    ASSERT_THAT(flags, Not(IsEmpty())) << command.usage;
    flags.insert(flags.end(), command.negations.begin(), command.negations.end());
    EXPECT_THAT(completions(words), UnorderedElementsAreArray(flags)) << command.usage;
  }
}

TEST_F(Install, LeavesACompletionOfWordsBegunAndOfValues) {
  const Names kinds = {"hnsw", "halfvec", "ivfflat", "none"};
  EXPECT_THAT(completions({"vectorizer", "re"}), UnorderedElementsAreArray({"resume", "reindex"}));
  EXPECT_THAT(completions({"vectorizer", "create", "--index", ""}), UnorderedElementsAreArray(kinds));
  EXPECT_THAT(completions({"vectorizer", "create", "--index", "="}), UnorderedElementsAreArray(kinds));
  EXPECT_THAT(completions({"vectorizer", "create", "--index", "=", "iv"}),
              UnorderedElementsAreArray({"ivfflat"}));
  EXPECT_THAT(completions({"search", "-k", ""}), IsEmpty());
  EXPECT_THAT(completions({"dead", "list", "--kind", ""}), IsEmpty());
  EXPECT_THAT(completions({"no-such-command", "vec"}), UnorderedElementsAreArray({"vectorizer"}));
  EXPECT_THAT(completions({"search", "--limit", "vectorizer", "docs", "--lim"}),
              UnorderedElementsAreArray({"--limit"}));
}

TEST_F(Install, LeavesACompletionOfSettingsBegun) {
  EXPECT_THAT(completions({"worker", "--poll"}), UnorderedElementsAreArray({"--poll-seconds"}));
  EXPECT_THAT(completions({"worker", "--log-format", ""}),
              UnorderedElementsAreArray({"automatic", "json", "text"}));
}

TEST_F(Install, LeavesTheCompletionsOfZshAndFish) {
  for (const char* file : {"share/zsh/site-functions/_embedd", "share/fish/vendor_completions.d/embedd.fish"})
    EXPECT_THAT(contents(prefix_ / file), HasSubstr("__complete")) << file;
}

TEST(CompletionOffers, SayWhatEachMeansAndWhereFilesBelong) {
  EMBEDD_NOT_ON(pgbouncer, "needs no database");
  EMBEDD_NOT_ON(least_privilege, "needs no database");
  const auto offers = [](Names words) {
    words.insert(words.begin(), "__complete");
    return run_process({.arguments = words}).output;
  };
  EXPECT_EQ(offers({"vectorizer", "resu"}), "resume\tGo on embedding\n");
  EXPECT_EQ(offers({"vectorizer", "create", "--index=hal"}), "--index=halfvec\t\n");
  EXPECT_EQ(offers({"chunk", ""}), ":files\n");
  EXPECT_EQ(offers({"vectorizer", "compare", "--queries", ""}), ":files\n");
  EXPECT_EQ(offers({"worker", "--config", ""}), ":files\n");
}

/// A file with `#` taken away from its commented lines, and its sentences left out.
std::string uncommented(const std::string& text) {
  return std::regex_replace(text, std::regex("^# .*\n|^#", std::regex::multiline), "");
}

TEST_F(Install, LeavesExamplesWhoseSettingsExist) {
  folder_.write("embedd.toml", uncommented(contents(prefix_ / "share/doc/embedd/examples/embedd.toml")));
  folder_.write("embedd.env", uncommented(contents(prefix_ / "share/doc/embedd/examples/embedd.env")));
  const Finished checked = run_process({.arguments = {"check", "--json"},
                                        .environment = {{"EMBEDD_CONFIG", folder_.file("embedd.toml")},
                                                        {"EMBEDD_ENV_FILE", folder_.file("embedd.env")},
                                                        {"AZURE_OPENAI_API_KEY", "azure"}}});
  EXPECT_THAT(contents(folder_.file("embedd.toml")), HasSubstr("\n[endpoint.ollama]\n"));
  EXPECT_THAT(contents(folder_.file("embedd.env")), HasSubstr("\nDATABASE_URL="));
  EXPECT_THAT(checked.output, HasSubstr(R"("subject":"configuration","verdict":"ok")"));
  for (const char* name : {"embedd.toml", "embedd.env"})
    EXPECT_THAT(checked.output, HasSubstr(folder_.file(name)));
}

}  // namespace
}  // namespace embedd::test
