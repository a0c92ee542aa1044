#include "support/pgbouncer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace embedd::test {
namespace {

constexpr const char* kBinaries[] = {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"};

const char* binary() {
  for (const char* path : kBinaries)
    if (access(path, X_OK) == 0) return path;
  return nullptr;
}

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  if (!bound) throw std::runtime_error("no free port on loopback");
  return ntohs(address.sin_port);
}

/// PgBouncer refuses to run as root.
const passwd* unprivileged() {
  if (geteuid() != 0) return nullptr;
  for (const char* name : {"postgres", "nobody"})
    if (const passwd* user = getpwnam(name)) return user;
  throw std::runtime_error("running as root, and there is no user postgres or nobody to run PgBouncer as");
}

/// The name behind `key` in a conninfo; `fallback` if it is not there.
std::string part_of(const std::string& conninfo, std::string_view key, std::string fallback) {
  PQconninfoOption* parsed = PQconninfoParse(conninfo.c_str(), nullptr);
  for (const PQconninfoOption* option = parsed; option && option->keyword; ++option)
    if (option->keyword == key && option->val) fallback = option->val;
  PQconninfoFree(parsed);
  return fallback;
}

}  // namespace

bool PgBouncer::installed() { return binary() != nullptr; }

PgBouncer::PgBouncer(const std::string& database, const std::string& server_url, int pool_size) {
  if (!installed()) throw std::runtime_error("PgBouncer is not installed; run ./dev setup");
  const int port = free_port();
  const std::string user = part_of(server_url, "user", "postgres");
  const std::string ini = directory_.file("pgbouncer.ini"), users = directory_.file("users.txt"),
                    log = directory_.file("pgbouncer.log");
  directory_.write("users.txt", fmt::format("\"{}\" \"\"\n", user));
  directory_.write(
      "pgbouncer.ini",
      fmt::format("[databases]\n{} = {}\n"
                  "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {}\nunix_socket_dir =\n"
                  "auth_type = trust\nauth_file = {}\npool_mode = transaction\n"
                  "default_pool_size = {}\nmax_client_conn = 500\n"
                  // A server that is down is told of soon, and one that comes back is found soon.
                  "server_login_retry = 0.2\nquery_wait_timeout = 5\n",
                  database, server_url, port, users, pool_size));
  url_ = fmt::format("postgresql://{}@127.0.0.1:{}/{}", user, port, database);
  const passwd* account = unprivileged();
  if (account)
    for (const std::string& path : {std::filesystem::path(ini).parent_path().string(), ini, users})
      if (chown(path.c_str(), account->pw_uid, account->pw_gid) != 0)
        throw std::runtime_error("chown " + path);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(out, 1);
    dup2(out, 2);
    if (account && (setgid(account->pw_gid) != 0 || setuid(account->pw_uid) != 0)) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // after setuid, which clears it
    execl(binary(), binary(), "-q", ini.c_str(), nullptr);
    _exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (PQping(url_.c_str()) != PQPING_OK) {
    const bool gone = waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (gone) pid_ = -1;
    if (gone || std::chrono::steady_clock::now() > deadline) {
      std::stringstream said;
      said << std::ifstream(log).rdbuf();
      stop();
      throw std::runtime_error("PgBouncer did not start:\n" + said.str());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

PgBouncer::~PgBouncer() { stop(); }

void PgBouncer::stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace embedd::test
