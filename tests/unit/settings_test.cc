// The settings table, .env syntax, and the nearest-name suggestions.
#include "cli/settings.h"
#include "base/nearest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "cli/dotenv.h"

namespace embedd::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Nearest, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("POLL", "poll"), 0u);
}

TEST(Nearest, SuggestsASlipButNotAStranger) {
  const std::vector<std::string_view> names{"poll_seconds", "lease_seconds"};
  EXPECT_EQ(did_you_mean("pol_second", names), " Did you mean 'poll_seconds'?");
  EXPECT_EQ(did_you_mean("zebra", names), "");
}

TEST(Settings, NamesVariablesAndFlagsAreUnique) {
  std::set<std::string_view> names, variables;
  for (const Setting& setting : all_settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_TRUE(variables.insert(setting.environment).second) << setting.environment;
    EXPECT_FALSE(setting.help.empty()) << setting.name;
  }
}

TEST(Settings, EveryDefaultIsAValidValue) {
  for (const Setting& setting : all_settings()) {
    SettingValues values;
    EXPECT_TRUE(values.set(setting, std::string(setting.fallback), Source::flag, "here")) << setting.name;
  }
}

TEST(Settings, EverySecretHasAFileTwin) {
  for (const Setting& setting : all_settings()) {
    if (setting.type != SettingType::secret) continue;
    EXPECT_NE(find_setting(std::string(setting.name) + "_file"), nullptr) << setting.name;
    EXPECT_NE(find_environment(std::string(setting.environment) + "_FILE"), nullptr) << setting.name;
  }
}

TEST(Settings, AFaultNamesOriginVariableAndRange) {
  SettingValues values;
  const auto set = values.set(*find_setting("poll_seconds"), "soon", Source::environment, "the environment");
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().message, "the environment: EMBEDD_POLL_SECONDS: 'soon' is not a number of seconds");
  const auto high = values.set(*find_setting("max_attempts"), "5000", Source::toml, "embedd.toml:4");
  ASSERT_FALSE(high);
  EXPECT_EQ(high.error().message, "embedd.toml:4: max_attempts: 5000 is not within 1 to 1000 attempts");
}

TEST(Settings, AShareIsANumberThatIsNotZero) {
  SettingValues values;
  const Setting& share = *find_setting("walk_share");
  EXPECT_EQ(values.number("walk_share"), 0.02);
  for (const char* bad : {"0", "-1", "1.01", "nan", "2%"})
    EXPECT_FALSE(values.set(share, bad, Source::environment, "the environment")) << bad;
  ASSERT_TRUE(values.set(share, "0.5", Source::environment, "the environment"));
  EXPECT_EQ(values.number("walk_share"), 0.5);
}

TEST(Settings, AnEmptyHigherValueMeansUnset) {
  SettingValues values;
  const Setting& poll = *find_setting("poll_seconds");
  ASSERT_TRUE(values.set(poll, "", Source::environment, "the environment"));
  ASSERT_TRUE(values.set(poll, "9", Source::toml, "embedd.toml:1"));
  EXPECT_EQ(values.duration("poll_seconds"), seconds(5));
}

TEST(Settings, ASecretComesFromItsFileWithoutTheNewline) {
  const std::string path = ::testing::TempDir() + "settings_test_secret";
  std::ofstream(path) << "sk-canary\n";
  SettingValues values;
  ASSERT_TRUE(values.set(*find_setting("openai_api_key_file"), path, Source::dotenv, ".env:1"));
  EXPECT_TRUE(values.from_file("openai_api_key"));
  EXPECT_EQ(values.secret("openai_api_key")->reveal(), "sk-canary");

  ASSERT_TRUE(
      values.set(*find_setting("openai_api_key"), "sk-other", Source::environment, "the environment"));
  EXPECT_FALSE(values.from_file("openai_api_key")) << "the environment is above .env";
  EXPECT_EQ(values.secret("openai_api_key")->reveal(), "sk-other");
  std::remove(path.c_str());
}

TEST(Settings, ASecretGivenTwiceIsRefused) {
  SettingValues values;
  ASSERT_TRUE(
      values.set(*find_setting("openai_api_key"), "sk-canary", Source::environment, "the environment"));
  ASSERT_TRUE(values.set(*find_setting("openai_api_key_file"), "/x", Source::environment, "the environment"));
  const auto secret = values.secret("openai_api_key");
  ASSERT_FALSE(secret);
  EXPECT_THAT(secret.error().message, HasSubstr("OPENAI_API_KEY and OPENAI_API_KEY_FILE are both set"));
  EXPECT_THAT(secret.error().message, Not(HasSubstr("canary")));
}

/// With USER=ann in the environment.
Result<Dotenv> read(std::string_view text) {
  return parse_dotenv(text, ".env", [](const std::string& variable) {
    return variable == "USER" ? std::optional<std::string>("ann") : std::nullopt;
  });
}

std::vector<std::pair<std::string, std::string>> pairs(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  const auto dotenv = read(text);
  EXPECT_TRUE(dotenv) << (dotenv ? "" : dotenv.error().message);
  if (dotenv)
    for (const DotenvEntry& entry : dotenv->entries) out.emplace_back(entry.name, entry.value);
  return out;
}

TEST(Dotenv, ReadsWhatShellsAndComposeWrite) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(pairs(""), Pairs{});
  EXPECT_EQ(pairs("\n# comment\n  \n"), Pairs{});
  EXPECT_EQ(pairs("A=1"), (Pairs{{"A", "1"}}));
  EXPECT_EQ(pairs("A=1\r\nB=2\r\n"), (Pairs{{"A", "1"}, {"B", "2"}}));
  EXPECT_EQ(pairs("export A = x y "), (Pairs{{"A", "x y"}}));
  EXPECT_EQ(pairs("A=x#y # z"), (Pairs{{"A", "x#y"}}));
  EXPECT_EQ(pairs("A="), (Pairs{{"A", ""}}));
  EXPECT_EQ(pairs("A= # none"), (Pairs{{"A", ""}}));
  EXPECT_EQ(pairs("A=\"x # \\\"y\\\"\\n\" # z"), (Pairs{{"A", "x # \"y\"\n"}}));
  EXPECT_EQ(pairs("A='x \\n $HOME'"), (Pairs{{"A", "x \\n $HOME"}}));
  EXPECT_EQ(pairs("A=\"one\ntwo\"\nB=3"), (Pairs{{"A", "one\ntwo"}, {"B", "3"}}));
  EXPECT_EQ(pairs("\xEF\xBB\xBFURL=postgres://h/d?x=y"), (Pairs{{"URL", "postgres://h/d?x=y"}}));
}

TEST(Dotenv, ReferencesAreExpandedOutsideSingleQuotes) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(pairs("A=1\nB=${A}/${A}x"), (Pairs{{"A", "1"}, {"B", "1/1x"}}));
  EXPECT_EQ(pairs("A=1\nB=\"<${A}>\n\"\nC='${A}'"), (Pairs{{"A", "1"}, {"B", "<1>\n"}, {"C", "${A}"}}));
  EXPECT_EQ(pairs("A=1\nA=2\nB=${A}"), (Pairs{{"A", "1"}, {"A", "2"}, {"B", "2"}}));
  EXPECT_EQ(pairs("USER=bob\nB=${USER}"), (Pairs{{"USER", "bob"}, {"B", "ann"}})) << "the environment wins";
  EXPECT_EQ(pairs("A=\nB=${A:-x y}${USER:-x}${NOBODY:-}"), (Pairs{{"A", ""}, {"B", "x yann"}}));
  EXPECT_EQ(pairs("A=${A}"), (Pairs{{"A", ""}}));
  for (const std::string text :
       {"pa$$word$1", "$USER", "${}", "${USER", "${1}", "${USER:=x}", "$ {USER}", "${US ER}"})
    EXPECT_EQ(pairs("A=" + text), (Pairs{{"A", text}}));
  EXPECT_EQ(pairs(R"(A="\${USER}")"), (Pairs{{"A", "${USER}"}}));
  EXPECT_EQ(pairs("A=\"${USER:-x\" # }"), (Pairs{{"A", "${USER:-x"}}));
  EXPECT_EQ(read("A=${NOBODY}\nB='${NOBODY}'")->unset, std::vector<std::string>{"NOBODY"});
}

TEST(Dotenv, FaultsNameTheLineAndNeverTheValue) {
  const auto message = [](std::string_view text) {
    const auto entries = read(text);
    return entries ? std::string("no fault") : entries.error().message;
  };
  EXPECT_EQ(message("A=1\n\nB=\"sk-canary\n"), ".env:3: B: the quote is never closed");
  EXPECT_EQ(message("B='x' sk-canary"), ".env:1: B: unexpected text after the closing quote");
}

TEST(Dotenv, LinesOfOtherProgramsThatAreNoKeyAndValueArePassedOver) {
  const auto dotenv = read("A=1\nset -a\nmy-app.port = 8080\n1B=x\n=y\nexport\nC=\"two\nlines\"\n:\nD=4");
  ASSERT_TRUE(dotenv) << dotenv.error().message;
  EXPECT_EQ(dotenv->ignored, (std::vector<int>{2, 3, 4, 5, 6, 9}));
  ASSERT_EQ(dotenv->entries.size(), 3u);
  EXPECT_EQ(dotenv->entries[1].value, "two\nlines");
  EXPECT_EQ(dotenv->entries[2].line, 10);
}

}  // namespace
}  // namespace embedd::cli
