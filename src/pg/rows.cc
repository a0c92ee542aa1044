#include "pg/rows.h"

#include <libpq-fe.h>

#include <bit>
#include <cstdlib>

#include "base/check.h"

namespace embedd::pg {

void ResultRows::Clear::operator()(PGresult* result) const { PQclear(result); }

int ResultRows::size() const { return PQntuples(result_.get()); }

bool ResultRows::is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }

std::string_view ResultRows::value(int row, int column) const {
  CHECK(row < PQntuples(result_.get()) && column < PQnfields(result_.get()), "row {} column {}", row, column);
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::uint64_t ResultRows::affected() const { return std::strtoull(PQcmdTuples(result_.get()), nullptr, 10); }

std::optional<std::string> Rows::maybe(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return text(row, column);
}

std::int64_t Rows::integer(int row, int column) const {
  return std::strtoll(text(row, column).c_str(), nullptr, 10);
}

double Rows::number(int row, int column) const { return std::strtod(text(row, column).c_str(), nullptr); }

bool Rows::flag(int row, int column) const { return view(row, column) == "t"; }

std::vector<std::string> Rows::array(int row, int column) const {
  // The output format of text[]: {plain,"quoted with \" and \\"}. embedd's arrays have no NULL elements.
  std::vector<std::string> out;
  const std::string_view in = view(row, column);
  if (in.size() < 2 || in == "{}") return out;
  out.emplace_back();
  bool quoted = false;
  for (std::size_t i = 1; i + 1 < in.size(); ++i) {
    const char c = in[i];
    if (c == '\\') {
      out.back() += in[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

std::int64_t BinaryRows::integer(int row, int column) const {
  const std::string_view in = bytes(row, column);
  switch (in.size()) {
    case 2: return read_number<std::int16_t>(in);
    case 4: return read_number<std::int32_t>(in);
    case 8: return read_number<std::int64_t>(in);
    default: return 0;
  }
}

double BinaryRows::real(int row, int column) const {
  const std::string_view in = bytes(row, column);
  return in.size() == 8 ? std::bit_cast<double>(read_number<std::uint64_t>(in)) : 0.0;
}

bool BinaryRows::flag(int row, int column) const {
  const std::string_view in = bytes(row, column);
  return in.size() == 1 && in[0] != '\0';
}

}  // namespace embedd::pg
