/// PostgreSQL for tests: a fresh database on a shared server, or a server of one's own to stop and restart.
///
///   TestDatabase database;                     // on EMBEDD_TEST_DATABASE_URL, else on a private server
///   pg::Connection db = database.connect();
///
///   PrivatePostgres server;                    // for tests that pull the plug
///   TestDatabase database(server);
///   server.stop("immediate"); server.start();
///
/// Everything is on loopback, in a temporary directory, and gone afterwards; a test that is killed takes its
/// server with it. Failures to set up throw std::runtime_error with the server's log.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "pg/connection.h"

namespace embedd::test {

/// A server of our own: initdb and start in the constructor. As root it runs as an unprivileged user.
class PrivatePostgres {
 public:
  /// `settings`: more of them, such as "shared_preload_libraries=pg_stat_statements".
  explicit PrivatePostgres(std::vector<std::string> settings = {});
  ~PrivatePostgres();
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;

  /// Starts on the same port and data; returns once it takes connections.
  void start();
  /// `mode`: smart, fast or immediate. Returns once the server is gone.
  void stop(std::string_view mode = "fast");
  void restart(std::string_view mode = "fast");

  /// Of the superuser, over TCP.
  [[nodiscard]] std::string url(const std::string& database = "postgres") const;
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string log() const;

 private:
  void remove();

  std::vector<std::string> settings_;
  std::string directory_;
  int port_ = 0;
  pid_t pid_ = -1;
};

class PgBouncer;

/// A database of its own, with the schema's extension ready to be made, dropped in the destructor. What
/// stands between it and embedd is the run's target (support/target.h).
class TestDatabase {
 public:
  /// On EMBEDD_TEST_DATABASE_URL if that is set, else on a private server shared by this process.
  TestDatabase();
  explicit TestDatabase(const PrivatePostgres& server);
  /// In PostgreSQL's encoding of that name, on the first one's server.
  explicit TestDatabase(std::string_view encoding);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  /// Straight, as the owner: for users, and for looking at things.
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Throws if it fails.
  [[nodiscard]] pg::Connection connect() const;

  /// The way that the target prescribes, as the owner: for DATABASE_URL of any command but the worker.
  [[nodiscard]] const std::string& embedd_url() const;
  [[nodiscard]] pg::Connection connect_embedd() const;
  /// For DATABASE_URL of a worker; its role gets what it lacks for the vectorizers that there are.
  [[nodiscard]] const std::string& worker_url() const;
  /// The same for vectorizers that were declared since.
  void grant_worker() const;
  /// The role that workers connect as, quoted where SQL needs it.
  [[nodiscard]] const std::string& worker_role() const { return role_; }

 private:
  void create(std::string_view encoding = "UTF8");

  std::string admin_url_;
  std::string name_;
  std::string url_;
  std::string role_;        ///< of workers; empty: the owner
  std::string worker_url_;  ///< of that role
  std::unique_ptr<PgBouncer> pgbouncer_;
};

/// Runs `sql`, which must succeed (else throws with the server's message), and returns its rows.
pg::Rows run(pg::Connection& db, const std::string& sql, std::initializer_list<pg::Param> params = {});
/// The first column of the first row, "NULL" if it is null, "" if there is no row.
std::string value_of(pg::Connection& db, const std::string& sql,
                     std::initializer_list<pg::Param> params = {});
/// `url` with other parameters (dbname, user, password, …), in keyword form.
std::string with_parameters(const std::string& url,
                            std::initializer_list<std::pair<std::string_view, std::string_view>> parameters);

}  // namespace embedd::test
