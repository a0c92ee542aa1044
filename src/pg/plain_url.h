/// A database's URL as other tools write it (SQLAlchemy, Prisma, Rails, Node), made one that libpq takes.
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
  std::string text;                  ///< may hold a password
  std::vector<std::string> ignored;  ///< names of parameters that libpq does not know
  /// A part of the password may have become a parameter's name: `text` is not to be used, and nothing of it
  /// shown.
  bool ambiguous = false;
};

/// Takes away white space and quotes around it, a driver's name in the scheme, and what libpq does not know;
/// says in libpq's words what others call otherwise. Nothing that is taken away makes a connection less safe:
/// without `sslmode` a server elsewhere is verified. What is no URL comes back as it is.
PlainUrl plain_url(std::string_view url);

/// Whether libpq reads an environment variable of that name, such as PGHOST.
bool is_libpq_variable(std::string_view name);

/// libpq's reason for refusing a connection string, without what it quotes of it.
std::string refusal_reason(std::string_view message);

}  // namespace embedd::pg
