/// What the worker reads from PostgreSQL in binary: arrays, keys, a poll's declarations, a claim's jobs.
/// Nothing of it may be read beyond its end, whatever a row of embedd.vectorizers holds, and what is accepted
/// must be usable.
///
/// The input: a byte that says what the rest is; then values, each with a length of two bytes in front
/// (0xFFFF: NULL).

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "pg/codec.h"
#include "pg/pipeline.h"
#include "queue/messages.h"

namespace embedd::queue {
namespace {

constexpr int kPollColumns = 50, kClaimColumns = 17, kMostKeys = 3;
using Value = std::optional<std::string>;

std::vector<Value> split(std::string_view in) {
  std::vector<Value> values;
  while (in.size() >= 2) {
    const std::size_t length =
        static_cast<std::size_t>(static_cast<unsigned char>(in[0])) << 8 | static_cast<unsigned char>(in[1]);
    in.remove_prefix(2);
    if (length == 0xFFFF) {
      values.emplace_back();
    } else {
      values.emplace_back(in.substr(0, length));
      in.remove_prefix(std::min(length, in.size()));
    }
  }
  return values;
}

/// `values` as a table of `columns`; the last row is filled up with NULLs.
pg::BinaryRows table(const std::vector<Value>& values, int columns) {
  PGresult* result = PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK);
  CHECK(result != nullptr, "out of memory");
  std::string name = "c";
  std::vector<PGresAttDesc> descriptions(static_cast<std::size_t>(columns),
                                         {.name = name.data(), .format = 1, .typlen = -1, .atttypmod = -1});
  CHECK(PQsetResultAttrs(result, columns, descriptions.data()) != 0, "out of memory");
  const std::size_t rows =
      (values.size() + static_cast<std::size_t>(columns) - 1) / static_cast<std::size_t>(columns);
  for (std::size_t i = 0; i < rows * static_cast<std::size_t>(columns); ++i) {
    Value value = i < values.size() ? values[i] : Value();
    CHECK(PQsetvalue(result, static_cast<int>(i) / columns, static_cast<int>(i) % columns,
                     value ? value->data() : nullptr, value ? static_cast<int>(value->size()) : -1) != 0,
          "out of memory");
  }
  return pg::BinaryRows(result);
}

void read_array(std::string_view in) {
  const std::vector<char> exact(in.begin(), in.end());
  const auto elements = pg::decode_array({exact.data(), exact.size()});
  if (!elements) return;
  // What was read is what the worker would have written, up to what it does not look at.
  pg::BinaryArray again(pg::kText);
  for (const std::string_view element : *elements) again.add(element);
  const pg::Bytes bytes = std::move(again).take();
  if (!elements->empty()) CHECK(bytes.size() == exact.size(), "{} bytes of {}", bytes.size(), exact.size());
  const auto back = pg::decode_array(bytes);
  CHECK(back && *back == *elements, "{} elements", elements->size());
}

void read_key(const std::vector<Value>& values) {
  std::vector<std::string_view> columns;
  for (const Value& value : values) columns.push_back(value ? *value : std::string_view());
  const Key key = pg::encode_key(columns);
  const std::vector<char> exact(key.begin(), key.end());
  CHECK(pg::decode_key({exact.data(), exact.size()}, columns.size()) == columns, "{} columns",
        columns.size());
}

void read_poll(const std::vector<Value>& values) {
  const pg::BinaryRows rows = table(values, kPollColumns);
  for (int i = 0; i < rows.size(); ++i) {
    const auto definition = read_definition(rows, i);
    const VectorizerState state = read_state(rows, i);
    if (state.oldest) CHECK(*state.oldest >= Duration::zero(), "age {} ns", state.oldest->count());
    static_cast<void>(read_problem(rows, i));
    static_cast<void>(read_head(rows, i));
    if (!definition) continue;
    CHECK(!definition->source.empty() && !definition->key_columns.empty(), "no source or no key");
    CHECK(definition->key_types.size() == definition->key_columns.size() &&
              definition->key_type_ids.size() == definition->key_columns.size(),
          "{} keys, {} types, {} ids", definition->key_columns.size(), definition->key_types.size(),
          definition->key_type_ids.size());
    const QueueStatements statements(*definition);
    CHECK(!statements.claim.sql().empty(), "no claim");
  }
}

void read_jobs(std::vector<Value> values, int keys) {
  const int columns = kClaimColumns + keys;
  for (std::size_t i = 2; i < values.size(); i += static_cast<std::size_t>(columns))
    values[i] =
        std::string(3, '\0') + static_cast<char>(values[i] ? values[i]->size() % 8 : 0);  // a task there is
  const pg::BinaryRows rows = table(values, columns);
  Definition definition;
  definition.key_columns.resize(static_cast<std::size_t>(keys));
  if (values.size() % 2 == 0) definition.store = Definition::Store{};
  Claim claim{.request = {}, .jobs = std::vector<Job>()};
  static_cast<void>(read_claim(rows, definition, /*keep_messages=*/true, claim));
  CHECK(claim.jobs->size() == static_cast<std::size_t>(rows.size()), "{} jobs", claim.jobs->size());
  for (const Job& job : *claim.jobs) pg::decode_key(job.key, static_cast<std::size_t>(keys));
}

void run(std::string_view in) {
  if (in.empty()) return;
  const auto what = static_cast<unsigned char>(in.front());
  in.remove_prefix(1);
  switch (what % 4) {
    case 0: return read_array(in);
    case 1: return read_key(split(in));
    case 2: return read_poll(split(in));
    default: return read_jobs(split(in), 1 + what / 4 % kMostKeys);
  }
}

}  // namespace
}  // namespace embedd::queue

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  embedd::queue::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
