#include "support/pieces.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace embedd::test {

namespace {

constexpr std::size_t kPiece = 8;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// As it reads once `%41` and `\u0041` are what they stand for.
std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const bool percent = text[i] == '%' && i + 2 < text.size();
    const bool json = text.substr(i).starts_with("\\u00") && i + 5 < text.size();
    const std::string digits(text.substr(i + (json ? 4 : 1), percent || json ? 2 : 0));
    const bool hex = digits.size() == 2 &&
                     std::ranges::all_of(digits, [](unsigned char c) { return std::isxdigit(c) != 0; });
    out += hex ? static_cast<char>(std::strtol(digits.c_str(), nullptr, 16)) : text[i];
    i += !hex ? 1 : json ? 6 : 3;
  }
  return out;
}

std::string common_piece(const std::string& shown, const std::string& secret) {
  for (std::size_t i = 0; i + kPiece <= secret.size(); ++i)
    if (shown.find(secret.substr(i, kPiece)) != std::string::npos) return secret.substr(i, kPiece);
  return "";
}

}  // namespace

std::string base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= text.size() ? kAlphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string piece_in(std::string_view shown, std::string_view secret) {
  for (const std::string& text : {lower(shown), lower(plain(shown))})
    if (const std::string piece = common_piece(text, lower(secret)); !piece.empty()) return piece;
  for (const std::string_view before : {"", "x", "xy"}) {
    // Without what also depends on the neighbours.
    const std::string whole = base64(std::string(before) + std::string(secret));
    const std::size_t first = (before.size() * 8 + 5) / 6, last = (before.size() + secret.size()) * 8 / 6;
    if (const std::string piece = common_piece(std::string(shown), whole.substr(first, last - first));
        !piece.empty())
      return piece;
  }
  return "";
}

}  // namespace embedd::test
