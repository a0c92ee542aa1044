// `embedd serve` over TLS: searches, clients that cannot or will not shake hands, certificates that are
// renewed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "support/certificates.h"
#include "support/http_get.h"
#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ServeTls : public ServeTest {
 protected:
  void serve_encrypted(const Environment& changes = {}) {
    Environment all = changes;
    all["EMBEDD_TLS_CERT"] = certificates.file("server.crt");
    all["EMBEDD_TLS_KEY"] = certificates.file("server.key");
    serve(all);
    client->trust(certificates.file("ca.crt"));
  }
  Finished refused(const std::string& certificate, const std::string& key) {
    return run_embedd({"serve", "--http", "127.0.0.1:0"},
                      {{"EMBEDD_TLS_CERT", certificate}, {"EMBEDD_TLS_KEY", key}});
  }
  /// Puts NAME.crt in the place of the certificate in use, or its key, with another time of its own.
  void replace(const std::string& name, const std::string& ending) {
    const std::string in_use = certificates.file("server." + ending);
    const auto before = std::filesystem::last_write_time(in_use);
    std::filesystem::rename(certificates.file(name + "." + ending), in_use);
    std::filesystem::last_write_time(in_use, before + std::chrono::seconds(1));
  }
  /// Whether a new connection gets the certificate in the file.
  bool shows(const std::string& file) {
    SearchClient other(port_of(*server));
    other.trust(certificates.file(file));
    return other.get("/healthz").status == 200;
  }

  Certificates certificates;
};

TEST_F(ServeTls, AnswersWhoeverVerifiesItsCertificate) {
  declare_notes();
  add_notes(30);
  embed_all();
  serve_encrypted();
  EXPECT_THAT(server->log(), HasSubstr(R"("tls":true)"));
  EXPECT_EQ(search(R"({"query": "river", "k": 3})").status, 200);
  const SearchReply large = client->post("/v1/vectorizers/notes/search", std::string(300'000, 'x'));
  EXPECT_EQ(large.status, 400);
  EXPECT_EQ(client->connections(), 1) << "the connection is kept";
  const SearchReply too_large = client->post("/v1/vectorizers/notes/search", std::string(700'000, 'x'));
  EXPECT_EQ(too_large.status, 413) << "the refusal arrives although the client still sends";
  EXPECT_EQ(search(R"({"query": "river"})").status, 200);
  EXPECT_FALSE(shows("other.crt"));
  EXPECT_EQ(server->stop().code, 0);
}

TEST_F(ServeTls, ClientsWithoutTlsGetNothingAndDelayNobody) {
  declare_notes();
  serve_encrypted();
  const std::uint16_t port = port_of(*server);
  SearchClient plain(port);
  EXPECT_EQ(plain.get("/v1/vectorizers").status, 0);
  Client silent(port), garbage(port);
  EXPECT_TRUE(garbage.send(std::string("\x16\x03\x01\xff\xff") + std::string(2000, '\xff')));
  EXPECT_EQ(search(R"({"query": "a", "mode": "text"})").status, 200);
  const auto old = [&](const std::string& how) {
    return std::system(fmt::format("curl -s {} --cacert '{}' https://127.0.0.1:{}/healthz >/dev/null", how,
                                   certificates.file("ca.crt"), port)
                           .c_str());
  };
  EXPECT_EQ(old(""), 0);
  EXPECT_NE(old("--tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0"), 0);
  EXPECT_EQ(server->stop().code, 0) << "and nobody who shakes no hands is waited for";
}

TEST_F(ServeTls, ARenewedCertificateIsShownWithoutARestart) {
  declare_notes();
  certificates.make("renewed");
  serve_encrypted();
  ASSERT_TRUE(shows("ca.crt"));
  replace("renewed", "crt");
  ASSERT_TRUE(eventually([&] { return shows("ca.crt") && server->logged("tls_certificate_refused") > 0; }))
      << "a certificate without its key yet: " << server->log();
  replace("renewed", "key");
  ASSERT_TRUE(eventually([&] { return shows("ca.crt") && server->logged("tls_certificate_read") > 0; }))
      << server->log();
  EXPECT_EQ(client->get("/healthz").status, 200);
}

TEST_F(ServeTls, FilesThatDoNotFitAreRefusedAtTheStart) {
  const std::string certificate = certificates.file("server.crt"), key = certificates.file("server.key");
  const auto says = [](const Finished& finished, const auto& matcher) {
    EXPECT_EQ(finished.code, 2);
    EXPECT_THAT(finished.error_output, matcher);
  };
  says(refused(certificate, ""), HasSubstr("set EMBEDD_TLS_CERT and EMBEDD_TLS_KEY"));
  says(refused("", key), HasSubstr("set EMBEDD_TLS_CERT and EMBEDD_TLS_KEY"));
  says(refused("/nowhere.crt", key),
       AllOf(HasSubstr("/nowhere.crt"), HasSubstr("the server's certificate in PEM")));
  says(refused(key, key), HasSubstr("the server's certificate in PEM"));
  says(refused(certificate, certificates.file("other.key")), HasSubstr("must hold the key of"));
  certificates.run("openssl ec -in server.key -aes128 -passout pass:secret-phrase -out locked.key");
  says(refused(certificate, certificates.file("locked.key")),
       AllOf(HasSubstr("without a passphrase"), Not(HasSubstr("secret-phrase"))));
}

}  // namespace
}  // namespace embedd::test
