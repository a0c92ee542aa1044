/// Drives a PgQueue in a test, as the loop would: waits on its sockets, and for one answer at a time.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/check.h"
#include "core/io.h"
#include "core/waitable.h"

namespace embedd::test {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return std::chrono::steady_clock::now(); }
};

/// Waits until one of the descriptors is ready, for at most `at_most`. A helper thread's wake is not waited
/// for.
void turn(const Waitable& waitable, Duration at_most = milliseconds(20));

/// Turns until `take` gives something; fails the process after `at_most` of real time.
template <typename Take>
auto wait_for(const Waitable& waitable, Take take, Duration at_most = seconds(30)) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  for (;;) {
    auto taken = take();
    if (taken) return *std::move(taken);
    CHECK(std::chrono::steady_clock::now() < deadline, "nothing came in {} s", to_seconds(at_most));
    turn(waitable);
  }
}

/// The first of what `take` returns, once there is one.
template <typename Take>
auto wait_for_one(const Waitable& waitable, Take take) {
  using List = decltype(take());
  return wait_for(waitable, [&]() -> std::optional<typename List::value_type> {
    List list = take();
    if (list.empty()) return std::nullopt;
    return std::move(list.front());
  });
}

}  // namespace embedd::test
