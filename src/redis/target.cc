#include "redis/target.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

namespace embedd::redis {
namespace {

constexpr int kMostDatabase = 1'000'000;

std::optional<int> whole(std::string_view text, int least, int most) {
  int number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || number < least || number > most)
    return std::nullopt;
  return number;
}

/// Percent-encoding undone; none if it is broken, or hides a NUL.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    const char* const digits = text.data() + i + 1;
    if (i + 2 >= text.size() || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2 || byte == 0)
      return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

/// Reads the parts of a URL. Each step returns what is wrong; empty: nothing.
class Reader {
 public:
  std::string read(std::string_view url) {
    if (url.starts_with("rediss://"))
      return "TLS to Redis (rediss://) is not supported: use redis:// within a network that you trust, or a "
             "tunnel on this machine, such as stunnel";
    constexpr std::string_view kScheme = "redis://";
    if (!url.starts_with(kScheme))
      return "must read redis://[user:password@]host[:port][/database], such as redis://127.0.0.1:6379/0";
    url.remove_prefix(kScheme.size());
    for (const unsigned char c : url)
      if (c <= 0x20 || c == 0x7F) return "must not hold spaces or control characters";
    if (url.find_first_of("?#") != std::string_view::npos)
      return "must have nothing after the database's number; in a password write %3F for ? and %23 for #";
    const std::size_t at = url.rfind('@');
    if (at != std::string_view::npos)
      if (auto wrong = read_user(url.substr(0, at)); !wrong.empty()) return wrong;
    if (at != std::string_view::npos) url.remove_prefix(at + 1);
    const std::size_t slash = url.find('/');
    if (slash != std::string_view::npos && slash + 1 < url.size()) {
      const auto database = whole(url.substr(slash + 1), 0, kMostDatabase);
      if (!database) return "the database must be a number, such as /0";
      target.database = *database;
    }
    return read_host(url.substr(0, slash));
  }

  Target target;

 private:
  std::string read_user(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return "names a user without a password: write user:password@";
    auto user = decoded(text.substr(0, colon)), password = decoded(text.substr(colon + 1));
    if (!user || !password) return "the user or the password has a % that is not followed by two digits";
    target.user = std::move(*user);
    target.password = Secret(std::move(*password));
    if (!target.user.empty() && target.password.empty()) return "names a user with an empty password";
    return "";
  }

  std::string read_host(std::string_view text) {
    std::size_t end = text.find(':');
    if (text.starts_with('[')) {
      const std::size_t close = text.find(']');
      if (close == std::string_view::npos) return "the address has no closing bracket";
      target.host = text.substr(1, close - 1);
      end = close + 1 == text.size() ? std::string_view::npos : close + 1;
      if (end != std::string_view::npos && text[end] != ':') return "after the address comes :port";
    } else {
      target.host = text.substr(0, end);
    }
    if (target.host.empty()) return "names no host";
    if (end == std::string_view::npos) return "";
    const auto port = whole(text.substr(end + 1), 1, 65'535);
    if (!port) return "the port must be a number from 1 to 65535";
    target.port = *port;
    return "";
  }
};

}  // namespace

std::string Target::shown() const {
  const bool bare = host.find(':') == std::string::npos;
  return bare ? fmt::format("{}:{}/{}", host, port, database)
              : fmt::format("[{}]:{}/{}", host, port, database);
}

Result<Target> parse_url(const Secret& url, std::string_view variable) {
  Reader reader;
  const std::string wrong = reader.read(url.reveal());
  if (!wrong.empty()) return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", variable, wrong));
  return std::move(reader.target);
}

}  // namespace embedd::redis
