/// A string that cannot be printed by accident: no stream operator, no fmt formatter, wiped on destruction.
#pragma once

#include <string>
#include <string_view>

namespace embedd {

/// A key or a password. Only `reveal()` returns it; grep for `reveal` to audit every use.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) noexcept = default;
  ~Secret();

  [[nodiscard]] bool empty() const { return value_.empty(); }
  /// The secret itself, valid while this object lives. Never log it.
  [[nodiscard]] std::string_view reveal() const { return value_; }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

}  // namespace embedd
