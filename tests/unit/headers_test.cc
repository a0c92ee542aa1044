#include "provider/headers.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

TEST(GoDuration, ReadsWhatServersSend) {
  EXPECT_EQ(provider::parse_go_duration("12ms"), milliseconds(12));
  EXPECT_EQ(provider::parse_go_duration("6m0s"), minutes(6));
  EXPECT_EQ(provider::parse_go_duration("1s"), seconds(1));
  EXPECT_EQ(provider::parse_go_duration("8.64s"), milliseconds(8640));
  EXPECT_EQ(provider::parse_go_duration("23h47m36.648s"),
            std::chrono::hours(23) + minutes(47) + milliseconds(36'648));
  EXPECT_EQ(provider::parse_go_duration("500us"), std::chrono::microseconds(500));
  EXPECT_EQ(provider::parse_go_duration("500µs"), std::chrono::microseconds(500));
  EXPECT_EQ(provider::parse_go_duration("0"), Duration::zero());
  EXPECT_EQ(provider::parse_go_duration(" 1s "), seconds(1));
}

TEST(GoDuration, RefusesEverythingElse) {
  for (const char* text :
       {"", " ", "5", "s", "1x", "-1s", "1s2", "1..2s", ".s", "1 s", "abc", "1s junk", "nan"})
    EXPECT_EQ(provider::parse_go_duration(text), std::nullopt) << text;
}

TEST(GoDuration, AnAbsurdNumberIsCappedAtAYear) {
  EXPECT_EQ(provider::parse_go_duration("99999999999999h"), std::chrono::hours(365 * 24));
}

TEST(RateLimits, AreReadFromTheirHeaders) {
  provider::ResponseHeaders headers;
  for (const char* line :
       {"HTTP/1.1 200 OK", "X-RateLimit-Limit-Requests: 3000", "x-ratelimit-remaining-requests: 2999",
        "x-ratelimit-reset-requests: 20ms", "x-ratelimit-limit-tokens: 1000000",
        "x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 6m0s"})
    ASSERT_TRUE(headers.add_line(line));
  const RateLimits limits = provider::rate_limits(headers);
  EXPECT_EQ(limits.limit_requests, 3000);
  EXPECT_EQ(limits.remaining_requests, 2999);
  EXPECT_EQ(limits.reset_requests, milliseconds(20));
  EXPECT_EQ(limits.limit_tokens, 1'000'000);
  EXPECT_EQ(limits.remaining_tokens, 0);
  EXPECT_EQ(limits.reset_tokens, minutes(6));
}

TEST(RateLimits, NegativeAndUnreadableOnesCountAsAbsent) {
  provider::ResponseHeaders headers;
  for (const char* line : {"x-ratelimit-limit-requests: -1", "x-ratelimit-remaining-requests: many",
                           "x-ratelimit-limit-tokens: 1e6", "x-ratelimit-reset-tokens: 60"})
    ASSERT_TRUE(headers.add_line(line));
  const RateLimits limits = provider::rate_limits(headers);
  EXPECT_EQ(limits.limit_requests, std::nullopt);
  EXPECT_EQ(limits.remaining_requests, std::nullopt);
  EXPECT_EQ(limits.limit_tokens, std::nullopt);
  EXPECT_EQ(limits.reset_tokens, std::nullopt);
}

TEST(ResponseHeaders, KeepsTheLastAnswersOnly) {
  provider::ResponseHeaders headers;
  headers.add_line("HTTP/1.1 200 Connection established\r\n");
  headers.add_line("x-proxy: 1\r\n");
  headers.add_line("HTTP/1.1 429 Too Many\r\n");
  headers.add_line("Retry-After:  3 \r\n");
  EXPECT_EQ(headers.get("x-proxy"), "");
  EXPECT_EQ(headers.get("retry-after"), "3");
}

TEST(ResponseHeaders, ARequestIdIsShortAndPrintable) {
  const auto id_of = [](const std::string& value) {
    provider::ResponseHeaders headers;
    headers.add_line("X-Request-ID: " + value + "\r\n");
    return std::string(provider::request_id(headers));
  };
  EXPECT_EQ(id_of("req_0123456789abcdef"), "req_0123456789abcdef");
  EXPECT_EQ(id_of(std::string(128, 'a')), std::string(128, 'a'));
  for (const std::string& bad : {std::string(129, 'a'), std::string("two words"), std::string("bell\a"),
                                 std::string("caf\xC3\xA9"), std::string("\x1B[31mred")})
    EXPECT_EQ(id_of(bad), "") << bad.size();
  EXPECT_EQ(provider::request_id(provider::ResponseHeaders()), "");
}

TEST(ResponseHeaders, AreBounded) {
  provider::ResponseHeaders headers;
  const std::string line = "x-long: " + std::string(1000, 'x');
  int taken = 0;
  while (taken < 1000 && headers.add_line(line)) ++taken;
  EXPECT_GT(taken, 10);
  EXPECT_LT(taken, 100);
}

}  // namespace
}  // namespace embedd
