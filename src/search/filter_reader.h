/// Reads a filter: {"column", "op", "value"}, {"and": […]}, {"or": […]} or {"not": …}.
#pragma once

#include "base/error.h"
#include "search/json_fields.h"
#include "search/request.h"

namespace embedd::search {

/// The key of a row, {"id": 5}, as a test `=` for each of its columns. Errors: invalid_argument; the message
/// begins with the field.
Result<Filter> read_key(const Json& value);

/// Reads one filter. Errors: invalid_argument; the message begins with the field.
class FilterReader {
 public:
  Result<Filter> read(const Json& value) { return read_node(value, 1); }

 private:
  Result<Filter> read_node(const Json& value, int depth);
  Result<Filter> read_combination(Filter node, const Json& value, int depth);
  Result<Filter> read_test(Filter node, const Json::Object& members);
  Result<void> read_value(Filter& node, const Json& value);

  int tests_ = 0;
};

}  // namespace embedd::search
