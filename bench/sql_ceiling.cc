// The SQL ceiling: how many vectors a second PostgreSQL can store, if storing them is all that anybody does.
//
//   sql_ceiling --database URL [--rows 20000] [--batch 512] [--dimensions 1536] [--clients 1]
//
// One UPDATE … FROM unnest($1::bigint[], $2::vector[]) per batch, prepared, with binary parameters that are
// made beforehand, so that the client costs next to nothing. Rows are items.id 1 to --rows; with several
// clients each takes its share of them. Prints {"rows": N, "seconds": S}.

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bench/tool.h"
#include "pg/codec.h"

namespace {

using embedd::bench::check;
using embedd::bench::connect;
using embedd::bench::Connection;
using embedd::bench::raise_error;
using embedd::bench::Result;
using embedd::pg::BinaryArray;
using embedd::pg::TypeId;

constexpr char kUpdate[] =
    "UPDATE items t SET embedding = v.embedding "
    "FROM unnest($1::bigint[], $2::vector[]) AS v(id, embedding) WHERE t.id = v.id";

struct Options {
  std::string database;
  std::int64_t rows = 20'000;
  std::int64_t batch = 512;
  std::int64_t dimensions = 1536;
  std::int64_t clients = 1;
};

class Client {
 public:
  explicit Client(const Options& options) : options_(options), connection_(connect(options.database)) {
    // The plan that is best for batches: each row looked up by its key, whatever the table's statistics say.
    for (const char* setting : {"SET plan_cache_mode = force_generic_plan", "SET enable_hashjoin = off",
                                "SET enable_mergejoin = off", "SET enable_seqscan = off"})
      check(connection_, PQexec(connection_.get(), setting));
    const Result type = check(connection_, PQexec(connection_.get(), "SELECT 'vector'::regtype::oid"));
    vector_type_ = static_cast<TypeId>(std::strtoul(PQgetvalue(type.get(), 0, 0), nullptr, 10));
    check(connection_, PQprepare(connection_.get(), "store", kUpdate, 2, nullptr));
    vectors_ = vectors(options_.batch);
  }

  /// Stores rows first … last - 1, batch by batch.
  void run(std::int64_t first, std::int64_t last) {
    for (std::int64_t at = first; at < last; at += options_.batch)
      store(at, std::min(options_.batch, last - at));
  }

 private:
  [[nodiscard]] embedd::pg::Bytes vectors(std::int64_t count) const {
    std::vector<float> values(static_cast<std::size_t>(options_.dimensions));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.0F / static_cast<float>(i + 1);
    BinaryArray array(vector_type_, static_cast<std::size_t>(count) * (values.size() * 4 + 8));
    for (std::int64_t i = 0; i < count; ++i) {
      values[0] = static_cast<float>(i);
      array.add_vector(values);
    }
    return std::move(array).take();
  }

  void store(std::int64_t first, std::int64_t count) {
    BinaryArray keys(embedd::pg::kInt8, static_cast<std::size_t>(count) * 12);
    for (std::int64_t i = 0; i < count; ++i) keys.add_int8(first + i);
    const embedd::pg::Bytes key_bytes = std::move(keys).take();
    const embedd::pg::Bytes rest = count < options_.batch ? vectors(count) : embedd::pg::Bytes();
    const embedd::pg::Bytes& vector_bytes = rest.empty() ? vectors_ : rest;
    const char* const values[] = {key_bytes.data(), vector_bytes.data()};
    const int lengths[] = {static_cast<int>(key_bytes.size()), static_cast<int>(vector_bytes.size())};
    const int formats[] = {1, 1};
    const Result result =
        check(connection_, PQexecPrepared(connection_.get(), "store", 2, values, lengths, formats, 0));
    if (std::string_view(PQcmdTuples(result.get())) != std::to_string(count))
      raise_error(fmt::format("{} of {} rows were there", PQcmdTuples(result.get()), count));
  }

  const Options& options_;
  Connection connection_;
  TypeId vector_type_ = 0;
  embedd::pg::Bytes vectors_;
};

Options parse(int argc, char** argv) {
  Options options;
  embedd::bench::read_options(argc, argv, options.database,
                              {{"--rows", options.rows},
                               {"--batch", options.batch},
                               {"--dimensions", options.dimensions},
                               {"--clients", options.clients}});
  if (options.batch < 1 || options.clients < 1) raise_error("--batch and --clients must be at least 1");
  return options;
}

double run(const Options& options) {
  std::vector<std::unique_ptr<Client>> clients;
  for (std::int64_t i = 0; i < options.clients; ++i) clients.push_back(std::make_unique<Client>(options));
  std::mutex mutex;
  std::string failure;
  const auto began = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (std::int64_t i = 0; i < options.clients; ++i)
      threads.emplace_back([&, i] {
        try {
          clients[static_cast<std::size_t>(i)]->run(1 + options.rows * i / options.clients,
                                                    1 + options.rows * (i + 1) / options.clients);
        } catch (const std::exception& error) {
          const std::lock_guard lock(mutex);
          failure = error.what();
        }
      });
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  if (!failure.empty()) raise_error(failure);
  return took.count();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    const double seconds = run(options);
    fmt::print("{{\"rows\": {}, \"seconds\": {:.6f}}}\n", options.rows, seconds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sql_ceiling: {}\n", error.what());
    return 1;
  }
  return 0;
}
