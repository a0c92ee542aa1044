/// The built-in embedder: signed feature hashing of words and character n-grams. Finds shared words, not
/// meaning.
///
///   std::vector<float> vector(1536);
///   hash_embed("Docker container exits at once", vector);
///
/// How a text becomes a vector (this is `local-hashing-v1`; a change that moves any vector needs a new id):
///   1. Words are runs of letters and digits, lower-cased (ASCII, Latin, Greek, Cyrillic), with trailing `+`
///      and `#` kept ("c++") and a plural's `s` dropped. Han, kana and Hangul, written without spaces, give
///      one word for each character and one for each pair.
///   2. A word's weight grows with the logarithm of its count and slightly with its length, and is small for
///      the commonest English words: a stand-in for the document frequencies that a single text cannot know.
///   3. Each word is a feature, and so is each 3 to 5 character n-gram of `<word>` for a smaller share
///      together, so that "index" also meets "indexes" and "indexing".
///   4. A feature's 64-bit hash picks a component and a sign (a word's, four of each, so that chance meetings
///      of words matter less); weights add up; the sum is divided by its Euclidean length.
///
/// Deterministic across machines and compilers: weights are integers, so the order of additions does not
/// matter, and the only floating-point operations are ones that IEEE 754 rounds correctly (division, square
/// root).
#pragma once

#include <span>
#include <string_view>

namespace embedd {

/// Fills `out` (any size ≥ 1; useful from about 256, specified from 8) with the vector of `text`: length 1,
/// or all zero if `text` is empty and only then. Any bytes are accepted; those that are not UTF-8 separate
/// words. Thread-safe, linear apart from a sort of the words, allocates about 4 bytes a byte of text.
void hash_embed(std::string_view text, std::span<float> out);

}  // namespace embedd
