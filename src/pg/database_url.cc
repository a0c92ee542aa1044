#include "pg/database_url.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/loopback.h"
#include "pg/plain_url.h"

namespace embedd::pg {

namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

/// `value` as a libpq keyword's value: quoted, with backslashes before quotes and backslashes.
std::string quoted_value(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// The error for a string that libpq refuses, with libpq's reason.
std::unexpected<Error> refused(std::string_view variable, std::string_view origin, const char* message) {
  return fail(ErrorKind::invalid_argument,
              fmt::format("{}: {} is not a connection string: {}. It looks like "
                          "postgresql://user:password@host:5432/database (special characters in the password "
                          "percent-encoded) or like: host=... dbname=... user=...",
                          origin, variable, message == nullptr ? "out of memory" : refusal_reason(message)));
}

/// True if the password contains an unescaped '@' or '/'. For libpq such a password ends early, and its rest
/// becomes a host, a port or a database's name, which are shown. libpq takes the text before the first '@' as
/// user and password, unless a '/' comes sooner. So no '@' may remain before the parameters, and a port must
/// be a number.
bool password_runs_over(std::string_view url, std::string_view hosts, std::string_view ports) {
  if (ports.find_first_not_of("0123456789, ") != std::string_view::npos) return true;
  for (std::size_t i = 1; i < hosts.size(); ++i)  // at the beginning of a name, '@' means an abstract socket
    if (hosts[i] == '@' && hosts[i - 1] != ',') return true;
  if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) return false;
  std::string_view rest = url.substr(url.find("//") + 2);
  const std::size_t at = rest.find('@');
  if (at < rest.find('/')) rest.remove_prefix(at + 1);
  return rest.substr(0, rest.find('?')).find('@') != std::string_view::npos;
}

std::unexpected<Error> ran_over(std::string_view variable, std::string_view origin) {
  return fail(
      ErrorKind::invalid_argument,
      fmt::format("{}: {}: percent-encode the password (@ is %40, / is %2F, : is %3A): a part of it would "
                  "be taken for a host, a port or a database; or else the port is not a number",
                  origin, variable));
}

std::string show(std::string_view user, std::string_view host, std::string_view port,
                 std::string_view database) {
  if (host.empty() && database.empty()) return "the default database (DATABASE_URL is not set)";
  std::string out = "postgresql://";
  if (!user.empty()) out += fmt::format("{}@", user);
  out += host;
  if (!port.empty()) out += fmt::format(":{}", port);
  if (!database.empty()) out += fmt::format("/{}", database);
  return out;
}

/// True if each host of the comma-separated list is a socket or loopback; libpq's default is, too.
bool on_this_machine(std::string_view hosts) {
  for (;;) {
    const std::string_view host = hosts.substr(0, hosts.find(','));
    if (!host.empty() && !host.starts_with('/') && !host.starts_with('@') && !is_loopback(host)) return false;
    if (host.size() == hosts.size()) return true;
    hosts.remove_prefix(host.size() + 1);
  }
}

/// The value of `sslrootcert` for the system's authorities; empty if libpq finds them by itself.
std::string authorities() {
  const char* home = std::getenv("HOME");
  if (home != nullptr && access(fmt::format("{}/.postgresql/root.crt", home).c_str(), R_OK) == 0) return "";
  if (PQlibVersion() >= 160'000) return "system";
  if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr && *file != '\0') return file;
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"})
    if (access(file, R_OK) == 0) return file;
  return "";
}

/// Collects keywords and values for libpq.
class Conninfo {
 public:
  void add(std::string_view keyword, std::string_view value) {
    if (value.empty()) return;
    text_ += fmt::format("{}{}={}", text_.empty() ? "" : " ", keyword, quoted_value(value));
  }
  Secret take() && { return Secret(std::move(text_)); }

 private:
  std::string text_;
};

}  // namespace

Result<DatabaseTarget> parse_database_url(
    const Secret& url, std::string_view variable, std::string_view origin,
    const std::function<std::optional<std::string>(const std::string& variable)>& from_dotenv) {
  PlainUrl plain = plain_url(url.reveal());
  if (plain.ambiguous) return ran_over(variable, origin);
  char* text = nullptr;
  const Options options(PQconninfoParse(plain.text.c_str(), &text));
  const std::unique_ptr<char, void (*)(void*)> message(text, PQfreemem);
  if (!options) return refused(variable, origin, message.get());

  DatabaseTarget target;
  target.ignored = std::move(plain.ignored);
  Conninfo conninfo;
  std::map<std::string, std::string, std::less<>> known;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    std::optional<std::string> value;
    const char* inherited = option->envvar == nullptr ? nullptr : std::getenv(option->envvar);
    if (option->val != nullptr)
      value = option->val;
    else if (option->envvar != nullptr && inherited == nullptr)
      value = from_dotenv(option->envvar);
    known[option->keyword] = value ? *value : inherited == nullptr ? std::string() : inherited;
    if (value) conninfo.add(option->keyword, *value);
  }
  const std::string& host = known["host"].empty() ? known["hostaddr"] : known["host"];
  if (password_runs_over(plain.text, host, known["port"])) return ran_over(variable, origin);
  // A service may set more than is known here, TLS included.
  if (known["sslmode"].empty() && known["service"].empty() && !on_this_machine(host)) {
    conninfo.add("sslmode", "verify-full");
    if (known["sslrootcert"].empty()) conninfo.add("sslrootcert", authorities());
  }
  const std::vector<std::string> shown{known["user"], host, known["dbname"]};
  target.password = HiddenSecret(Secret(std::move(known["password"])), shown);
  target.key_password = HiddenSecret(Secret(std::move(known["sslpassword"])), shown);
  target.conninfo = std::move(conninfo).take();
  target.display = show(known["user"], host, known["port"], known["dbname"]);
  return target;
}

HiddenSecret hide_password(const pg_conn* conn) {
  const auto text = [](const char* value) { return std::string(value == nullptr ? "" : value); };
  return HiddenSecret(Secret(text(PQpass(conn))), {text(PQuser(conn)), text(PQhost(conn)), text(PQdb(conn))});
}

std::string explain_connect_error(std::string message) {
  const auto has = [&](std::string_view part) { return message.find(part) != std::string::npos; };
  if ((has("SSL") || has("certificate")) && !has("pg_hba.conf"))
    message +=
        " (A server that is not on this machine must show a certificate that can be verified. In "
        "DATABASE_URL, "
        "sslrootcert=FILE names another authority; sslmode=require does not verify, sslmode=disable does "
        "without TLS)";
  return message;
}

}  // namespace embedd::pg
