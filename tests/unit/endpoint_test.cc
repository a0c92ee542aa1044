#include "provider/endpoint.h"

#include <gtest/gtest.h>

#include "base/loopback.h"
#include "provider/post.h"

namespace embedd {
namespace {

provider::EndpointConfig at(std::string url) {
  provider::EndpointConfig config;
  config.base_url = std::move(url);
  return config;
}

TEST(Endpoint, NoneGoesToOpenAiByOmission) {
  provider::EndpointConfig config;
  EXPECT_EQ(provider::validate(config).error().message,
            "endpoint \"openai\": needs base_url, such as \"http://127.0.0.1:11434/v1\"");
  config.base_url = provider::kOpenAiBaseUrl;
  EXPECT_TRUE(provider::validate(config));
  config.dialect = provider::Dialect::azure;
  EXPECT_EQ(provider::validate(config).error().message,
            "endpoint \"openai\": needs base_url, such as \"https://NAME.openai.azure.com\"");
}

TEST(Endpoint, AUsableBaseUrlIsAccepted) {
  for (const char* url : {"https://api.openai.com/v1", "http://127.0.0.1:11434/v1/", "http://[::1]:8080",
                          "https://x.openai.azure.com"})
    EXPECT_TRUE(provider::validate(at(url))) << url;
}

TEST(Endpoint, AnUnusableBaseUrlIsRefused) {
  for (const char* url : {"", "api.openai.com", "ftp://x", "file:///etc/passwd", "https://", "https:///v1",
                          "https://user:pw@host/v1", "https://host/v1?key=1", "https://host/v1#x",
                          "https://host/v1/embeddings", "https://ho st/", "https://host\r\nX: y/"}) {
    const auto valid = provider::validate(at(url));
    ASSERT_FALSE(valid) << url;
    EXPECT_EQ(valid.error().kind, ErrorKind::invalid_argument);
  }
}

TEST(Endpoint, NothingCanSmuggleAHeader) {
  provider::EndpointConfig config = at("https://h/v1");
  ASSERT_TRUE(provider::validate(config));
  config.headers = {"X-Ok: 1", "X-Bad: 1\r\nAuthorization: other"};
  EXPECT_FALSE(provider::validate(config));
  config.headers = {"no colon"};
  EXPECT_FALSE(provider::validate(config));
  config.headers = {};
  config.api_key = Secret("sk\n1");
  EXPECT_FALSE(provider::validate(config));
}

TEST(Endpoint, TheUrlOfRequests) {
  EXPECT_EQ(provider::embeddings_url(at("https://h/v1"), "m"), "https://h/v1/embeddings");
  EXPECT_EQ(provider::embeddings_url(at("https://h/v1//"), "m"), "https://h/v1/embeddings");
  provider::EndpointConfig azure = at("https://h/");
  azure.dialect = provider::Dialect::azure;
  azure.api_version = "2024-10-21";
  EXPECT_EQ(provider::embeddings_url(azure, "a/b c"),
            "https://h/openai/deployments/a%2Fb%20c/embeddings?api-version=2024-10-21");
  azure.deployment = "mine";
  EXPECT_EQ(provider::embeddings_url(azure, "m"),
            "https://h/openai/deployments/mine/embeddings?api-version=2024-10-21");
}

TEST(Endpoint, HostsAndLoopback) {
  EXPECT_EQ(provider::host_of("https://api.openai.com/v1"), "api.openai.com");
  EXPECT_EQ(provider::host_of("http://127.0.0.1:80"), "127.0.0.1");
  EXPECT_EQ(provider::host_of("http://[::1]:80/x"), "::1");
  for (const char* host : {"localhost", "127.0.0.1", "127.1.2.3", "::1"}) EXPECT_TRUE(is_loopback(host));
  for (const char* host : {"api.openai.com", "10.0.0.1", "localhost.example.com", "127.example.com", ""})
    EXPECT_FALSE(is_loopback(host));
}

}  // namespace
}  // namespace embedd
