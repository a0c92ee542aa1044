#include "support/private_postgres.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "schema/inspect.h"
#include "support/pgbouncer.h"
#include "support/target.h"

namespace embedd::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

[[noreturn]] void raise_error(const std::string& message) { throw std::runtime_error(message); }

/// EMBEDD_TEST_PG_BIN, else the newest /usr/lib/postgresql/*/bin, else pg_config's, if it has a server.
fs::path binaries() {
  if (const char* set = std::getenv("EMBEDD_TEST_PG_BIN"); set && *set) return set;
  fs::path best;
  int newest = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const int version = std::atoi(entry.path().filename().c_str());
    if (version > newest && fs::exists(entry.path() / "bin/initdb")) {
      newest = version;
      best = entry.path() / "bin";
    }
  }
  if (!best.empty()) return best;
  if (FILE* pipe = popen("pg_config --bindir 2>/dev/null", "r")) {
    char line[4096] = {};
    if (fgets(line, sizeof line, pipe)) best = std::string(line, strcspn(line, "\n"));
    pclose(pipe);
  }
  if (!fs::exists(best / "initdb")) raise_error("no PostgreSQL server is installed; run ./dev setup");
  return best;
}

/// PostgreSQL refuses to run as root.
const passwd* unprivileged() {
  if (geteuid() != 0) return nullptr;
  for (const char* name : {"postgres", "nobody"})
    if (const passwd* user = getpwnam(name)) return user;
  raise_error("running as root, and there is no user postgres or nobody to run the server as");
}

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) close(fd);
  if (!bound) raise_error("no free port on loopback");
  return ntohs(address.sin_port);
}

/// A child with its output in `log`, without root's rights, that dies with us.
pid_t spawn(const std::vector<std::string>& arguments, const std::string& directory, const std::string& log) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const passwd* user = unprivileged();
  const pid_t pid = fork();
  if (pid < 0) raise_error("fork failed");
  if (pid > 0) return pid;
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(out, 1);
  dup2(out, 2);
  if (user && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) _exit(126);
  if (chdir(directory.c_str()) != 0) _exit(125);
  setpgid(0, 0);                     // a terminal's Ctrl-C is ours to handle
  prctl(PR_SET_PDEATHSIG, SIGQUIT);  // after setuid, which clears it; SIGQUIT is "immediate" to a postmaster
  execv(argv[0], argv.data());
  _exit(127);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string read_file(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

/// Directories of tests that crashed: their owner, named in the file `owner`, is gone.
void sweep() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/tmp", ignored)) {
    if (!entry.path().filename().string().starts_with("embedd-pg-")) continue;
    const std::string owner = read_file(entry.path() / "owner");
    if (!owner.empty() && kill(std::atoi(owner.c_str()), 0) != 0 && errno == ESRCH)
      fs::remove_all(entry.path(), ignored);
  }
}

const PrivatePostgres& shared_server() {
  static const PrivatePostgres server;
  return server;
}

pg::Connection open(const std::string& url) {
  auto db = pg::Connection::open(Secret(url));
  if (!db) raise_error("cannot connect to the test database: " + db.error().message);
  return std::move(*db);
}

std::string quoted_value(const std::string& value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

}  // namespace

PrivatePostgres::PrivatePostgres(std::vector<std::string> settings) : settings_(std::move(settings)) {
  sweep();
  char pattern[] = "/tmp/embedd-pg-XXXXXX";
  if (!mkdtemp(pattern)) raise_error("cannot make a directory in /tmp");
  directory_ = pattern;
  std::ofstream(directory_ + "/owner") << getpid();
  if (const passwd* user = unprivileged(); user && chown(pattern, user->pw_uid, user->pw_gid) != 0)
    raise_error("cannot give away " + directory_);
  try {
    const std::string initdb = (binaries() / "initdb").string();
    const pid_t child = spawn({initdb, "-D", directory_ + "/data", "-U", "postgres", "-A", "trust", "-E",
                               "UTF8", "--locale=C", "--no-sync", "--no-instructions"},
                              directory_, directory_ + "/initdb.log");
    if (wait_for(child) != 0) raise_error("initdb failed:\n" + read_file(directory_ + "/initdb.log"));
    port_ = free_port();
    start();
  } catch (...) {
    remove();
    throw;
  }
}

PrivatePostgres::~PrivatePostgres() { remove(); }

void PrivatePostgres::remove() {
  if (pid_ > 0) stop("immediate");
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void PrivatePostgres::start() {
  if (pid_ > 0) return;
  const std::string port = std::to_string(port_);
  std::vector<std::string> arguments{(binaries() / "postgres").string(),
                                     "-D",
                                     directory_ + "/data",
                                     "-p",
                                     port,
                                     "-k",
                                     directory_,
                                     "-c",
                                     "listen_addresses=127.0.0.1",
                                     "-c",
                                     "fsync=off",
                                     "-c",
                                     "full_page_writes=off",
                                     "-c",
                                     "max_connections=200",
                                     "-c",
                                     "shared_buffers=64MB",
                                     "-c",
                                     "max_wal_size=4GB",
                                     "-c",
                                     "log_lock_waits=on"};
  for (const std::string& setting : settings_) arguments.insert(arguments.end(), {"-c", setting});
  pid_ = spawn(arguments, directory_, directory_ + "/server.log");
  const auto deadline = steady_clock::now() + std::chrono::seconds(60);
  const std::string target = url();
  while (PQping(target.c_str()) != PQPING_OK) {
    int status = 0;
    const bool gone = waitpid(pid_, &status, WNOHANG) == pid_;
    if (gone) pid_ = -1;
    if (gone || steady_clock::now() > deadline) raise_error("PostgreSQL did not start:\n" + log());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void PrivatePostgres::stop(std::string_view mode) {
  if (pid_ <= 0) return;
  kill(pid_, mode == "immediate" ? SIGQUIT : mode == "smart" ? SIGTERM : SIGINT);
  wait_for(pid_);
  pid_ = -1;
}

void PrivatePostgres::restart(std::string_view mode) {
  stop(mode);
  start();
}

std::string PrivatePostgres::url(const std::string& database) const {
  return fmt::format("postgresql://postgres@127.0.0.1:{}/{}", port_, database);
}

std::string PrivatePostgres::log() const { return read_file(directory_ + "/server.log"); }

TestDatabase::TestDatabase() : TestDatabase("UTF8") {}

TestDatabase::TestDatabase(std::string_view encoding) {
  const char* set = std::getenv("EMBEDD_TEST_DATABASE_URL");
  admin_url_ = set && *set ? std::string(set) : shared_server().url();
  create(encoding);
}

TestDatabase::TestDatabase(const PrivatePostgres& server) : admin_url_(server.url()) { create(); }

void TestDatabase::create(std::string_view encoding) {
  static std::atomic<int> counter = 0;
  name_ = fmt::format("embedd_test_{}_{}", getpid(), ++counter);
  auto admin = pg::Connection::open(Secret(admin_url_));
  if (!admin) raise_error("no test server: " + admin.error().message);
  run(*admin, fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
  const std::string another =
      encoding == "UTF8" ? "" : fmt::format(" TEMPLATE template0 LOCALE 'C' ENCODING '{}'", encoding);
  run(*admin, fmt::format("CREATE DATABASE {}{}", name_, another));
  url_ = with_parameters(admin_url_, {{"dbname", name_}});
  if (target() == Target::pgbouncer) pgbouncer_ = std::make_unique<PgBouncer>(name_, url_);
  if (target() != Target::least_privilege) return;
  role_ = name_ + "_worker_role";
  run(*admin, fmt::format("DROP ROLE IF EXISTS {}", role_));
  run(*admin, fmt::format("CREATE ROLE {} LOGIN PASSWORD 'least'", role_));
  worker_url_ = with_parameters(url_, {{"user", role_}, {"password", "least"}});
}

TestDatabase::~TestDatabase() {
  pgbouncer_.reset();
  // A server that the test has stopped takes its databases along.
  auto admin = pg::Connection::open(Secret(admin_url_));
  if (!admin) return;
  (void)admin->exec(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
  if (!role_.empty()) (void)admin->exec(fmt::format("DROP ROLE IF EXISTS {}", role_));
}

pg::Connection TestDatabase::connect() const { return open(url_); }

const std::string& TestDatabase::embedd_url() const { return pgbouncer_ ? pgbouncer_->url() : url_; }

pg::Connection TestDatabase::connect_embedd() const { return open(embedd_url()); }

const std::string& TestDatabase::worker_url() const {
  if (role_.empty()) return embedd_url();
  grant_worker();
  return worker_url_;
}

void TestDatabase::grant_worker() const {
  if (role_.empty()) return;
  // A server that the test has stopped has been told before.
  auto opened = pg::Connection::open(Secret(url_));
  if (!opened) return;
  pg::Connection db = std::move(*opened);
  if (value_of(db, "SELECT to_regclass('embedd.vectorizers')") == "NULL") return;
  const auto grants = schema::missing_grants(db, role_);
  if (!grants) raise_error(grants.error().message);
  for (const std::string& grant : *grants) run(db, grant);
}

pg::Rows run(pg::Connection& db, const std::string& sql, std::initializer_list<pg::Param> params) {
  auto rows = db.exec(sql, params);
  if (!rows) raise_error(fmt::format("{}\nin: {}", rows.error().message, sql));
  return std::move(*rows);
}

std::string value_of(pg::Connection& db, const std::string& sql, std::initializer_list<pg::Param> params) {
  const pg::Rows rows = run(db, sql, params);
  if (rows.empty()) return "";
  return rows.is_null(0, 0) ? "NULL" : rows.text(0, 0);
}

std::string with_parameters(const std::string& url,
                            std::initializer_list<std::pair<std::string_view, std::string_view>> parameters) {
  PQconninfoOption* parsed = PQconninfoParse(url.c_str(), nullptr);
  if (!parsed) raise_error("EMBEDD_TEST_DATABASE_URL cannot be parsed");
  std::string out;
  for (const PQconninfoOption* option = parsed; option->keyword; ++option)
    if (option->val) out += fmt::format("{}={} ", option->keyword, quoted_value(option->val));
  PQconninfoFree(parsed);
  // Of two, the last one counts.
  for (const auto& [name, value] : parameters)
    out += fmt::format("{}={} ", name, quoted_value(std::string(value)));
  return out;
}

}  // namespace embedd::test
