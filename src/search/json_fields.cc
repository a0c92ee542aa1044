#include "search/json_fields.h"

#include <fmt/format.h>

#include <cmath>

namespace embedd::search {

std::unexpected<Error> Json::wrong(std::string_view message) const {
  return fail(ErrorKind::invalid_argument,
              field_.empty() ? fmt::format("the body {}", message) : fmt::format("{}: {}", field_, message));
}

Result<Json::Object> Json::object() const {
  simdjson::dom::object object;
  if (element_.get(object)) return wrong("must be an object");
  Object out;
  for (const auto& [name, value] : object) {
    // A name may be as long as the body; the message shows its beginning.
    const std::string shown(name.substr(0, 100));
    out.emplace_back(name, Json(value, field_.empty() ? shown : fmt::format("{}.{}", field_, shown)));
  }
  return out;
}

Result<std::vector<Json>> Json::array(std::size_t most) const {
  simdjson::dom::array array;
  if (element_.get(array)) return wrong("must be an array");
  std::vector<Json> out;
  for (const simdjson::dom::element item : array) {
    if (out.size() == most) return wrong(fmt::format("must have at most {} elements", most));
    out.emplace_back(item, fmt::format("{}[{}]", field_, out.size()));
  }
  return out;
}

Result<std::string> Json::text(std::size_t most, bool may_be_empty) const {
  std::string_view text;
  if (element_.get(text)) return wrong("must be a string");
  if (text.empty() && !may_be_empty) return wrong("must not be empty");
  if (text.size() > most) return wrong(fmt::format("must have at most {} bytes, not {}", most, text.size()));
  if (text.find('\0') != std::string_view::npos) return wrong("must not hold the character NUL");
  return std::string(text);
}

Result<int> Json::whole(int low, int high) const {
  std::int64_t number = 0;
  if (element_.get(number) || number < low || number > high)
    return wrong(fmt::format("must be a whole number from {} to {}", low, high));
  return static_cast<int>(number);
}

Result<double> Json::number(double low, double high) const {
  double number = 0;
  if (element_.get(number) || !std::isfinite(number) || number < low || number > high)
    return wrong(fmt::format("must be a number from {} to {}", low, high));
  return number;
}

Result<bool> Json::flag() const {
  bool flag = false;
  if (element_.get(flag)) return wrong("must be true or false");
  return flag;
}

Result<std::string> Json::json(std::size_t most) const {
  std::string text = simdjson::minify(element_);
  if (text.size() > most) return wrong(fmt::format("must have at most {} bytes of JSON", most));
  // jsonb has no NUL; the server refuses it.
  if (text.find("\\u0000") != std::string::npos) return wrong("must not hold the character NUL");
  return text;
}

Result<std::string> Json::digits() const {
  switch (element_.type()) {
    case simdjson::dom::element_type::INT64: return fmt::format("{}", element_.get_int64().value_unsafe());
    case simdjson::dom::element_type::UINT64: return fmt::format("{}", element_.get_uint64().value_unsafe());
    case simdjson::dom::element_type::DOUBLE: return fmt::format("{}", element_.get_double().value_unsafe());
    default: return wrong("must be a number");
  }
}

Result<Json> parse_json(simdjson::dom::parser& parser, std::string_view body) {
  if (body.empty()) return fail(ErrorKind::invalid_argument, "the body is empty; it must be a JSON object");
  simdjson::dom::element root;
  if (const auto error = parser.parse(body.data(), body.size()).get(root))
    return fail(ErrorKind::invalid_argument,
                fmt::format("the body is not JSON: {}", simdjson::error_message(error)));
  return Json(root, "");
}

}  // namespace embedd::search
