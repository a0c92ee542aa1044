/// Where a text may be cut: the places that the chunkers choose from.
///
/// The text around a place decides whether the text is cut there, not the cuts before. So an edit changes the
/// chunks around the edit, and a little later the cuts are where they were: two different sequences of cuts
/// become the same from the first place on that is the best one for both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace embedd {

/// Places of one kind at which a text may be cut, as offsets in bytes: at each, one part ends and the next
/// begins.
using Places = std::vector<std::size_t>;

/// Where paragraphs begin: at the first line after blank lines. Each place lies in (least, most].
Places paragraphs(std::string_view text, std::size_t least, std::size_t most);
/// Where lines begin.
Places lines(std::string_view text, std::size_t least, std::size_t most);

/// Units of text by Unicode's rules for all scripts (UAX #29 and #14), as ICU finds them.
enum class Units {
  sentences,
  words,       ///< where a line could be broken, so that punctuation stays with its word
  characters,  ///< as people see them: with their combining marks and joiners
};
Places places(std::string_view text, Units units, std::size_t least, std::size_t most);

/// The place around which the text hashes lowest; `places` is not empty.
std::size_t settled_place(std::string_view text, const Places& places);

/// Where the first part of `text` ends: after at most `most` bytes, at the end of a character, and after at
/// least a third of `most` if a place allows that. Takes the first kind that has a place: paragraphs, lines,
/// sentences, words, characters. `most` must be less than the size of `text`, unless the text goes on and the
/// rest is not known yet.
std::size_t best_cut(std::string_view text, std::size_t most);

}  // namespace embedd
