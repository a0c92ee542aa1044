#include "base/readable.h"

#include <fmt/format.h>

#include <algorithm>

namespace embedd {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::string printable(std::string_view text, std::size_t max_characters) {
  std::string out;
  std::size_t characters = 0;
  bool space = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1_control =
        c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1_control) ++i;
    if (c <= 0x20 || c == 0x7F || c1_control) {
      space = !out.empty();
      continue;
    }
    if (!is_continuation(text[i])) {
      characters += space ? 2 : 1;
      if (characters > max_characters) return out + "…";
      if (space) out += ' ';
      space = false;
    }
    out += text[i];
  }
  return out;
}

std::string human_count(std::int64_t number) {
  const std::string digits = fmt::format("{}", number);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::size_t left = digits.size() - i;
    if (left % 3 == 0 && i > 0 && digits[i - 1] != '-') out += ',';
    out += digits[i];
  }
  return out;
}

std::string human_age(double age_seconds) {
  const double age = std::max(0.0, age_seconds);
  if (age < 1) return fmt::format("{:.0f} ms", age * 1000);
  if (age < 120) return fmt::format("{:.0f} s", age);
  if (age < 7200) return fmt::format("{:.0f} min", age / 60);
  if (age < 172'800) return fmt::format("{:.0f} h", age / 3600);
  return fmt::format("{:.0f} d", age / 86'400);
}

}  // namespace embedd
