/// Invariants that are always checked. A broken invariant is a bug in embedd: the process aborts and prints
/// both values.
#pragma once

#include <fmt/format.h>

#include <string>

namespace embedd {

/// Prints `message` and its place in the code on stderr, and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* expression, const std::string& detail);

}  // namespace embedd

/// CHECK(condition, "context {}", value): if the condition is false, aborts and prints the condition and the
/// context.
#define CHECK(condition, ...)                                                             \
  do {                                                                                    \
    if (!(condition)) [[unlikely]]                                                        \
      ::embedd::check_failed(__FILE__, __LINE__, #condition, ::fmt::format(__VA_ARGS__)); \
  } while (false)
