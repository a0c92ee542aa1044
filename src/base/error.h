/// What went wrong, by consequence: the kind decides what the caller does next, never the text.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/units.h"

namespace embedd {

/// Kinds by consequence. `retry_policy.h` turns a provider's kind into a verdict.
enum class ErrorKind {
  unavailable,       ///< the other side is down, slow or unreachable: back off, try again
  rate_limited,      ///< too fast: slow down, `retry_after` says how long
  quota_exhausted,   ///< money or quota is used up: pause until something changes
  too_large,         ///< one input, or the whole request, is over a limit: split
  rejected,          ///< this content will never be accepted: split, and discard the culprit
  unauthenticated,   ///< wrong key or no access: pause the endpoint
  misconfigured,     ///< this vectorizer's model or dimensions do not exist there: pause the vectorizer
  invalid_answer,    ///< the provider's answer broke its contract: never store it
  conflict,          ///< another writer came first (serialisation, deadlock, lock timeout): try again
  in_doubt,          ///< the connection was lost after sending: look before assuming
  canceled,          ///< we gave up on it ourselves
  invalid_argument,  ///< a person's input is wrong; the message says what to do
};

/// The stable lower-case name, as used in metrics, logs and dead letters.
std::string_view name_of(ErrorKind kind);

/// What a server that refuses a request for its size says of its limits. 0: it does not say.
struct NamedLimits {
  std::uint64_t text_tokens = 0;   ///< of one text, at most …
  std::uint64_t found_tokens = 0;  ///< … and how many it found in one
  std::uint64_t inputs = 0;        ///< texts in one request, at most
};

struct Error {
  ErrorKind kind = ErrorKind::unavailable;
  std::string message;                    ///< for a person; never holds a secret or a row's text
  std::optional<Duration> retry_after{};  ///< the server's own wish, if it gave one
  std::string verbatim{};  ///< the database's own words, if they are to be kept: they may quote
                           ///< a row, and nothing but a dead letter may hold them
  bool billed = false;     ///< of a provider: the request may have cost something all the same
  NamedLimits limits{};    ///< too_large of a provider only
};

/// What a dead letter says of `error`.
inline const std::string& in_full(const Error& error) {
  return error.verbatim.empty() ? error.message : error.verbatim;
}

template <typename T>
using Result = std::expected<T, Error>;

/// What TRY yields: the value, moved out.
template <typename T>
T value_of_try(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// The value of a Result; where there is none, the function returns the error:
///
///   auto rows = TRY(db.exec("SELECT …"));
///   TRY(db.begin());
///
/// Not for an error that means something here, or that needs words about what was tried. (A statement
/// expression, as GCC and clang have it.)
#define TRY(...)                                                            \
  ({                                                                        \
    auto try_result = (__VA_ARGS__);                                        \
    if (!try_result) return std::unexpected(std::move(try_result).error()); \
    ::embedd::value_of_try(std::move(try_result));                          \
  })

/// Shorthand for `return fail(ErrorKind::rejected, "…")` in a function that returns Result.
inline std::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return std::unexpected(Error{kind, std::move(message), std::nullopt});
}

}  // namespace embedd
