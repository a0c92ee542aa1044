/// Writes JSON. (simdjson reads it.) Strings are escaped, and invalid UTF-8 becomes U+FFFD.
///
///   JsonWriter json;
///   json.object().key("rows").value(5).key("name").value("traces").end();
///   use(json.str());
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace embedd {

/// Appends the JSON string literal of `text`, quotes included.
void append_json_string(std::string& out, std::string_view text);

class JsonWriter {
 public:
  JsonWriter& object();
  JsonWriter& array();
  /// Closes the innermost object or array.
  JsonWriter& end();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  /// JSON has no NaN and no infinities: they become null.
  JsonWriter& value(double number);
  JsonWriter& value(bool flag);
  JsonWriter& null();
  /// Inserts `json`, already valid JSON, as one value.
  JsonWriter& raw(std::string_view json);

  /// The text so far; complete when every `object` and `array` has its `end`.
  [[nodiscard]] const std::string& str() const { return out_; }

 private:
  void separate();

  std::string out_;
  std::string open_;  ///< the closing bracket of each open level
  bool needs_comma_ = false;
};

}  // namespace embedd
