#include "provider/response.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <limits>

#include "core/job.h"
#include "provider/base64.h"
#include "provider/classify.h"

// Without simdjson's exceptions a hidden conversion that throws does not compile.
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

namespace embedd::provider {

namespace {

namespace json = simdjson::ondemand;
using simdjson::SUCCESS;

/// The parser's memory is freed if it grew beyond this for one answer.
constexpr std::size_t kKeptParserBytes = 2 * kMiB;

std::unexpected<Error> garbage(std::string_view what) {
  return fail(ErrorKind::unavailable, fmt::format("not an embeddings answer: {}", what));
}

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorKind::invalid_answer, std::move(message));
}

/// An error in the structure of the JSON, so not the promised answer.
std::unexpected<Error> broken(simdjson::error_code code) { return garbage(simdjson::error_message(code)); }

bool is_null(json::value& value) {
  bool null = false;
  return value.is_null().get(null) == SUCCESS && null;
}

enum class Content { vector, not_finite, all_zero };

Content content_of(const float* values, std::size_t count) {
  std::uint32_t magnitudes = 0;
  std::uint32_t not_finite = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, values + i, sizeof bits);
    const std::uint32_t magnitude = bits & 0x7FFFFFFF;
    magnitudes |= magnitude;
    not_finite |= static_cast<std::uint32_t>(magnitude >= 0x7F800000);
  }
  if (not_finite != 0) return Content::not_finite;
  return magnitudes == 0 ? Content::all_zero : Content::vector;
}

/// Collects the items of `data` in the order of the answer.
class Collector {
 public:
  explicit Collector(const Expected& expected) : expected_(expected) {
    vectors_.dimensions = expected.dimensions;
    vectors_.values.resize(expected.inputs * expected.dimensions);
    indexes_.reserve(expected.inputs);
  }

  Result<void> add(json::object item);
  /// The vectors in input order. Call when all items are collected.
  Result<Embeddings> finish();
  /// True if there is no item, or no item has a number.
  [[nodiscard]] bool empty() const {
    return indexes_.empty() || (wrong_ == indexes_.size() && !ragged_ && wrong_dimensions_ == 0);
  }
  /// True if some vectors came as base64.
  [[nodiscard]] bool packed() const { return packed_; }

 private:
  Result<std::size_t> read_embedding(json::value value, float* out);
  Result<std::size_t> read_base64(json::value value, float* out) const;
  Result<std::size_t> read_array(json::array array, float* out) const;
  Result<void> put_in_order();

  static constexpr std::int64_t kNoIndex = std::numeric_limits<std::int64_t>::min();

  const Expected& expected_;
  Embeddings vectors_;
  std::vector<std::int64_t> indexes_;
  std::size_t wrong_ = 0;             ///< items whose dimensions are not those expected
  std::size_t wrong_dimensions_ = 0;  ///< dimensions of the first of these items
  bool packed_ = false;
  bool ragged_ = false;  ///< these items differ in their dimensions
};

Result<void> Collector::add(json::object item) {
  if (indexes_.size() == expected_.inputs)
    return invalid(fmt::format("more than {} vectors for {} inputs", expected_.inputs, expected_.inputs));
  float* const out = vectors_.values.data() + indexes_.size() * expected_.dimensions;
  std::int64_t index = kNoIndex;
  std::optional<std::size_t> dimensions;
  for (auto field : item) {
    std::string_view name;
    if (const auto error = field.unescaped_key().get(name)) return broken(error);
    json::value value;
    if (const auto error = field.value().get(value)) return broken(error);
    if (name == "index") {
      if (!is_null(value) && value.get_int64().get(index) != SUCCESS)
        return invalid("an index that is not a number");
    } else if (name == "embedding") {
      const auto read = TRY(read_embedding(value, out));
      dimensions = read;
    }
  }
  if (!dimensions) return invalid("an item without an embedding");
  indexes_.push_back(index);
  if (*dimensions != expected_.dimensions) {
    if (wrong_++ == 0) wrong_dimensions_ = *dimensions;
    ragged_ |= wrong_dimensions_ != *dimensions;
    return {};
  }
  switch (content_of(out, expected_.dimensions)) {
    case Content::vector: return {};
    case Content::not_finite: return invalid("a vector with a value that is not finite");
    case Content::all_zero: return invalid("a vector of zeros");
  }
  return {};
}

/// Writes at most the expected number of values to `out` and returns how many the answer has.
Result<std::size_t> Collector::read_embedding(json::value value, float* out) {
  json::json_type type{};
  if (const auto error = value.type().get(type)) return broken(error);
  if (type == json::json_type::string) {
    packed_ = true;
    return read_base64(value, out);
  }
  json::array array;
  if (type == json::json_type::array && value.get_array().get(array) == SUCCESS)
    return read_array(array, out);
  return invalid("an embedding that is neither a string nor an array");
}

Result<std::size_t> Collector::read_base64(json::value value, float* out) const {
  // Takes the token without a copy: base64 needs no escapes, though some servers write `/` as `\/`.
  std::string_view text = value.raw_json_token();
  text = text.substr(1, text.rfind('"') - 1);
  if (text.find('\\') != std::string_view::npos && value.get_string().get(text) != SUCCESS)
    return invalid("an embedding that is not base64");
  const auto bytes = base64_bytes(text);
  if (!bytes || *bytes % sizeof(float) != 0) return invalid("an embedding that is not base64 of float32");
  const std::size_t dimensions = *bytes / sizeof(float);
  if (dimensions == expected_.dimensions && !base64_decode(text, out))
    return invalid("an embedding that is not base64");
  return dimensions;
}

Result<std::size_t> Collector::read_array(json::array array, float* out) const {
  std::size_t count = 0;
  for (auto element : array) {
    json::value value;
    if (const auto error = element.get(value)) return broken(error);
    double number = 0;
    if (value.get_double().get(number) != SUCCESS)
      return invalid("an embedding with a value that is not a number");
    if (count < expected_.dimensions) out[count] = static_cast<float>(number);
    ++count;
  }
  return count;
}

Result<Embeddings> Collector::finish() {
  if (indexes_.size() != expected_.inputs)
    return invalid(fmt::format("{} vectors for {} inputs", indexes_.size(), expected_.inputs));
  if (wrong_ == indexes_.size() && !ragged_)
    return fail(ErrorKind::misconfigured,
                fmt::format("the model answers with {} dimensions where {} are expected", wrong_dimensions_,
                            expected_.dimensions));
  if (wrong_ > 0)
    return invalid(
        fmt::format("a vector of {} dimensions among others of {}", wrong_dimensions_, expected_.dimensions));
  TRY(put_in_order());
  return std::move(vectors_);
}

Result<void> Collector::put_in_order() {
  const std::size_t count = indexes_.size();
  if (std::ranges::all_of(indexes_, [](std::int64_t index) { return index == kNoIndex; })) return {};
  std::vector<bool> seen(count);
  bool in_order = true;
  for (std::size_t i = 0; i < count; ++i) {
    if (indexes_[i] == kNoIndex) indexes_[i] = 0;
    const std::int64_t index = indexes_[i];
    if (index < 0 || index >= static_cast<std::int64_t>(count))
      return invalid(fmt::format("index {} for {} inputs", index, count));
    if (seen[static_cast<std::size_t>(index)]) return invalid(fmt::format("index {} twice", index));
    seen[static_cast<std::size_t>(index)] = true;
    in_order &= static_cast<std::size_t>(index) == i;
  }
  if (in_order) return {};
  decltype(vectors_.values) ordered(vectors_.values.size());
  const std::size_t dimensions = expected_.dimensions;
  for (std::size_t i = 0; i < count; ++i)
    std::copy_n(vectors_.values.data() + i * dimensions, dimensions,
                ordered.data() + static_cast<std::size_t>(indexes_[i]) * dimensions);
  vectors_.values = std::move(ordered);
  return {};
}

Result<void> read_data(json::value value, Collector& collector) {
  json::array items;
  if (value.get_array().get(items) != SUCCESS) return garbage("`data` is not an array");
  for (auto element : items) {
    json::object item;
    if (const auto error = element.get_object().get(item))
      return error == simdjson::INCORRECT_TYPE ? invalid("an item of `data` that is not an object")
                                               : broken(error);
    TRY(collector.add(item));
  }
  return {};
}

/// 0 if `value` is no count, or negative.
std::uint64_t read_count(json::value value) {
  constexpr double kMost = 1e18;
  std::uint64_t whole = 0;
  double number = 0;
  if (value.get_uint64().get(whole) == SUCCESS) return whole;
  if (value.get_double().get(number) != SUCCESS || !(number > 0)) return 0;
  return static_cast<std::uint64_t>(std::min(number, kMost));
}

/// Voyage sends `total_tokens` alone; many servers send no usage at all.
std::uint64_t read_tokens(json::value value) {
  std::uint64_t prompt = 0, total = 0;
  json::object usage;
  if (value.get_object().get(usage) != SUCCESS) return 0;
  for (auto field : usage) {
    std::string_view name;
    json::value number;
    if (field.unescaped_key().get(name) != SUCCESS || field.value().get(number) != SUCCESS) break;
    if (name == "prompt_tokens") prompt = read_count(number);
    if (name == "total_tokens") total = read_count(number);
  }
  return prompt > 0 ? prompt : total;
}

}  // namespace

struct ResponseParser::Impl {
  Result<EmbedAnswer> read(std::string& body, const ResponseHeaders& headers, const Expected& expected);

  std::unique_ptr<json::parser> parser = std::make_unique<json::parser>();
  bool was_empty = false;
};

Result<EmbedAnswer> ResponseParser::Impl::read(std::string& body, const ResponseHeaders& headers,
                                               const Expected& expected) {
  was_empty = false;
  if (body.empty()) return garbage("empty");
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  const std::string_view text = without_bom(body);
  const std::size_t skipped = body.size() - text.size();
  json::document document;
  if (const auto error =
          parser->iterate(simdjson::padded_string_view(text.data(), text.size(), body.capacity() - skipped))
              .get(document))
    return broken(error);
  json::object root;
  if (document.get_object().get(root) != SUCCESS)
    return garbage(body.find("<html") != std::string::npos || body.find("<!DOCTYPE") != std::string::npos
                       ? "an HTML page; check the endpoint's base_url"
                       : "not a JSON object");

  EmbedAnswer answer{.model = std::string(expected.model)};
  Collector collector(expected);
  bool has_data = false, has_error = false;
  for (auto field : root) {
    std::string_view name;
    if (const auto error = field.unescaped_key().get(name)) return broken(error);
    json::value value;
    if (const auto error = field.value().get(value)) return broken(error);
    if (name == "data" && !has_data && !is_null(value)) {
      has_data = true;
      TRY(read_data(value, collector));
    } else if (name == "model") {
      std::string_view model;
      if (value.get_string().get(model) == SUCCESS && !model.empty()) answer.model = presentable(model, 100);
    } else if (name == "usage") {
      const std::uint64_t tokens = read_tokens(value);
      answer.tokens = std::min(tokens, expected.most_tokens);
      answer.claimed = tokens > expected.most_tokens ? tokens : 0;
    } else if (name == "error") {
      has_error = !is_null(value);
    }
  }
  if (has_error && !has_data) return std::unexpected(classify(200, headers, body, std::time(nullptr)));
  if (!has_data) return garbage("no `data`");
  was_empty = collector.empty();
  if (was_empty) return invalid("vectors without a number");
  answer.vectors = TRY(collector.finish());
  answer.packed = collector.packed();
  return answer;
}

ResponseParser::ResponseParser() : impl_(std::make_unique<Impl>()) {}
ResponseParser::~ResponseParser() = default;

bool ResponseParser::was_empty() const { return impl_->was_empty; }

Result<EmbedAnswer> ResponseParser::parse(std::string& body, const ResponseHeaders& headers,
                                          const Expected& expected) {
  auto answer = impl_->read(body, headers, expected);
  if (impl_->parser->capacity() > kKeptParserBytes) impl_->parser = std::make_unique<json::parser>();
  return answer;
}

}  // namespace embedd::provider
