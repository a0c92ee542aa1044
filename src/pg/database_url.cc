#include "pg/database_url.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <cstdlib>
#include <memory>

namespace embedd::pg {

namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

/// As a libpq keyword value: quoted, with backslashes before quotes and backslashes.
std::string quoted_value(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// What to say of a string that libpq refuses. libpq's own message quotes parts of it, so it is not used.
std::unexpected<Error> refused(std::string_view variable, std::string_view origin) {
  return fail(ErrorKind::invalid_argument,
              fmt::format("{}: {} is not a connection string. It looks like "
                          "postgresql://user:password@host:5432/database (special characters in the password "
                          "percent-encoded) or like: host=… dbname=… user=…",
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

}  // namespace

Result<DatabaseTarget> parse_database_url(
    const Secret& url, std::string_view variable, std::string_view origin,
    const std::function<std::optional<std::string>(const std::string& variable)>& from_dotenv) {
  char* message = nullptr;
  const Options options(PQconninfoParse(std::string(url.reveal()).c_str(), &message));
  PQfreemem(message);
  if (!options) return refused(variable, origin);

  DatabaseTarget target;
  std::string conninfo, user, host, port, database;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    std::optional<std::string> value;
    const char* inherited = option->envvar == nullptr ? nullptr : std::getenv(option->envvar);
    if (option->val != nullptr)
      value = option->val;
    else if (option->envvar != nullptr && inherited == nullptr)
      value = from_dotenv(option->envvar);
    const std::string_view keyword = option->keyword;
    const std::string shown = value ? *value : inherited == nullptr ? std::string() : inherited;
    if (keyword == "user") user = shown;
    if (keyword == "host") host = shown;
    if (keyword == "port") port = shown;
    if (keyword == "dbname") database = shown;
    if (keyword == "password") target.password = Secret(shown);
    if (!value || value->empty()) continue;
    if (!conninfo.empty()) conninfo += ' ';
    conninfo += fmt::format("{}={}", keyword, quoted_value(*value));
  }
  target.conninfo = Secret(std::move(conninfo));
  target.display = show(user, host, port, database);
  return target;
}

}  // namespace embedd::pg
