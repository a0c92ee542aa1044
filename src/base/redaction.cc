#include "base/redaction.h"

#include <algorithm>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>

namespace embedd {

namespace {

constexpr std::string_view kMask = "***";

/// Words of messages, addresses and models that people also use as throwaway secrets.
constexpr std::string_view kPublicWords[] = {"authentication",
                                             "authorization",
                                             "certificate",
                                             "connection",
                                             "database",
                                             "dimensions",
                                             "embeddings",
                                             "endpoint",
                                             "https://",
                                             "incorrect",
                                             "invalid_api_key",
                                             "localhost",
                                             "openai.com",
                                             "password",
                                             "permission",
                                             "postgresql://",
                                             "provider",
                                             "rate_limit",
                                             "server_error",
                                             "text-embedding-3-large",
                                             "text-embedding-3-small",
                                             "vectorizer"};

/// How many levels of nested escapes are decoded.
constexpr int kMostDecodings = 3;

/// Makes texts equal that differ in case or in the alphabet of base64 only.
char fold(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  if (c == '+') return '-';
  return c == '/' ? '_' : c;
}

std::string folded(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), fold);
  return out;
}

// ── Pieces

/// Calls `take(position, piece)` for every piece of `text`.
template <typename Take>
void for_each_piece(std::string_view text, Take take) {
  std::uint64_t piece = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    piece = piece << 8 | static_cast<unsigned char>(fold(text[i]));
    if (i + 1 >= Redactor::kPiece) take(i + 1 - Redactor::kPiece, piece);
  }
}

void add_pieces(std::string_view text, std::unordered_set<std::uint64_t>& out) {
  for_each_piece(text, [&](std::size_t, std::uint64_t piece) { out.insert(piece); });
}

/// The base64 characters that depend on `text` alone, if `before` bytes (0 to 2) precede `text`.
std::string base64_of(std::string_view text, std::size_t before) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  const std::size_t last = (before + text.size()) * 8 / 6;  // whole characters
  for (std::size_t i = (before * 8 + 5) / 6; i < last; ++i) {
    std::uint32_t six = 0;
    for (std::size_t bit = i * 6; bit < i * 6 + 6; ++bit)
      six = six << 1 | (static_cast<unsigned char>(text[bit / 8 - before]) >> (7 - bit % 8) & 1);
    out.push_back(kAlphabet[six]);
  }
  return out;
}

std::string hex_of(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const unsigned char c : text) out += {kDigits[c / 16], kDigits[c % 16]};
  return out;
}

// ── Escapes

/// Decoded text; each byte has the range of the original that it stands for.
struct Reading {
  std::string text;
  std::vector<std::size_t> begin, end;

  void add(char c, std::size_t from, std::size_t to) {
    text.push_back(c);
    begin.push_back(from);
    end.push_back(to);
  }
};

/// The number that `digits` hex digits at `at` stand for.
std::optional<std::uint32_t> hex_at(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(at, digits)) {
    const char d = fold(c);
    if (d >= '0' && d <= '9')
      value = value * 16 + static_cast<std::uint32_t>(d - '0');
    else if (d >= 'a' && d <= 'f')
      value = value * 16 + static_cast<std::uint32_t>(d - 'a' + 10);
    else
      return std::nullopt;
  }
  return value;
}

struct Escape {
  std::size_t length = 0;  ///< in the text; 0: there is none
  std::uint32_t code = 0;  ///< a byte, or with `unicode` a code point
  bool unicode = false;
};

/// `%2F`, `\u002f`, `\x2f`, `\/` at `at`.
Escape escape_at(std::string_view text, std::size_t at) {
  if (text[at] == '%') {
    const auto byte = hex_at(text, at + 1, 2);
    return byte ? Escape{3, *byte} : Escape{};
  }
  if (text[at] != '\\' || at + 1 == text.size()) return {};
  const char kind = text[at + 1];
  if (kind == 'u')
    if (const auto code = hex_at(text, at + 2, 4)) return {6, *code, true};
  if (kind == 'x')
    if (const auto byte = hex_at(text, at + 2, 2)) return {4, *byte};
  if (kind == '\\' || kind == '/' || kind == '"' || kind == '\'')
    return {2, static_cast<std::uint32_t>(kind)};
  return {};
}

/// `reading` with one level of escapes decoded.
Reading decode(const Reading& reading) {
  Reading out;
  for (std::size_t i = 0; i < reading.text.size();) {
    const Escape escape = escape_at(reading.text, i);
    const std::size_t length = std::max<std::size_t>(escape.length, 1);
    const auto add = [&](std::uint32_t byte) {
      out.add(static_cast<char>(byte), reading.begin[i], reading.end[i + length - 1]);
    };
    if (escape.length == 0) {
      add(static_cast<unsigned char>(reading.text[i]));
    } else if (!escape.unicode || escape.code < 0x80) {
      add(escape.code);
    } else {
      if (escape.code >= 0x800) add(0xE0 | escape.code >> 12);
      add(escape.code >= 0x800 ? 0x80 | (escape.code >> 6 & 0x3F) : 0xC0 | escape.code >> 6);
      add(0x80 | (escape.code & 0x3F));
    }
    i += length;
  }
  return out;
}

// ── Places of secrets

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string_view without_trailing(std::string_view text, std::string_view characters) {
  return text.substr(0, text.find_last_not_of(characters) + 1);
}

/// Whether a secret's place is between `before` and `after`: `password="` and `"`, `user:` and `@host`.
bool is_place_of_secret(std::string_view before, std::string_view after) {
  if (before.ends_with(':') && after.starts_with('@')) return true;
  if (!after.empty() && is_word(after.front())) return false;
  constexpr std::string_view kQuotes = " \t\"'\\";
  before = without_trailing(before, kQuotes);
  const bool assigned = before.ends_with('=') || before.ends_with(':');
  if (assigned) before = without_trailing(before.substr(0, before.size() - 1), kQuotes);
  std::size_t begin = before.size();
  while (begin > 0 && is_word(before[begin - 1])) --begin;
  const std::string name = folded(before.substr(begin));
  if (name == "bearer" || name == "basic") return true;
  constexpr std::string_view kNames[] = {"password", "passwd", "pwd",           "key",
                                         "token",    "secret", "authorization", "provided"};
  return assigned && std::ranges::any_of(kNames, [&](std::string_view end) { return name.ends_with(end); });
}

/// Which bytes of the original to mask.
using Marks = std::vector<bool>;

void mark(Marks& marks, std::size_t begin, std::size_t end) {
  std::fill(marks.begin() + static_cast<std::ptrdiff_t>(begin),
            marks.begin() + static_cast<std::ptrdiff_t>(end), true);
}

/// Marks `word` wherever it stands in a secret's place.
void mark_word(std::string_view text, std::string_view word, Marks& marks) {
  const std::string searched = folded(text), wanted = folded(word);
  for (std::size_t at = searched.find(wanted); at != std::string::npos; at = searched.find(wanted, at + 1))
    if (is_place_of_secret(text.substr(0, at), text.substr(at + word.size())))
      mark(marks, at, at + word.size());
}

/// Marks the stretches that consist of `pieces`, except stretches that are all `known`.
void mark_pieces(const Reading& reading, const std::unordered_set<std::uint64_t>& pieces,
                 const std::unordered_set<std::uint64_t>& known, Marks& marks) {
  std::size_t begin = 0, end = 0;
  bool secret = false;
  const auto close = [&] {
    if (secret) mark(marks, reading.begin[begin], reading.end[end - 1]);
  };
  for_each_piece(reading.text, [&](std::size_t at, std::uint64_t piece) {
    if (!pieces.contains(piece)) return;
    if (at >= end) {
      close();
      begin = at;
      secret = false;
    }
    end = at + Redactor::kPiece;
    secret = secret || !known.contains(piece);
  });
  close();
}

std::string masked(std::string_view text, const Marks& marks) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!marks[i])
      out.push_back(text[i]);
    else if (i == 0 || !marks[i - 1])
      out += kMask;
  return out;
}

// ── What the process hides

struct Registration {
  Secret secret;
  std::vector<std::string> shown;
};

class Registry {
 public:
  /// Never destroyed: threads may still redact while the process ends.
  static Registry& instance() {
    static auto& registry = *new Registry;
    return registry;
  }

  std::shared_ptr<const void> add(Registration registration) {
    const std::lock_guard lock(mutex_);
    const auto added = registrations_.insert(registrations_.end(), std::move(registration));
    redactor_.reset();
    return {&*added, [this, added](const void*) {
              const std::lock_guard guard(mutex_);
              registrations_.erase(added);
              redactor_.reset();
            }};
  }

  /// The redactor for all secrets that are registered now.
  std::shared_ptr<const Redactor> redactor() {
    const std::lock_guard lock(mutex_);
    if (!redactor_) {
      std::vector<Secret> secrets;
      std::vector<std::string> shown;
      for (const Registration& each : registrations_) {
        secrets.push_back(each.secret);
        shown.insert(shown.end(), each.shown.begin(), each.shown.end());
      }
      redactor_ = std::make_shared<const Redactor>(secrets, shown);
    }
    return redactor_;
  }

 private:
  std::mutex mutex_;
  std::list<Registration> registrations_;     ///< guarded by mutex_
  std::shared_ptr<const Redactor> redactor_;  ///< guarded by mutex_; null: to be made again
};

}  // namespace

Redactor::Redactor(const std::vector<Secret>& secrets, const std::vector<std::string>& shown) {
  for (const std::string_view word : kPublicWords) add_pieces(word, public_);
  for (const std::string& word : shown) add_pieces(word, public_);
  for (const Secret& secret : secrets) {
    const std::string_view text = secret.reveal();
    if (text.empty()) continue;
    if (!has_own_piece(text)) {
      words_.push_back(secret);
      continue;
    }
    add_pieces(text, pieces_);
    add_pieces(hex_of(text), pieces_);
    for (std::size_t before = 0; before < 3; ++before) add_pieces(base64_of(text, before), pieces_);
  }
}

bool Redactor::has_own_piece(std::string_view secret) const {
  bool found = false;
  for_each_piece(secret,
                 [&](std::size_t, std::uint64_t piece) { found = found || !public_.contains(piece); });
  return found;
}

std::string Redactor::redact(std::string_view text) const {
  std::string out(text);
  if (pieces_.empty() && words_.empty()) return out;
  // The text on both sides of a mask could form a piece again; each round makes the text shorter.
  while (true) {
    Marks marks(out.size());
    Reading reading;
    for (std::size_t i = 0; i < out.size(); ++i) reading.add(out[i], i, i + 1);
    mark_pieces(reading, pieces_, public_, marks);
    for (int depth = 0; depth < kMostDecodings; ++depth) {
      Reading decoded = decode(reading);
      if (decoded.text.size() == reading.text.size()) break;
      reading = std::move(decoded);
      mark_pieces(reading, pieces_, public_, marks);
    }
    if (std::ranges::find(marks, true) == marks.end()) break;
    out = masked(out, marks);
  }
  for (const Secret& word : words_) {
    Marks marks(out.size());
    mark_word(out, word.reveal(), marks);
    out = masked(out, marks);
  }
  return out;
}

HiddenSecret::HiddenSecret(const Secret& secret, std::vector<std::string> shown)
    : registration_(secret.empty() ? nullptr : Registry::instance().add({secret, std::move(shown)})) {}

std::string redact(std::string_view text) { return Registry::instance().redactor()->redact(text); }

}  // namespace embedd
