/// Always-on invariants. A broken invariant is a bug in embedd: it aborts, loudly, with both values.
#pragma once

#include <fmt/format.h>

#include <string>

namespace embedd {

/// Prints `message` with its place on stderr and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* expression, const std::string& detail);

}  // namespace embedd

/// CHECK(condition, "context {}", value): aborts with the expression and the context if it is false.
#define CHECK(condition, ...)                                                             \
  do {                                                                                    \
    if (!(condition)) [[unlikely]]                                                        \
      ::embedd::check_failed(__FILE__, __LINE__, #condition, ::fmt::format(__VA_ARGS__)); \
  } while (false)
