/// What the table's own programs share: options, a connection, errors as exceptions.
#pragma once

#include <fmt/format.h>
#include <libpq-fe.h>

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace embedd::bench {

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

[[noreturn]] inline void raise_error(const std::string& message) { throw std::runtime_error(message); }

inline Connection connect(const std::string& database) {
  Connection connection(PQconnectdb(database.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) raise_error(PQerrorMessage(connection.get()));
  return connection;
}

/// Takes the result over. Raises what the server says is wrong.
inline Result check(const Connection& connection, PGresult* raw) {
  Result result(raw, &PQclear);
  const ExecStatusType status = PQresultStatus(raw);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) raise_error(PQerrorMessage(connection.get()));
  return result;
}

struct NumberOption {
  std::string_view flag;
  std::int64_t& value;
};

/// Reads `--database URL` and numbers, each `--flag N`; what is not there keeps its value.
inline void read_options(int argc, char** argv, std::string& database,
                         std::initializer_list<NumberOption> numbers) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (i + 1 == argc) raise_error(fmt::format("{} lacks its value", flag));
    bool known = flag == "--database";
    if (known) database = argv[i + 1];
    for (const NumberOption& option : numbers) {
      if (option.flag != flag) continue;
      known = true;
      option.value = std::atoll(argv[i + 1]);
    }
    if (!known) raise_error(fmt::format("no such option: {}", flag));
  }
}

}  // namespace embedd::bench
