/// Makes one libpq connection string of DATABASE_URL and PG* variables, and a form of it that is safe to
/// show.
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
  Secret conninfo;      ///< keywords, complete except for what libpq reads from the environment itself
  std::string display;  ///< "postgresql://user@host:5432/name": no password, no options
  HiddenSecret password, key_password;  ///< the password, and the password of the TLS key
  std::vector<std::string> ignored;     ///< parameters of the URL that libpq does not know
};

/// TLS: by default libpq verifies nothing. So a server that is not on this machine (by socket or loopback)
/// must show a certificate for its name (`sslmode=verify-full`), unless the URL, PGSSLMODE or a service says
/// otherwise. The certificate's authority must be in `sslrootcert`, in ~/.postgresql/root.crt, or else among
/// the system's.
///
/// `url` is a libpq URI or keywords, or empty, or a URI as other tools write it (plain_url.h). `from_dotenv`
/// returns the PG* variables of the `.env` file, which libpq cannot see. Errors name the source by `variable`
/// and `origin`. Errors: invalid_argument; the message never quotes `url`, which may contain a password.
Result<DatabaseTarget> parse_database_url(
    const Secret& url, std::string_view variable, std::string_view origin,
    const std::function<std::optional<std::string>(const std::string& variable)>& from_dotenv);

/// Hides the password that libpq used for `conn`, from whatever source (a `.pgpass` file, the environment).
HiddenSecret hide_password(const pg_conn* conn);

/// A connection error of libpq. If the error is about TLS, adds what can be done.
std::string explain_connect_error(std::string message);

}  // namespace embedd::pg
