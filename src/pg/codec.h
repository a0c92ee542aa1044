/// PostgreSQL's binary formats: for the parameters that the worker sends, and the values that it reads.
///
///   Params params;
///   params.uuid(lease).array(std::move(hashes)).real(60.0);
///
/// All numbers are big-endian, as the server's *_recv and *_send functions expect. An array consists of the
/// number of dimensions (0 if empty, else 1), a has-NULL flag, the element type's OID, the length, the lower
/// bound (1), and the elements, each with its length before it. A pgvector consists of int16 dimensions,
/// int16 zero, and float4 values.
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

/// Recycled memory, because parameters are megabytes of vectors, again and again.
using Bytes = std::basic_string<char, std::char_traits<char>, RecyclingAllocator<char>>;

/// Appends `value`, big-endian.
template <typename T, typename String>
void append_number(String& out, T value) {
  static_assert(std::is_integral_v<T> && std::endian::native == std::endian::little);
  const T swapped = std::byteswap(value);
  out.append(reinterpret_cast<const char*>(&swapped), sizeof(T));
}

/// Reads a big-endian number. `in` must be long enough.
template <typename T>
T read_number(std::string_view in) {
  T value;
  std::memcpy(&value, in.data(), sizeof(T));
  return std::byteswap(value);
}

/// The bytes of an array's elements, as views into `in`. nullopt unless the array has at most one dimension
/// and no NULL, and fills `in` exactly.
std::optional<std::vector<std::string_view>> decode_array(std::string_view in);

/// An array that is built element by element in its final format, so that its bytes are not copied before
/// libpq takes them.
class BinaryArray {
 public:
  explicit BinaryArray(TypeId element_type, std::size_t expected_bytes = 0);
  /// `value` is in the element type's binary format.
  void add(std::string_view value);
  void add_int4(std::int32_t value);
  void add_int8(std::int64_t value);
  void add_token(const LeaseToken& token);
  /// Adds a pgvector of `values`.
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
  Params& integer(std::int64_t value);  ///< a bigint
  Params& real(double value);           ///< a float8
  Params& flag(bool value);
  Params& uuid(const LeaseToken& token);
  Params& array(BinaryArray&& array) { return bytes(std::move(array).take()); }
  /// `value` is in binary format already.
  Params& bytes(Bytes value);
  [[nodiscard]] const std::vector<Bytes>& values() const { return values_; }

 private:
  std::vector<Bytes> values_;
};

/// Makes the opaque Key of the core: the binary value of each key column, with its length (int32) before it.
Key encode_key(std::span<const std::string_view> columns);
/// The `columns` values of `key`, as views into it; none if `key` is not a key of this many columns.
std::optional<std::vector<std::string_view>> split_key(std::string_view key, std::size_t columns);
/// The same for a `key` that encode_key made.
std::vector<std::string_view> decode_key(std::string_view key, std::size_t columns);

}  // namespace embedd::pg
