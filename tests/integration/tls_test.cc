// TLS, to the provider and to PostgreSQL: with a certificate that cannot be verified nothing is sent.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/certificates.h"
#include "support/paths.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// ── The provider

class ProviderTls : public WorkerTest {
 protected:
  void SetUp() override {
    front_ = std::make_unique<Process>(ProcessOptions{
        .arguments = {source_file("tests/integration/data/tls_front.py"), certificates_.file("server.crt"),
                      certificates_.file("server.key"), std::to_string(provider.port())},
        .program = python()});
    ASSERT_TRUE(front_->wait_for_output("\n")) << front_->error_output();
    port_ = std::atoi(front_->output().c_str() + std::string("listening on ").size());
    environment.erase("OPENAI_BASE_URL");
    environment["EMBEDD_CONFIG"] = files.file("embedd.toml");
    configure("localhost", "");
    declare_docs();
    add_docs(5);
  }
  void configure(const std::string& host, const std::string& more) {
    files.write(
        "embedd.toml",
        fmt::format(
            "[endpoint.openai]\nbase_url = 'https://{}:{}/v1'\napi_key = {{ env = 'OPENAI_API_KEY' }}\n{}\n",
            host, port_, more));
  }
  static std::string python() {
    for (const char* path : {"/usr/bin/python3", "/usr/local/bin/python3"})
      if (access(path, X_OK) == 0) return path;
    return "python3";
  }
  /// A worker that runs until the endpoint is paused, and its log.
  std::string refused() {
    Embedd worker = start_worker();
    EXPECT_TRUE(eventually([&] {
      return worker.metric("embedd_endpoint_state{endpoint=\"openai\",state=\"paused\"}") == 1;
    })) << worker.log();
    return worker.stop().error_output;
  }

  Certificates certificates_;
  std::unique_ptr<Process> front_;
  int port_ = 0;
};

TEST_F(ProviderTls, ACertificateThatCannotBeVerifiedFailsClosed) {
  EXPECT_THAT(refused(), HasSubstr("TLS failed"));
  configure("localhost", fmt::format("ca_file = '{}'", certificates_.file("other.crt")));
  EXPECT_THAT(refused(), HasSubstr("TLS failed"));
  EXPECT_EQ(provider.stats().connections, 0u) << "not one byte of the request, nor the key";
  EXPECT_EQ(number("SELECT max(attempt) FROM embedd.queue_1"), 0) << "the rows wait";
  EXPECT_EQ(dead_letters(), 0);
}

TEST_F(ProviderTls, ACertificateForAnotherNameFailsClosed) {
  configure("name.localhost", fmt::format("ca_file = '{}'", certificates_.file("ca.crt")));
  EXPECT_THAT(refused(), HasSubstr("name.localhost: TLS failed"));
  EXPECT_EQ(provider.stats().connections, 0u);
}

TEST_F(ProviderTls, TheRightAuthorityIsEnough) {
  configure("localhost", fmt::format("ca_file = '{}'", certificates_.file("ca.crt")));
  const Finished run = work_once();
  EXPECT_EQ(run.code, 0) << run.error_output;
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(ProviderTls, AnAuthorityThatCannotBeReadIsSaidAtOnce) {
  configure("localhost", "ca_file = '/nonexistent/ca.crt'");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.error_output,
              HasSubstr("embedd.toml:1: endpoint \"openai\": ca_file /nonexistent/ca.crt cannot be read"));
}

// ── PostgreSQL

class DatabaseTls : public OwnServer, public WorkerTest {
 protected:
  DatabaseTls() : WorkerTest(&server) {}

  /// Turns TLS on, with the key where the server wants it: its own, and nobody else's to read.
  void SetUp() override {
    struct stat data{};
    ASSERT_EQ(stat((server.directory() + "/data").c_str(), &data), 0);
    for (const char* name : {"server.crt", "server.key"}) {
      const std::string to = server.directory() + "/data/" + name;
      std::filesystem::copy_file(certificates_.file(name), to);
      ASSERT_EQ(chmod(to.c_str(), 0600), 0);
      ASSERT_EQ(chown(to.c_str(), data.st_uid, data.st_gid), 0);
    }
    sql("ALTER SYSTEM SET ssl = on");
    sql("SELECT pg_reload_conf()");
    ASSERT_TRUE(eventually([&] { return value_of(*open(), "SHOW ssl") == "on"; })) << server.log();
    declare_docs();
  }
  std::unique_ptr<pg::Connection> open() { return std::make_unique<pg::Connection>(database.connect()); }

  /// A URL to the server under another name, as if it were elsewhere.
  [[nodiscard]] std::string elsewhere(const std::string& parameters = "",
                                      const std::string& host = kHost) const {
    return fmt::format("postgresql://postgres@{}:{}/{}?hostaddr=127.0.0.1&{}", host, server.port(),
                       database.name(), parameters);
  }
  Finished status(const std::string& url, Environment more = {}) {
    more["DATABASE_URL"] = url;
    return run_embedd({"status"}, more);
  }

  Certificates certificates_;
};

TEST_F(DatabaseTls, AServerElsewhereIsVerifiedByDefault) {
  const Finished refused = status(elsewhere());
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.error_output, HasSubstr("certificate verify failed"));
  EXPECT_THAT(refused.error_output, HasSubstr("sslrootcert=FILE names another authority"));
  EXPECT_THAT(server.log(), Not(HasSubstr("fe_sendauth"))) << "no password was offered";

  const Finished trusted = status(elsewhere(), {{"SSL_CERT_FILE", certificates_.file("ca.crt")}});
  EXPECT_EQ(trusted.code, 0) << trusted.error_output;
}

TEST_F(DatabaseTls, OnlyTheRightAuthorityAndTheRightNameWillDo) {
  const std::string right = "sslrootcert=" + certificates_.file("ca.crt");
  EXPECT_EQ(status(elsewhere(right)).code, 0);
  const Finished other = status(elsewhere("sslrootcert=" + certificates_.file("other.crt")));
  EXPECT_NE(other.code, 0);
  EXPECT_THAT(other.error_output, HasSubstr("certificate verify failed"));
  const Finished name = status(elsewhere(right, "other.example.test"));
  EXPECT_NE(name.code, 0);
  EXPECT_THAT(name.error_output, HasSubstr("does not match host name \"other.example.test\""));
  const Finished missing = status(elsewhere("sslrootcert=/nonexistent/ca.crt"));
  EXPECT_NE(missing.code, 0);
  EXPECT_THAT(missing.error_output, HasSubstr("/nonexistent/ca.crt"));
}

TEST_F(DatabaseTls, WhoeverSaysSoGoesWithout) {
  EXPECT_EQ(status(elsewhere("sslmode=require&sslrootcert=")).code, 0);
  EXPECT_EQ(status(elsewhere(), {{"PGSSLMODE", "require"}}).code, 0);
  sql("ALTER SYSTEM SET ssl = off");
  sql("SELECT pg_reload_conf()");
  ASSERT_TRUE(eventually([&] { return value_of(*open(), "SHOW ssl") == "off"; })) << server.log();
  const Finished plain = status(elsewhere());
  EXPECT_NE(plain.code, 0);
  EXPECT_THAT(plain.error_output, HasSubstr("server does not support SSL, but SSL was required"));
  EXPECT_THAT(plain.error_output, HasSubstr("sslmode=disable does without TLS"));
  EXPECT_EQ(status(elsewhere("sslmode=disable")).code, 0);
}

TEST_F(DatabaseTls, AWorkerConnectsVerifiedOrNotAtAll) {
  add_docs(5);
  Embedd refused = start_worker({{"DATABASE_URL", elsewhere()}});
  ASSERT_TRUE(refused.wait_for_log("certificate verify failed")) << refused.log();
  refused.stop();
  EXPECT_EQ(value("SELECT count(*) FROM docs WHERE embedding IS NOT NULL"), "0");

  Embedd worker = start_worker({{"DATABASE_URL", elsewhere("sslrootcert=" + certificates_.file("ca.crt"))}});
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(value("SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) "
                  "WHERE a.application_name = 'embedd worker'"),
            "t");
}

}  // namespace
}  // namespace embedd::test
