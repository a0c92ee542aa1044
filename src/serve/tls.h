/// The certificate that an HTTP server shows, and its key: from files, read again when they change.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "base/error.h"
#include "base/units.h"

namespace embedd::serve {

class Tls {
 public:
  /// PEM files: the server's certificate, followed by those of the authorities between the server and the
  /// root, if there are any; and the certificate's key, without a passphrase. Error: invalid_argument, naming
  /// the file.
  static Result<Tls> open(std::string certificate, std::string key);

  /// For a new connection, which keeps it. TLS 1.2 and later. Looks at most every five seconds whether the
  /// files have changed. While the new ones do not fit together, the old ones stay in use, and the log says
  /// why: renewals replace one file after the other.
  std::shared_ptr<boost::asio::ssl::context> context(Instant now);

 private:
  struct Changed {
    std::filesystem::file_time_type certificate, key;
    bool operator==(const Changed&) const = default;
  };

  Tls(std::string certificate, std::string key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}
  [[nodiscard]] Changed changed() const;
  [[nodiscard]] Result<std::shared_ptr<boost::asio::ssl::context>> load() const;

  std::string certificate_, key_;
  Changed loaded_;  ///< when the files in use were written, or those that were refused last
  Instant next_look_{};
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace embedd::serve
