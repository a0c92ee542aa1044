/// The rows of one statement, in text or binary format. Views are valid while the object lives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pg/codec.h"

struct pg_result;

namespace embedd::pg {

/// The part that both formats have in common.
class ResultRows {
 public:
  [[nodiscard]] int size() const;
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] bool is_null(int row, int column) const;
  /// Rows inserted, updated, deleted or selected.
  [[nodiscard]] std::uint64_t affected() const;

 protected:
  explicit ResultRows(pg_result* result) : result_(result) {}
  /// The bytes as received; empty if NULL.
  [[nodiscard]] std::string_view value(int row, int column) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

/// Rows in text format.
class Rows : public ResultRows {
 public:
  explicit Rows(pg_result* result) : ResultRows(result) {}

  [[nodiscard]] std::string_view view(int row, int column) const { return value(row, column); }
  [[nodiscard]] std::string text(int row, int column) const { return std::string(view(row, column)); }
  [[nodiscard]] std::optional<std::string> maybe(int row, int column) const;
  [[nodiscard]] std::int64_t integer(int row, int column) const;  ///< 0 if NULL
  [[nodiscard]] double number(int row, int column) const;         ///< 0 if NULL
  [[nodiscard]] bool flag(int row, int column) const;             ///< false if NULL
  /// Elements of a text[] without NULLs.
  [[nodiscard]] std::vector<std::string> array(int row, int column) const;
};

/// Rows in binary format.
class BinaryRows : public ResultRows {
 public:
  explicit BinaryRows(pg_result* result) : ResultRows(result) {}

  /// The bytes of a value; for a text, these are the text.
  [[nodiscard]] std::string_view bytes(int row, int column) const { return value(row, column); }
  /// The value of a smallint, int, bigint or oid; 0 if NULL.
  [[nodiscard]] std::int64_t integer(int row, int column) const;
  [[nodiscard]] double real(int row, int column) const;  ///< the value of a float8; 0 if NULL
  [[nodiscard]] bool flag(int row, int column) const;    ///< false if NULL
  /// The bytes of an array's elements; see decode_array().
  [[nodiscard]] std::optional<std::vector<std::string_view>> array(int row, int column) const {
    return decode_array(bytes(row, column));
  }
};

}  // namespace embedd::pg
