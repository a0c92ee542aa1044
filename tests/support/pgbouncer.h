/// A private PgBouncer in transaction mode, on loopback, in front of one test database.
#pragma once

#include <sys/types.h>

#include <string>

#include "support/private_postgres.h"
#include "support/temp_dir.h"

namespace embedd::test {

class PgBouncer {
 public:
  [[nodiscard]] static bool installed();

  /// Returns once it takes connections. `pool_size`: server connections, shared by all clients.
  explicit PgBouncer(const TestDatabase& database, int pool_size = 4)
      : PgBouncer(database.name(), database.url(), pool_size) {}
  PgBouncer(const std::string& database, const std::string& server_url, int pool_size = 4);
  ~PgBouncer();
  PgBouncer(const PgBouncer&) = delete;
  PgBouncer& operator=(const PgBouncer&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  void stop();

  TempDir directory_;
  std::string url_;
  pid_t pid_ = -1;
};

}  // namespace embedd::test
