#include "text/hashing.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "text/utf8.h"

namespace embedd {
namespace {

using std::uint64_t;

// The commonest English words, sorted. They say next to nothing about the subject of a text.
constexpr std::array<std::string_view, 118> kStopWords = {
    "a",     "about", "after",   "all",   "also",   "am",    "an",    "and",     "any",    "are",   "as",
    "at",    "be",    "because", "been",  "before", "being", "but",   "by",      "can",    "could", "did",
    "do",    "does",  "doing",   "down",  "each",   "even",  "every", "for",     "from",   "get",   "gets",
    "got",   "had",   "has",     "have",  "having", "he",    "her",   "here",    "his",    "how",   "i",
    "if",    "in",    "into",    "is",    "it",     "its",   "just",  "like",    "may",    "me",    "more",
    "most",  "my",    "no",      "not",   "now",    "of",    "off",   "on",      "once",   "one",   "only",
    "or",    "other", "our",     "out",   "over",   "own",   "same",  "she",     "should", "so",    "some",
    "such",  "t",     "than",    "that",  "the",    "their", "them",  "then",    "there",  "these", "they",
    "this",  "those", "though",  "to",    "too",    "under", "until", "up",      "use",    "used",  "uses",
    "using", "very",  "was",     "we",    "were",   "what",  "when",  "where",   "which",  "while", "who",
    "why",   "will",  "with",    "would", "yet",    "you",   "your",  "yourself"};
static_assert(std::ranges::is_sorted(kStopWords));

constexpr std::int64_t kUnit = 1 << 16;  // weights are fixed-point numbers with this denominator

/// A word of the text: its place in Words::points, and the hash of its characters.
struct Word {
  uint64_t hash = 0;
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
};

struct Words {
  std::u32string points;
  std::vector<Word> words;
};

/// FNV-1a over code points. Weak in its high bits, so every use ends with finish().
constexpr uint64_t kHashStart = 0xCBF29CE484222325ULL;
constexpr uint64_t hash_step(uint64_t hash, char32_t point) { return (hash ^ point) * 0x100000001B3ULL; }

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
constexpr uint64_t finish(uint64_t hash) {
  hash = (hash ^ hash >> 30) * 0xBF58476D1CE4E5B9ULL;
  hash = (hash ^ hash >> 27) * 0x94D049BB133111EBULL;
  return hash ^ hash >> 31;
}

constexpr char32_t lower(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32;                            // Latin-1
  if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) return c | 1;        // Latin Extended-A
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return c + (c & 1);  // its odd capitals
  if (c >= 0x391 && c <= 0x3A9) return c + 32;                                       // Greek
  if (c >= 0x410 && c <= 0x42F) return c + 32;                                       // Cyrillic
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  return c;
}

/// Letters and digits of every script, nearly: a character that is not known as a separator belongs to a
/// word.
constexpr bool in_word(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
  if (c == 0xD7 || c == 0xF7) return false;
  return !((c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020) ||
           (c >= 0xFF00 && c <= 0xFF0F) || (c >= 0xFF1A && c <= 0xFF20) || c == 0xFFFD);
}

/// Scripts that write words without spaces between them.
constexpr bool is_unspaced(char32_t c) {
  return (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7A3) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_stop_word(std::u32string_view word) {
  std::array<char, 8> ascii{};
  if (word.size() > ascii.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] >= 0x80) return false;
    ascii[i] = static_cast<char>(word[i]);
  }
  return std::ranges::binary_search(kStopWords, std::string_view(ascii.data(), word.size()));
}

/// "indexes" becomes "indexe", "pods" becomes "pod": enough for the most common English plurals.
std::u32string_view without_plural(std::u32string_view word) {
  if (word.size() < 4 || word.back() != U's' || is_stop_word(word)) return word;
  const char32_t before = word[word.size() - 2];
  return before == U's' || before == U'u' || before == U'i' ? word : word.substr(0, word.size() - 1);
}

void add_word(Words& out, std::u32string_view word) {
  uint64_t hash = kHashStart;
  for (const char32_t point : word) hash = hash_step(hash, point);
  out.words.push_back(
      {hash, static_cast<std::uint32_t>(out.points.size()), static_cast<std::uint32_t>(word.size())});
  out.points.append(word);
}

/// Splits `text` into lower-cased words, in order, repetitions included.
Words split(std::string_view text) {
  Words out;
  out.points.reserve(text.size());
  out.words.reserve(text.size() / 6 + 1);
  std::u32string run;
  char32_t previous_unspaced = 0;
  const auto end_run = [&] {
    if (!run.empty()) add_word(out, without_plural(run));
    run.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const utf8::Decoded next = utf8::decode(text.substr(at));
    at += next.size;
    const char32_t point = lower(next.point);
    if (is_unspaced(point)) {
      end_run();
      add_word(out, std::u32string_view(&point, 1));
      if (previous_unspaced != 0) {
        const char32_t pair[] = {previous_unspaced, point};
        add_word(out, std::u32string_view(pair, 2));
      }
      previous_unspaced = point;
      continue;
    }
    previous_unspaced = 0;
    if (in_word(point) || (!run.empty() && (point == '+' || point == '#'))) {
      run.push_back(point);
    } else {
      end_run();
    }
  }
  end_run();
  return out;
}

/// 1 + ln(count) in fixed point; the logarithm is linear between powers of two.
std::int64_t count_weight(uint64_t count) {
  const int exponent = std::bit_width(count) - 1;
  const uint64_t power = 1ULL << exponent;
  const auto log2 = exponent * kUnit + static_cast<std::int64_t>((count - power) * kUnit / power);
  return kUnit + log2 * 45426 / kUnit;  // 45426 / 65536 = ln 2
}

std::int64_t word_weight(std::u32string_view word, uint64_t count) {
  const std::int64_t weight = count_weight(count);
  if (is_stop_word(word)) return weight / 10;
  if (is_unspaced(word[0])) return word.size() == 1 ? weight / 2 : weight;
  if (word.size() == 1) return weight * 3 / 10;
  if (word.size() == 2) return weight * 7 / 10;
  return weight * static_cast<std::int64_t>(12 + std::min<std::size_t>(word.size(), 12)) / 16;
}

class Sum {
 public:
  explicit Sum(std::size_t dimensions) : components_(dimensions) {}

  void add(uint64_t hash, std::int64_t weight) {
    const uint64_t mixed = finish(hash);
    const std::size_t component = (mixed >> 32) * components_.size() >> 32;
    components_[component] += (mixed & 1) != 0 ? weight : -weight;
  }

  /// Writes the normalised sum. If all components are 0, because features cancel out or there are none, adds
  /// the feature `fallback` first.
  void normalise_into(std::span<float> out, uint64_t fallback) {
    if (std::ranges::all_of(components_, [](std::int64_t c) { return c == 0; })) add(fallback, kUnit);
    unsigned __int128 squares = 0;  // exact, hence the same whatever the order and the instruction set
    for (const std::int64_t c : components_)
      squares += static_cast<unsigned __int128>(static_cast<__int128>(c) * c);
    const double length = std::sqrt(static_cast<double>(squares));
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>(static_cast<double>(components_[i]) / length);
    }
  }

 private:
  std::vector<std::int64_t> components_;
};

/// Four components of half the weight each: two different words that meet in one component then look at most
/// a quarter alike, not the same.
void add_word_feature(Sum& sum, uint64_t hash, std::int64_t weight) {
  for (uint64_t copy = 0; copy < 4; ++copy) sum.add(hash + copy * 0x9E3779B97F4A7C15ULL, weight / 2);
}

void add_ngrams(Sum& sum, std::u32string_view word, std::int64_t weight, std::u32string& padded) {
  constexpr std::size_t kShortest = 3, kLongest = 5;
  padded.assign(1, U'<');
  padded.append(word).push_back(U'>');
  std::size_t ngrams = 0;
  for (std::size_t n = kShortest; n <= kLongest && n <= padded.size(); ++n) ngrams += padded.size() - n + 1;
  if (ngrams == 0) return;
  // All n-grams of a word together weigh 0.6 of the word itself, in length.
  const auto each = static_cast<std::int64_t>(
      std::llround(0.6 * static_cast<double>(weight) / std::sqrt(static_cast<double>(ngrams))));
  for (std::size_t begin = 0; begin + kShortest <= padded.size(); ++begin) {
    uint64_t hash = hash_step(kHashStart, U'\0');  // keeps n-grams apart from words
    const std::size_t longest = std::min(kLongest, padded.size() - begin);
    for (std::size_t n = 1; n <= longest; ++n) {
      hash = hash_step(hash, padded[begin + n - 1]);
      if (n >= kShortest) sum.add(hash, each);
    }
  }
}

}  // namespace

void hash_embed(std::string_view text, std::span<float> out) {
  CHECK(!out.empty(), "an embedding needs at least one dimension");
  if (text.empty()) {
    std::ranges::fill(out, 0.0F);
    return;
  }

  Words split_text = split(text);
  std::vector<Word>& words = split_text.words;
  std::ranges::sort(words, {}, &Word::hash);
  Sum sum(out.size());
  std::u32string padded;
  for (std::size_t i = 0; i < words.size();) {
    std::size_t end = i + 1;
    while (end < words.size() && words[end].hash == words[i].hash) ++end;
    const std::u32string_view word =
        std::u32string_view(split_text.points).substr(words[i].begin, words[i].size);
    const std::int64_t weight = word_weight(word, end - i);
    add_word_feature(sum, words[i].hash, weight);
    if (word.size() >= 3 && !is_stop_word(word)) add_ngrams(sum, word, weight, padded);
    i = end;
  }

  uint64_t whole = kHashStart;
  for (const char c : text) whole = hash_step(whole, static_cast<unsigned char>(c));
  sum.normalise_into(out, whole);
}

}  // namespace embedd
