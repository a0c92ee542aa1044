#include "pg/codec.h"

#include "base/check.h"

namespace embedd::pg {
namespace {

// Offsets in an array's header.
constexpr std::size_t kDimensionsAt = 0, kSizeAt = 12, kHeaderBytes = 20;

template <typename T>
void put_number(Bytes& out, std::size_t at, T value) {
  const T swapped = std::byteswap(value);
  std::memcpy(out.data() + at, &swapped, sizeof(T));
}

}  // namespace

std::optional<std::vector<std::string_view>> decode_array(std::string_view in) {
  std::vector<std::string_view> elements;
  if (in.size() < kSizeAt) return std::nullopt;
  const auto dimensions = read_number<std::int32_t>(in.substr(kDimensionsAt));
  if (dimensions == 0 && in.size() == kSizeAt) return elements;
  if (dimensions != 1 || in.size() < kHeaderBytes) return std::nullopt;
  const auto size = read_number<std::int32_t>(in.substr(kSizeAt));
  in.remove_prefix(kHeaderBytes);
  for (std::int32_t i = 0; i < size; ++i) {
    if (in.size() < 4) return std::nullopt;
    const auto length = read_number<std::int32_t>(in);  // -1: NULL
    in.remove_prefix(4);
    if (length < 0 || static_cast<std::size_t>(length) > in.size()) return std::nullopt;
    elements.push_back(in.substr(0, static_cast<std::size_t>(length)));
    in.remove_prefix(static_cast<std::size_t>(length));
  }
  if (size < 0 || !in.empty()) return std::nullopt;
  return elements;
}

BinaryArray::BinaryArray(TypeId element_type, std::size_t expected_bytes) {
  bytes_.reserve(kHeaderBytes + expected_bytes);
  append_number<std::int32_t>(bytes_, 1);  // dimensions
  append_number<std::int32_t>(bytes_, 0);  // no NULLs
  append_number<TypeId>(bytes_, element_type);
  append_number<std::int32_t>(bytes_, 0);  // size; take() writes it
  append_number<std::int32_t>(bytes_, 1);  // lower bound
}

void BinaryArray::add(std::string_view value) {
  append_number(bytes_, static_cast<std::int32_t>(value.size()));
  bytes_.append(value);
  count_one();
}

void BinaryArray::add_int4(std::int32_t value) {
  append_number<std::int32_t>(bytes_, sizeof value);
  append_number(bytes_, value);
  count_one();
}

void BinaryArray::add_int8(std::int64_t value) {
  append_number<std::int32_t>(bytes_, sizeof value);
  append_number(bytes_, value);
  count_one();
}

void BinaryArray::add_token(const LeaseToken& token) {
  add({reinterpret_cast<const char*>(token.data()), token.size()});
}

void BinaryArray::add_vector(std::span<const float> values) {
  append_number(bytes_, static_cast<std::int32_t>(4 + 4 * values.size()));
  append_number(bytes_, static_cast<std::int16_t>(values.size()));
  append_number<std::int16_t>(bytes_, 0);
  const std::size_t at = bytes_.size();
  const std::size_t size = at + 4 * values.size();
  bytes_.resize_and_overwrite(size, [&](char* bytes, std::size_t) {  // GCC 12 passes the capacity
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint32_t bits = std::byteswap(std::bit_cast<std::uint32_t>(values[i]));
      std::memcpy(bytes + at + 4 * i, &bits, 4);
    }
    return size;
  });
  count_one();
}

Bytes BinaryArray::take() && {
  put_number<std::int32_t>(bytes_, kSizeAt, size_);
  if (size_ == 0) {
    put_number<std::int32_t>(bytes_, kDimensionsAt, 0);
    bytes_.resize(kSizeAt);  // an empty array ends after its element type
  }
  return std::move(bytes_);
}

Params& Params::bytes(Bytes value) {
  values_.push_back(std::move(value));
  return *this;
}

Params& Params::integer(std::int64_t value) {
  Bytes out;
  append_number(out, value);
  return bytes(std::move(out));
}

Params& Params::real(double value) {
  Bytes out;
  append_number(out, std::bit_cast<std::uint64_t>(value));
  return bytes(std::move(out));
}

Params& Params::flag(bool value) { return bytes(Bytes(1, value ? '\1' : '\0')); }

Params& Params::uuid(const LeaseToken& token) {
  return bytes(Bytes(reinterpret_cast<const char*>(token.data()), token.size()));
}

Key encode_key(std::span<const std::string_view> columns) {
  Key key;
  for (const std::string_view column : columns) {
    append_number(key, static_cast<std::int32_t>(column.size()));
    key.append(column);
  }
  return key;
}

std::optional<std::vector<std::string_view>> split_key(std::string_view key, std::size_t columns) {
  std::vector<std::string_view> values;
  values.reserve(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    if (key.size() < 4) return std::nullopt;
    const auto length = static_cast<std::size_t>(read_number<std::int32_t>(key));
    if (key.size() - 4 < length) return std::nullopt;
    values.push_back(key.substr(4, length));
    key.remove_prefix(4 + length);
  }
  if (!key.empty()) return std::nullopt;
  return values;
}

std::vector<std::string_view> decode_key(std::string_view key, std::size_t columns) {
  auto values = split_key(key, columns);
  CHECK(values, "{} bytes are no key of {} columns", key.size(), columns);
  return *std::move(values);
}

}  // namespace embedd::pg
