// Secrets in text that others composed: which pieces go, which words stay, and that nothing gets through,
// whatever a server answers.
#include "base/redaction.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/json.h"
#include "base/log.h"
#include "provider/classify.h"
#include "provider/headers.h"
#include "provider/response.h"
#include "support/pieces.h"
#include "support/provider_answers.h"

namespace embedd {
namespace {

using test::base64;
using test::piece_in;
using testing::HasSubstr;
using testing::Not;

const std::string kKey = "k3y/5e4F1a90c3+Qz-Wm7?x";

std::string redacted(const std::string& secret, const std::string& text,
                     const std::vector<std::string>& shown = {}) {
  return Redactor({Secret(secret)}, shown).redact(text);
}

TEST(Redaction, EveryFormOfASecretGoes) {
  const std::string after_one = base64("x" + kKey), after_two = base64("xy" + kKey);
  std::string json_escapes, percent, hex;
  for (const unsigned char c : kKey) {
    json_escapes += fmt::format("\\u{:04X}", c);
    percent += fmt::format("%{:02x}", c);
    hex += fmt::format("{:02X}", c);
  }
  std::string url_safe = base64(kKey);
  for (char& c : url_safe) c = c == '+' ? '-' : c == '/' ? '_' : c;
  for (const std::string& form :
       {kKey, std::string("K3Y/5E4F1A90C3+QZ-WM7?X"), std::string("k3y\\/5e4F1a90c3+Qz-Wm7?x"), json_escapes,
        percent, std::string("k3y%2F5e4F1a90c3%2BQz-Wm7%3fx"),
        std::string("k3y%252F5e4F1a90c3%252BQz-Wm7%253fx"), hex})
    EXPECT_EQ(redacted(kKey, fmt::format("the key <{}> is wrong", form)), "the key <***> is wrong") << form;
  // At the ends of base64 there are characters that hold bits of the neighbours.
  for (const std::string& form : {base64(kKey), url_safe, after_one, after_two})
    EXPECT_THAT(redacted(kKey, fmt::format("<{}>", form)),
                testing::MatchesRegex(R"(<[A-Za-z0-9]{0,4}\*\*\*[A-Za-z0-9=]{0,4}>)"))
        << form;
}

TEST(Redaction, APieceOfEightBytesGoesAndAShorterOneStays) {
  for (std::size_t length = 1; length <= kKey.size(); ++length)
    for (std::size_t at = 0; at + length <= kKey.size(); ++at) {
      const std::string piece = kKey.substr(at, length);
      EXPECT_EQ(redacted(kKey, "<" + piece + ">"), length < Redactor::kPiece ? "<" + piece + ">" : "<***>");
    }
}

TEST(Redaction, WhatMaskingBringsTogetherIsNoSecretEither) {
  EXPECT_THAT(redacted("abcd***efgh", "abcdabcd***efghefgh"), Not(HasSubstr("abcd***efgh")));
}

TEST(Redaction, AShortSecretGoesOnlyWhereSecretsStand) {
  constexpr std::pair<const char*, const char*> kRows[] = {
      {"password=o dbname=x", "password=*** dbname=x"},
      {"password='o'", "password='***'"},
      {"PASSWORD: o", "PASSWORD: ***"},
      {"postgresql://anna:o@host/x", "postgresql://anna:***@host/x"},
      {R"("api_key":"o")", R"("api_key":"***")"},
      {"Authorization: Bearer o", "Authorization: Bearer ***"},
      {"Incorrect API key provided: o.", "Incorrect API key provided: ***."},
      {"password=other", "password=other"},
      {"permission denied for relation o", "permission denied for relation o"},
      {R"(password authentication failed for user "o")", R"(password authentication failed for user "o")"},
  };
  for (const auto& [text, expected] : kRows) EXPECT_EQ(redacted("o", text), expected);
}

TEST(Redaction, APasswordThatIsAWordLeavesTheWordAlone) {
  const std::string message = R"(FATAL: password authentication failed for user "postgres" of PostgreSQL)";
  EXPECT_EQ(redacted("postgres", message), message);
  EXPECT_EQ(redacted("postgres", "postgresql://postgres:postgres@host"), "postgresql://postgres:***@host");
  EXPECT_EQ(redacted("password", message), message);
}

TEST(Redaction, TheUsersNameStaysThoughThePasswordHoldsIt) {
  const std::string message = R"(role "traces_app" does not exist)";
  EXPECT_EQ(redacted("traces_app", message, {"traces_app"}), message);
  EXPECT_EQ(redacted("traces_app_2024", message, {"traces_app"}), message);
  EXPECT_EQ(redacted("traces_app_2024", "password=traces_app_2024", {"traces_app"}), "password=***");
  EXPECT_EQ(redacted("traces_app_2024", message), R"(role "***" does not exist)");
}

TEST(Redaction, AWordThatEverybodyKnowsGoesOnlyWithMoreOfTheSecret) {
  constexpr const char* kMessage = "This model does not support embeddings";
  EXPECT_EQ(redacted("embeddings-key", kMessage), kMessage);
  EXPECT_EQ(redacted("embeddings-key", "no such key: embeddings-key"), "no such key: ***");
  EXPECT_EQ(redacted("embeddings-key", "no such key: EMBEDDINGS-K"), "no such key: ***");
}

TEST(Redaction, HoldsForAsLongAsASecretIsHidden) {
  const std::string text = "<" + kKey + ">";
  EXPECT_EQ(redact(text), text);
  {
    HiddenSecret hidden;
    {
      const HiddenSecret first{Secret(kKey)};
      hidden = first;
    }
    EXPECT_EQ(redact(text), "<***>") << "a copy hides it on";
  }
  EXPECT_EQ(redact(text), text);
}

// ── Whatever a server answers

/// Makes secrets, and everything that a server may make of one.
class Adversary {
 public:
  explicit Adversary(std::uint32_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::string secret() {
    std::string out(8 + below(60), ' ');
    for (char& c : out) c = static_cast<char>('!' + below('~' - '!' + 1));
    return out;
  }

  /// The secret or a piece of it, written in some way, with something around it.
  std::string echo_of(const std::string& secret) {
    std::string text = secret;
    if (below(3) == 0) {
      const std::size_t begin = below(secret.size());
      text = secret.substr(begin, 1 + below(secret.size() - begin));
    }
    return filler() + written(std::move(text)) + (below(2) == 0 ? "" : filler());
  }

 private:
  std::string filler() {
    std::string out;
    for (std::size_t i = below(4) == 0 ? below(400) : below(12); i > 0; --i) out += "a .:\n\"(="[below(8)];
    return out;
  }

  std::string written(std::string text) {
    switch (below(7)) {
      case 0:
        for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        return text;
      case 1:
        for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        return text;
      case 2: return base64(std::string(below(3), 'x') + text);
      case 3: return escaped(text, "%{:02X}");
      case 4: return escaped(text, "\\u{:04x}");
      case 5: return text + text;
      default: return text;
    }
  }

  /// Some of the characters, or all.
  std::string escaped(const std::string& text, const char* format) {
    const bool all = below(2) == 0;
    std::string out;
    for (const unsigned char c : text)
      if (all || below(3) == 0 || c == '%' || c == '\\')
        out += fmt::format(fmt::runtime(format), c);
      else
        out += static_cast<char>(c);
    return out;
  }

  std::mt19937 random_;
};

/// An error body that holds `echo` somewhere, in one of the shapes that servers use.
std::string error_body(Adversary& adversary, const std::string& echo) {
  const std::string quoted = test::json_string(echo);
  switch (adversary.below(8)) {
    case 0: return fmt::format(R"({{"error":{{"message":{},"code":"x","type":"y"}}}})", quoted);
    case 1: return fmt::format(R"({{"error":{{"message":"no","code":{}}}}})", quoted);
    case 2: return fmt::format(R"({{"error":{{"message":"no","type":{},"param":{}}}}})", quoted, quoted);
    case 3: return fmt::format(R"({{"error":{},"code":{}}})", quoted, quoted);
    case 4: return fmt::format(R"({{"detail":[{{"loc":["body",{}],"msg":{}}}]}})", quoted, quoted);
    case 5: return fmt::format("[{{\"error\":{{\"status\":{},\"message\":{}}}}}]", quoted, quoted);
    case 6: return "\xEF\xBB\xBF" + quoted;
    default: return "request was: Authorization: Bearer " + echo;
  }
}

TEST(Redaction, NoPieceOfASecretGetsThroughWhateverTheServerAnswers) {
  Adversary adversary(20240607);
  provider::ResponseParser parser;
  for (int round = 0; round < 8'000; ++round) {
    const std::string secret = adversary.secret(), echo = adversary.echo_of(secret);
    const HiddenSecret hidden{Secret(secret)}, another{Secret(adversary.secret())};
    const std::string body = error_body(adversary, echo);
    const int status = std::array{200, 400, 401, 422, 429, 500}[adversary.below(6)];
    provider::ResponseHeaders headers;
    headers.add_line("x-request-id: " + echo);
    std::string answer =
        test::vectors_body({.model = echo, .inputs = {"one"}, .dimensions = 4}, test::Fault::none);
    const auto parsed = parser.parse(answer, headers, {.inputs = 1, .dimensions = 4, .model = "asked"});
    ASSERT_TRUE(parsed) << parsed.error().message;
    for (const std::string& output : {provider::classify(status, headers, body, 0).message,
                                      provider::classify_transfer(56, echo, "host").message,
                                      provider::request_id(headers), parsed->model})
      ASSERT_EQ(piece_in(output, secret), "")
          << "of " << secret << " in " << output << "\nafter " << body << "\nin round " << round;
  }
}

TEST(Redaction, NoPieceOfASecretIsLogged) {
  Adversary adversary(7);
  for (const auto format : {log::Format::json, log::Format::text}) {
    log::configure(log::Level::info, format);
    for (int round = 0; round < 500; ++round) {
      const std::string secret = adversary.secret(), echo = adversary.echo_of(secret);
      const HiddenSecret hidden{Secret(secret)};
      testing::internal::CaptureStderr();
      log::warn("request_failed", {{"message", echo}});
      const std::string output = testing::internal::GetCapturedStderr();
      EXPECT_THAT(output, HasSubstr("request_failed"));
      ASSERT_EQ(piece_in(output, secret), "") << "of " << secret << " in " << output;
    }
  }
}

}  // namespace
}  // namespace embedd
