/// DATABASE_URL and PG* variables as one libpq connection string, and a form of it that is safe to show.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/redaction.h"
#include "base/secret.h"

struct pg_conn;

namespace embedd::pg {

struct DatabaseTarget {
  Secret conninfo;      ///< keywords, complete but for what libpq reads from the process environment itself
  std::string display;  ///< "postgresql://user@host:5432/name": no password, no options
  HiddenSecret password, key_password;  ///< those of conninfo: its own, and its TLS key's
  std::vector<std::string> ignored;     ///< parameters of the URL that libpq does not know
};

/// TLS: libpq by itself verifies nothing. Unless the URL, PGSSLMODE or a service says what to do, a server
/// that is not on this machine (by socket or loopback) must show a certificate for its name
/// (`sslmode=verify-full`), from an authority in `sslrootcert`, in ~/.postgresql/root.crt, or else the
/// system's.
///
/// `url` is a libpq URI or keywords, or empty, or a URI as other tools write it (plain_url.h); `from_dotenv`
/// gives the PG* variables of the `.env` file, which libpq cannot see. `variable` and `origin` name the
/// source in errors. Errors: invalid_argument; the text itself is never quoted, since it may hold a password.
Result<DatabaseTarget> parse_database_url(
    const Secret& url, std::string_view variable, std::string_view origin,
    const std::function<std::optional<std::string>(const std::string& variable)>& from_dotenv);

/// Hides the password that libpq used for `conn`, wherever it found it (a `.pgpass` file, the environment).
HiddenSecret hide_password(const pg_conn* conn);

/// A connection error of libpq's; if it is about TLS, with what can be done.
std::string explain_connect_error(std::string message);

}  // namespace embedd::pg
