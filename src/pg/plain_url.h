/// Makes a URL that libpq accepts from one that another tool writes (SQLAlchemy, Prisma, Rails, Node).
///
///   plain_url("'postgresql+asyncpg://me@db/app?schema=public&ssl=require'")
///     .text     postgresql://me@db/app?sslmode=require
///     .ignored  schema
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace embedd::pg {

struct PlainUrl {
  std::string text;                  ///< may contain a password
  std::vector<std::string> ignored;  ///< names of parameters that libpq does not know
  /// A part of the password may have become a parameter's name, so `text` must neither be used nor shown.
  bool ambiguous = false;
};

/// Removes white space and quotes around the URL, the driver's name in the scheme, and parameters that libpq
/// does not know. Translates other tools' parameters into libpq's. A removed parameter never makes a
/// connection less safe: without `sslmode`, the certificate of a server elsewhere is verified. Text that is
/// no URL is returned unchanged.
PlainUrl plain_url(std::string_view url);

/// Whether libpq reads an environment variable with this name, such as PGHOST.
bool is_libpq_variable(std::string_view name);

/// libpq's reason for refusing a connection string, without the parts of the string that it quotes.
std::string refusal_reason(std::string_view message);

}  // namespace embedd::pg
