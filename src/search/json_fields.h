/// Reads values of a parsed JSON text, and names the field in each error: "filter.and[1].op: must be text".
///
/// Views are valid as long as the parser that made the element.
#pragma once

#ifndef SIMDJSON_EXCEPTIONS
#define SIMDJSON_EXCEPTIONS 0
#endif
#include <simdjson.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace embedd::search {

class Json {
 public:
  using Object = std::vector<std::pair<std::string_view, Json>>;

  /// `field`: the value's place in the request; empty: the request itself.
  Json(simdjson::dom::element element, std::string field) : element_(element), field_(std::move(field)) {}

  [[nodiscard]] const std::string& field() const { return field_; }
  [[nodiscard]] simdjson::dom::element_type type() const { return element_.type(); }

  [[nodiscard]] Result<Object> object() const;
  /// The elements, at most `most`.
  [[nodiscard]] Result<std::vector<Json>> array(std::size_t most) const;
  /// A text: not empty, at most `most` bytes, without NUL.
  [[nodiscard]] Result<std::string> text(std::size_t most, bool may_be_empty = false) const;
  [[nodiscard]] Result<int> whole(int low, int high) const;
  [[nodiscard]] Result<double> number(double low, double high) const;
  [[nodiscard]] Result<bool> flag() const;
  /// The JSON text of the value, without NUL in its strings.
  [[nodiscard]] Result<std::string> json(std::size_t most) const;
  /// A number as it is written in SQL.
  [[nodiscard]] Result<std::string> digits() const;

  /// "field: message", of kind invalid_argument.
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view message) const;

 private:
  simdjson::dom::element element_;
  std::string field_;
};

/// A request's body. Valid as long as `parser`, until its next use.
Result<Json> parse_json(simdjson::dom::parser& parser, std::string_view body);

}  // namespace embedd::search
