// Freshness as a client sees it: from the acknowledged commit of a row's text to the notification that its
// vector is committed.
//
//   freshness --database URL --rows 200 [--first-id 1000000000] [--pause-ms 20] [--text-bytes 1000]
//
// Inserts one row at a time into items (each its own transaction), and waits on a second connection, which
// listens on the channel `stored`, for the row's id, before it pauses and inserts the next. A trigger must
// send the id from the transaction that stores the vector. The pause is varied, so that no period of
// anybody's can hide. Prints {"rows": N, "microseconds": [..]}.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libpq-fe.h>
#include <poll.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/tool.h"

namespace {

using Clock = std::chrono::steady_clock;
using embedd::bench::check;
using embedd::bench::connect;
using embedd::bench::Connection;
using embedd::bench::raise_error;

/// A vector that takes longer than this never comes.
constexpr std::chrono::seconds kPatience{60};

struct Options {
  std::string database;
  std::int64_t rows = 200;
  std::int64_t first_id = 1'000'000'000;
  std::int64_t pause_ms = 20;
  std::int64_t text_bytes = 1000;
};

/// Words that no other row has, so that no vector is known beforehand.
std::string text_of(std::int64_t id, std::int64_t bytes) {
  std::string text = fmt::format("row {} of the freshness probe", id);
  for (std::int64_t i = 0; std::ssize(text) < bytes; ++i)
    text += fmt::format(" word{}", (id * 31 + i * 17) % 977);
  return text;
}

/// Waits until `id` is announced on the listening connection.
void wait_for(PGconn* listener, std::int64_t id) {
  const std::string wanted = std::to_string(id);
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    if (PQconsumeInput(listener) == 0) raise_error(PQerrorMessage(listener));
    while (PGnotify* notify = PQnotifies(listener)) {
      const bool found = wanted == notify->extra;
      PQfreemem(notify);
      if (found) return;
    }
    if (Clock::now() >= deadline) raise_error(fmt::format("row {} has no vector after a minute", id));
    pollfd socket{.fd = PQsocket(listener), .events = POLLIN, .revents = 0};
    (void)poll(&socket, 1, 1000);
  }
}

std::vector<std::int64_t> probe(const Options& options) {
  const Connection writer = connect(options.database);
  const Connection listener = connect(options.database);
  check(listener, PQexec(listener.get(), "LISTEN stored"));
  check(writer, PQprepare(writer.get(), "insert", "INSERT INTO items (id, body) VALUES ($1::bigint, $2)", 2,
                          nullptr));
  std::minstd_rand random(1);
  std::vector<std::int64_t> microseconds;
  for (std::int64_t i = 0; i < options.rows; ++i) {
    const std::int64_t id = options.first_id + i;
    const std::string key = std::to_string(id);
    const std::string text = text_of(id, options.text_bytes);
    const char* const values[] = {key.c_str(), text.c_str()};
    check(writer, PQexecPrepared(writer.get(), "insert", 2, values, nullptr, nullptr, 0));
    const auto committed = Clock::now();
    wait_for(listener.get(), id);
    microseconds.push_back(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - committed).count());
    std::this_thread::sleep_for(std::chrono::milliseconds(options.pause_ms) *
                                std::uniform_real_distribution<>(0.5, 1.5)(random));
  }
  return microseconds;
}

Options parse(int argc, char** argv) {
  Options options;
  embedd::bench::read_options(argc, argv, options.database,
                              {{"--rows", options.rows},
                               {"--first-id", options.first_id},
                               {"--pause-ms", options.pause_ms},
                               {"--text-bytes", options.text_bytes}});
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto microseconds = probe(parse(argc, argv));
    fmt::print("{{\"rows\": {}, \"microseconds\": [{}]}}\n", microseconds.size(),
               fmt::join(microseconds, ", "));
  } catch (const std::exception& error) {
    fmt::print(stderr, "freshness: {}\n", error.what());
    return 1;
  }
  return 0;
}
