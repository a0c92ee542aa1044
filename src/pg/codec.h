/// PostgreSQL's binary forms: the parameters that the worker sends, and the values that it reads.
///
///   Params params;
///   params.uuid(lease).array(std::move(hashes)).real(60.0);
///
/// Everything is big-endian, as the server's *_recv and *_send functions have it. An array is: number of
/// dimensions (0 if empty, else 1), a has-NULL flag, the element type's OID, its length, its lower bound (1),
/// and each element with its length in front. A pgvector is: int16 dimensions, int16 zero, float4 values.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/recycling_allocator.h"
#include "base/units.h"
#include "core/job.h"

namespace embedd::pg {

using TypeId = std::uint32_t;  ///< an OID of pg_type
inline constexpr TypeId kBytea = 17, kInt4 = 23, kInt8 = 20, kText = 25, kTimestamptz = 1184, kUuid = 2950;

/// Parameters are megabytes of vectors, again and again.
using Bytes = std::basic_string<char, std::char_traits<char>, RecyclingAllocator<char>>;

/// Appends `value`, big-endian.
template <typename T, typename String>
void append_number(String& out, T value) {
  static_assert(std::is_integral_v<T> && std::endian::native == std::endian::little);
  const T swapped = std::byteswap(value);
  out.append(reinterpret_cast<const char*>(&swapped), sizeof(T));
}

/// Reads a big-endian number; `in` must hold it.
template <typename T>
T read_number(std::string_view in) {
  T value;
  std::memcpy(&value, in.data(), sizeof(T));
  return std::byteswap(value);
}

/// The elements' bytes of an array, as views into it. nullopt unless it has at most one dimension and no
/// NULL, and ends where it should.
std::optional<std::vector<std::string_view>> decode_array(std::string_view in);

/// One array, element by element, in its final form: nothing is copied again until libpq takes it.
class BinaryArray {
 public:
  explicit BinaryArray(TypeId element_type, std::size_t expected_bytes = 0);
  /// `value` is in the element type's binary form.
  void add(std::string_view value);
  void add_int4(std::int32_t value);
  void add_int8(std::int64_t value);
  void add_token(const LeaseToken& token);
  /// A pgvector of `values`.
  void add_vector(std::span<const float> values);
  [[nodiscard]] Bytes take() &&;

 private:
  void count_one() { ++size_; }

  Bytes bytes_;
  std::int32_t size_ = 0;
};

/// The parameters $1, $2, … of one statement, all binary.
class Params {
 public:
  Params& text(std::string_view value) { return bytes(Bytes(value)); }
  Params& integer(std::int64_t value);  ///< for a bigint
  Params& real(double value);           ///< for a float8
  Params& flag(bool value);
  Params& uuid(const LeaseToken& token);
  Params& array(BinaryArray&& array) { return bytes(std::move(array).take()); }
  /// `value` is already in binary form.
  Params& bytes(Bytes value);
  [[nodiscard]] const std::vector<Bytes>& values() const { return values_; }

 private:
  std::vector<Bytes> values_;
};

/// The opaque Key of the core: each key column's binary value with its length (int32) in front.
Key encode_key(std::span<const std::string_view> columns);
/// The `columns` values of `key`, as views into it; none if these bytes are no such key.
std::optional<std::vector<std::string_view>> split_key(std::string_view key, std::size_t columns);
/// The same of a `key` that comes from encode_key.
std::vector<std::string_view> decode_key(std::string_view key, std::size_t columns);

}  // namespace embedd::pg
