#include "search/filter_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace embedd::search {
namespace {

constexpr std::array<std::string_view, 14> kOperators = {"=",       "<>",       "<",        "<=",     ">",
                                                         ">=",      "in",       "not in",   "like",   "ilike",
                                                         "is null", "contains", "overlaps", "between"};

Result<Value> read_scalar(const Json& value) {
  switch (value.type()) {
    case simdjson::dom::element_type::STRING:
      return Value{Value::Type::text, TRY(value.text(kMaxValueBytes, true))};
    case simdjson::dom::element_type::BOOL:
      return Value{Value::Type::flag, TRY(value.flag()) ? "true" : "false"};
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
    case simdjson::dom::element_type::DOUBLE: return Value{Value::Type::number, TRY(value.digits())};
    case simdjson::dom::element_type::NULL_VALUE:
      return value.wrong("is null, which equals nothing: use the operator \"is null\"");
    default: return value.wrong("must be a string, a number, true or false");
  }
}

Result<std::vector<Value>> read_list(const Json& value) {
  std::vector<Value> out;
  for (const Json& item : TRY(value.array(kMaxFilterValues))) out.push_back(TRY(read_scalar(item)));
  return out;
}

}  // namespace

std::string_view name_of(Operator op) { return kOperators[static_cast<std::size_t>(op)]; }

std::optional<Operator> operator_named(std::string_view name) {
  const auto found = std::ranges::find(kOperators, name);
  if (found == kOperators.end()) return std::nullopt;
  return static_cast<Operator>(found - kOperators.begin());
}

Result<Filter> read_key(const Json& value) {
  Filter key{.kind = Filter::Kind::all, .field = value.field()};
  for (const auto& [name, part] : TRY(value.object())) {
    if (key.parts.size() == kMaxKeyColumns ||
        std::ranges::find(key.parts, name, &Filter::column) != key.parts.end())
      return part.wrong("is there twice, or is one of too many");
    key.parts.push_back(
        {.field = part.field(), .column = std::string(name), .values = {TRY(read_scalar(part))}});
  }
  if (key.parts.empty()) return value.wrong("must have the columns of a row's key");
  return key;
}

Result<Filter> FilterReader::read_node(const Json& value, int depth) {
  if (depth > kMaxFilterDepth) return value.wrong(fmt::format("is deeper than {} levels", kMaxFilterDepth));
  const Json::Object members = TRY(value.object());
  Filter node{.field = value.field()};
  if (members.size() == 1) {
    const auto& [name, part] = members.front();
    node.kind = name == "and"   ? Filter::Kind::all
                : name == "or"  ? Filter::Kind::any
                : name == "not" ? Filter::Kind::negation
                                : Filter::Kind::test;
    if (node.kind != Filter::Kind::test) return read_combination(std::move(node), part, depth);
  }
  return read_test(std::move(node), members);
}

Result<Filter> FilterReader::read_combination(Filter node, const Json& value, int depth) {
  if (node.kind == Filter::Kind::negation) {
    node.parts.push_back(TRY(read_node(value, depth + 1)));
    return node;
  }
  for (const Json& part : TRY(value.array(kMaxFilterTests)))
    node.parts.push_back(TRY(read_node(part, depth + 1)));
  if (node.parts.empty()) return value.wrong("must have at least one filter");
  return node;
}

Result<Filter> FilterReader::read_test(Filter node, const Json::Object& members) {
  const Json *column = nullptr, *op = nullptr, *operand = nullptr;
  const auto wrong = [&node](std::string_view message) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", node.field, message));
  };
  for (const auto& [name, value] : members) {
    const Json** slot = name == "column"  ? &column
                        : name == "op"    ? &op
                        : name == "value" ? &operand
                                          : nullptr;
    if (slot == nullptr || *slot != nullptr)
      return value.wrong(
          "is not known here, or there twice: a filter has column, op and value, or one of and, or, not");
    *slot = &value;
  }
  if (++tests_ > kMaxFilterTests) return wrong(fmt::format("is one of more than {} tests", kMaxFilterTests));
  if (column == nullptr || op == nullptr) return wrong("needs column and op, or one of and, or, not");
  node.column = TRY(column->text(kMaxValueBytes));
  const auto found = operator_named(TRY(op->text(16)));
  if (!found) return op->wrong(fmt::format("must be one of {}", fmt::join(kOperators, ", ")));
  node.op = *found;
  if (operand == nullptr) {
    if (node.op != Operator::is_null) return wrong("needs a value");
    node.values = {{Value::Type::flag, "true"}};
    return node;
  }
  TRY(read_value(node, *operand));
  return node;
}

Result<void> FilterReader::read_value(Filter& node, const Json& value) {
  switch (node.op) {
    case Operator::is_null: node.values = {{Value::Type::flag, TRY(value.flag()) ? "true" : "false"}}; break;
    case Operator::in:
    case Operator::not_in:
    case Operator::overlaps: node.values = TRY(read_list(value)); break;
    case Operator::between:
      node.values = TRY(read_list(value));
      if (node.values.size() != 2) return value.wrong("must be [LOWEST, HIGHEST]");
      break;
    case Operator::contains:
      // Whether the value is a list or JSON depends on the column.
      node.json = TRY(value.json(kMaxFilterValues * 64));
      if (auto list = read_list(value)) node.values = *std::move(list);
      break;
    default: node.values = {TRY(read_scalar(value))};
  }
  return {};
}

}  // namespace embedd::search
