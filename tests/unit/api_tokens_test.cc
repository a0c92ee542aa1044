// Which Authorization headers show a token, and what a client may do.
#include <gtest/gtest.h>

#include "serve/problem.h"
#include "serve/request_rate.h"
#include "serve/target.h"
#include "serve/tokens.h"

namespace embedd {
namespace {

TEST(ApiTokens, AreComparedWhole) {
  const auto tokens = serve::Tokens::parse(Secret("0123456789abcdef 0123456789ABCDEF\n"));
  ASSERT_TRUE(tokens);
  EXPECT_EQ(tokens->clients(), 2U);
  EXPECT_EQ(tokens->find("Bearer 0123456789abcdef"), 0U);
  EXPECT_EQ(tokens->find("bearer  0123456789ABCDEF"), 1U);
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0",
        "Bearer 0123456789abcdef0123456789abcdef", "Basic 0123456789abcdef", "0123456789abcdef"})
    EXPECT_FALSE(tokens->find(wrong)) << wrong;
  EXPECT_EQ(tokens->find("", "0123456789ABCDEF"), 1U);
  EXPECT_FALSE(tokens->find("", "Bearer 0123456789ABCDEF"));
  EXPECT_FALSE(tokens->find("Bearer wrong", "0123456789ABCDEF")) << "one of them is shown to be wrong";
  EXPECT_TRUE(tokens->rights(0).write);
  EXPECT_TRUE(serve::Tokens::parse(Secret(" \n"))->empty());
  EXPECT_FALSE(serve::Tokens::parse(Secret("short")));
}

TEST(ApiTokens, OfOneTableAreOneClient) {
  auto tokens = serve::Tokens::parse(Secret("0123456789abcdef-all"));
  ASSERT_TRUE(tokens);
  ASSERT_TRUE(tokens->add(Secret("0123456789abcdef-old 0123456789abcdef-new"),
                          {.name = "some", .vectorizers = {"a", "b"}}));
  EXPECT_EQ(tokens->clients(), 2U);
  EXPECT_EQ(tokens->find("Bearer 0123456789abcdef-old"), 1U);
  EXPECT_EQ(tokens->find("Bearer 0123456789abcdef-new"), 1U);
  EXPECT_TRUE(tokens->rights(1).may_use("b"));
  EXPECT_FALSE(tokens->rights(1).may_use("c"));
  EXPECT_TRUE(tokens->rights(0).may_use("c"));
  EXPECT_FALSE(tokens->add(Secret("0123456789abcdef-all"), {.name = "twice"}))
      << "it would not be clear whose";
  EXPECT_FALSE(tokens->add(Secret(" "), {.name = "none"}));
}

TEST(RequestRate, AdmitsAsManyAMinuteAndNoMore) {
  serve::RequestRate rate(6);
  Instant now{std::chrono::hours(1)};
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(rate.wait(now)) << i;
  EXPECT_EQ(rate.wait(now), Duration(seconds(10)));
  EXPECT_FALSE(rate.wait(now += seconds(10)));
  EXPECT_TRUE(rate.wait(now));
  now += std::chrono::hours(5);
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(rate.wait(now)) << "what was not used does not add up " << i;
  EXPECT_TRUE(rate.wait(now));
  serve::RequestRate none(0);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(none.wait(now));
}

TEST(Target, IsARouteAndAPlainName) {
  using serve::Route;
  const std::pair<const char*, Route> cases[] = {
      {"/v1/vectorizers", Route::list},
      {"/v1/vectorizers?x=1", Route::list},
      {"/v1/vectorizers/a.next/search", Route::search},
      {"/v1/vectorizers/a/embed?x", Route::embed},
      {"/v1/embeddings", Route::embeddings},
      {"/healthz", Route::health},
      {"/v1/traces", Route::trace_add},
      {"/api/v1/traces?x", Route::trace_add},
      {"/v1/traces/search", Route::traces_search},
      {"/api/v1/traces/search", Route::traces_search},
      {"/api/v1/traces/7d9f0c52-3c1c-4b5c-9d0e-0a6f2b8f4c11", Route::trace_get},
      {"/v1/tags", Route::tags},
      {"/api/v1/tags", Route::tags},
      {"/v1/traces/", Route::unknown},
      {"/v1/tracesabc", Route::unknown},
      {"/v1/traces/a/b", Route::unknown},
      {"/v1/traces//search", Route::unknown},
      {"/api/api/v1/traces", Route::unknown},
      {"/api/v1/vectorizers", Route::unknown},
      {"/", Route::page},
      {"/dashboard/dashboard.js", Route::page},
      {"/dashboard/../x", Route::unknown},
      {"/v1/status", Route::status},
      {"/v1/events", Route::events},
      {"/v1/vectorizers/a/history?minutes=5", Route::history},
      {"/v1/vectorizers/a/dead?kind=x", Route::dead},
      {"/v1/vectorizers/a/dead/retry", Route::dead_retry},
      {"/v1/vectorizers/a/dead/purge", Route::dead_purge},
      {"/v1/vectorizers/a/dead/purge/", Route::unknown},
      {"/v1/vectorizers/", Route::unknown},
      {"/v1/vectorizers/search", Route::unknown},
      {"/v1/vectorizers//search", Route::unknown},
      {"/v1/vectorizers/a/b/search", Route::unknown},
      {"/v1/vectorizers/a%2f/search", Route::unknown},
      {"/v1/vectorizersa/search", Route::unknown},
      {"/v1/vectorizers/a/search/", Route::unknown},
      {"", Route::unknown},
  };
  for (const auto& [target, route] : cases) EXPECT_EQ(serve::target_of(target).route, route) << target;
  EXPECT_EQ(serve::target_of("/v1/vectorizers/a.next/search").vectorizer, "a.next");
  EXPECT_EQ(serve::target_of("/v1/vectorizers/" + std::string(64, 'a') + "/search").route, Route::unknown);
}

TEST(Problem, NamesTheFieldOfAnInvalidRequestAlone) {
  EXPECT_EQ(serve::problem_reply(400, "invalid_request", "k: is \"odd\"").body,
            R"({"type":"urn:embedd:problem:invalid_request","title":"Invalid request","status":400,)"
            R"("detail":"k: is \"odd\"","errors":[{"field":"k","message":"is \"odd\""}]})"
            "\n");
  for (const auto& [code, detail] : {std::pair("invalid_request", "the body: is wrong"),
                                     std::pair("internal", "k: is odd"), std::pair("invalid_request", "odd")})
    EXPECT_EQ(serve::problem_reply(400, code, detail).body.find("errors"), std::string::npos) << detail;
}

}  // namespace
}  // namespace embedd
