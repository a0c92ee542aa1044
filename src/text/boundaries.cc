#include "text/boundaries.h"

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "base/trim.h"

namespace embedd {
namespace {

/// Bytes of text on either side of a place whose hash decides which place is chosen.
constexpr std::size_t kAround = 24;

/// FNV-1a, whose bits are mixed at the end.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325ULL;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  return value ^ (value >> 33);
}

struct CloseIterator {
  void operator()(UBreakIterator* iterator) const { ubrk_close(iterator); }
};
using Iterator = std::unique_ptr<UBreakIterator, CloseIterator>;

/// Each thread opens one iterator of each kind, because opening reads the kind's rules.
UBreakIterator* iterator_of(Units units) {
  const auto open = [](UBreakIteratorType type) {
    UErrorCode status = U_ZERO_ERROR;
    Iterator iterator(ubrk_open(type, "", nullptr, 0, &status));
    CHECK(U_SUCCESS(status), "ICU has no rules for breaks: {}", u_errorName(status));
    return iterator;
  };
  thread_local const Iterator sentences = open(UBRK_SENTENCE), words = open(UBRK_LINE),
                              characters = open(UBRK_CHARACTER);
  switch (units) {
    case Units::sentences: return sentences.get();
    case Units::words: return words.get();
    case Units::characters: return characters.get();
  }
  CHECK(false, "units {}", static_cast<int>(units));
}

}  // namespace

Places lines(std::string_view text, std::size_t least, std::size_t most) {
  Places out;
  const std::string_view seen = text.substr(0, most);
  for (std::size_t at = seen.find('\n', least); at != std::string_view::npos; at = seen.find('\n', at + 1))
    if (at + 1 > least) out.push_back(at + 1);
  return out;
}

Places paragraphs(std::string_view text, std::size_t least, std::size_t most) {
  Places out;
  bool after_blank = false;
  const std::string_view seen = text.substr(0, most + 1);
  for (std::size_t begin = 0; begin < seen.size();) {
    const std::size_t end = std::min(seen.find('\n', begin), seen.size());
    const bool is_blank = trim(seen.substr(begin, end - begin)).empty();
    if (!is_blank && after_blank && begin > least && begin <= most) out.push_back(begin);
    after_blank = is_blank;
    begin = end + 1;
  }
  return out;
}

Places places(std::string_view text, Units units, std::size_t least, std::size_t most) {
  // Whether the last place is a place may depend on the text that follows.
  constexpr std::size_t kLookAhead = 64;
  const std::string_view seen = text.substr(0, most + kLookAhead);
  UErrorCode status = U_ZERO_ERROR;
  UText* source = utext_openUTF8(nullptr, seen.data(), static_cast<std::int64_t>(seen.size()), &status);
  UBreakIterator* iterator = iterator_of(units);
  ubrk_setUText(iterator, source, &status);
  CHECK(U_SUCCESS(status), "ICU cannot read the text: {}", u_errorName(status));
  Places out;
  for (std::int32_t at = ubrk_next(iterator); at != UBRK_DONE; at = ubrk_next(iterator)) {
    const auto place = static_cast<std::size_t>(at);
    if (place > most) break;
    if (place > least && place < seen.size()) out.push_back(place);
  }
  utext_close(source);
  return out;
}

std::size_t settled_place(std::string_view text, const Places& places) {
  CHECK(!places.empty(), "no place among none");
  return *std::ranges::min_element(places, {}, [&](std::size_t place) {
    const std::size_t begin = place - std::min(place, kAround);
    return hash(text.substr(begin, place - begin + kAround));
  });
}

std::size_t best_cut(std::string_view text, std::size_t most) {
  const std::size_t least = most / 3;
  for (const auto& found : {paragraphs(text, least, most), lines(text, least, most)})
    if (!found.empty()) return settled_place(text, found);
  for (const Units units : {Units::sentences, Units::words}) {
    const Places found = places(text, units, least, most);
    if (!found.empty()) return settled_place(text, found);
  }
  // A word without end: no place in it is better than another, so the part is as long as possible.
  const Places characters = places(text, Units::characters, most - std::min<std::size_t>(most, 64), most);
  return characters.empty() ? most : characters.back();
}

}  // namespace embedd
