/// Errors by consequence: the caller decides what to do next by the kind, never by the text.
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
  too_large,         ///< one input, or the whole request, exceeds a limit: split
  rejected,          ///< this content will never be accepted: split, and discard the culprit
  unauthenticated,   ///< wrong key or no access: pause the endpoint
  misconfigured,     ///< this vectorizer's model or dimensions do not exist there: rest the vectorizer
  invalid_answer,    ///< the answer breaks the provider's contract: never store it
  conflict,          ///< another writer came first (serialisation, deadlock, lock timeout): try again
  in_doubt,          ///< the connection was lost after sending: find out what happened
  canceled,          ///< embedd itself gave up
  invalid_argument,  ///< a person's input is wrong; the message says what to do
};

/// The stable lower-case name, as metrics, logs and dead letters show it.
std::string_view name_of(ErrorKind kind);

/// Limits that a server names when it refuses a request for its size. 0: not named.
struct NamedLimits {
  std::uint64_t text_tokens = 0;   ///< most tokens of one text
  std::uint64_t found_tokens = 0;  ///< tokens that the server found in a text
  std::uint64_t inputs = 0;        ///< most texts of one request
};

struct Error {
  ErrorKind kind = ErrorKind::unavailable;
  std::string message;                    ///< for a person; never contains a secret or a row's text
  std::optional<Duration> retry_after{};  ///< the wait that the server asks for, if it does
  /// The database's own words, if a dead letter keeps them. They may quote a row, so nothing else stores
  /// them.
  std::string verbatim{};
  bool billed = false;   ///< a provider's error: the request may have been billed all the same
  NamedLimits limits{};  ///< a provider's too_large only
};

/// The text of a dead letter for `error`.
inline const std::string& in_full(const Error& error) {
  return error.verbatim.empty() ? error.message : error.verbatim;
}

template <typename T>
using Result = std::expected<T, Error>;

/// The value of TRY, moved out of the Result.
template <typename T>
T value_of_try(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// The value of a Result. If the Result is an error, the calling function returns that error:
///
///   auto rows = TRY(db.exec("SELECT …"));
///   TRY(db.begin());
///
/// Do not use TRY for an error that the caller handles, or whose message needs the context. (TRY is a
/// statement expression, as GCC and clang have it.)
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
