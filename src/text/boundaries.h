/// Where a text may be cut: what the chunkers choose from.
///
/// A cut is chosen by what stands around it, and not by what was cut before. So an edit changes the chunks
/// around it, and a little later the cuts are where they were: of two sequences of cuts that differ, the
/// first place that is the best one for both makes them the same again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace embedd {

/// Places of one rank in a stretch of text, as offsets in bytes; each is an end of one part and the begin of
/// the next.
using Places = std::vector<std::size_t>;

/// Begins of paragraphs: the first line behind one or more blank ones. Each lies in (least, most].
Places paragraphs(std::string_view text, std::size_t least, std::size_t most);
/// Begins of lines.
Places lines(std::string_view text, std::size_t least, std::size_t most);

/// Rules of Unicode, for all scripts (UAX #29 and #14): ICU.
enum class Units {
  sentences,
  words,       ///< where a line could be broken, so that punctuation stays with its word
  characters,  ///< as people see them: with their combining marks and joiners
};
Places places(std::string_view text, Units units, std::size_t least, std::size_t most);

/// The place around which the text hashes lowest; `places` is not empty.
std::size_t settled_place(std::string_view text, const Places& places);

/// The end of the part of `text` that begins at 0: at most `most` bytes, which end a character, and at least
/// a third of that where some place allows it. The strongest kind of place decides: paragraphs, lines,
/// sentences, words, characters. `most` is less than the size of `text`, or what is behind it is not known
/// yet.
std::size_t best_cut(std::string_view text, std::size_t most);

}  // namespace embedd
