/// Certificates for a test that speaks TLS.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "support/temp_dir.h"

namespace embedd::test {

inline constexpr const char* kHost = "db.example.test";  // never resolved: every use of it names the address

/// Two authorities, and a certificate of the first for kHost, localhost and 127.0.0.1; made by the openssl
/// command.
class Certificates {
 public:
  Certificates() {
    for (const char* name : {"ca", "other"})
      run(fmt::format("openssl req -x509 {} -subj '/CN=embedd test {}' -keyout {}.key -out {}.crt", kKey,
                      name, name, name));
    files_.write("names", fmt::format("subjectAltName=DNS:{},DNS:localhost,IP:127.0.0.1\n", kHost));
    make("server");
  }
  /// NAME.crt and NAME.key, another certificate of the first authority for the same names.
  void make(const std::string& name) {
    run(fmt::format("openssl req {} -subj /CN=embedd -keyout {}.key -out {}.csr", kKey, name, name));
    run(fmt::format(
        "openssl x509 -req -days 2 -in {0}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile names "
        "-out {0}.crt",
        name));
  }
  [[nodiscard]] std::string file(const std::string& name) const { return files_.file(name); }

  /// A command of the shell's, in the folder of the files.
  void run(const std::string& command) {
    const std::string log = file("log");
    ASSERT_EQ(std::system(fmt::format("cd '{}' && {} >>log 2>&1", files_.file("."), command).c_str()), 0)
        << command << "\n"
        << std::ifstream(log).rdbuf();
  }

 private:
  static constexpr const char* kKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
  TempDir files_;
};

}  // namespace embedd::test
