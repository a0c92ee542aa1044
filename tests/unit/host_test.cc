// The hosts in `Host` and `Origin`.
#include "serve/host.h"

#include <gtest/gtest.h>

namespace embedd::serve {
namespace {

TEST(Host, IsWithoutPortAndBrackets) {
  EXPECT_EQ(host_of("localhost:8080"), "localhost");
  EXPECT_EQ(host_of("[::1]:8080"), "::1");
  EXPECT_EQ(host_of("[::1"), "::1");
  EXPECT_EQ(host_of(""), "");
}

TEST(Host, OfAnOriginMustBeTheRequests) {
  EXPECT_TRUE(is_own_origin("", "localhost"));
  EXPECT_TRUE(is_own_origin("http://localhost:3000", "LocalHost:8080"));
  EXPECT_TRUE(is_own_origin("https://[::1]:3000", "[::1]"));
  for (const char* origin : {"null", "localhost", "http://evil.example", "http://localhost.evil.example",
                             "://", "http://localhost@evil.example", "http://evil.example/localhost"})
    EXPECT_FALSE(is_own_origin(origin, "localhost:8080")) << origin;
}

}  // namespace
}  // namespace embedd::serve
