/// The built-in embedder: signed feature hashing of words and character n-grams. Finds shared words, not
/// meaning.
///
///   std::vector<float> vector(1536);
///   hash_embed("Docker container exits at once", vector);
///
/// How a text becomes a vector (this is `local-hashing-v1`; a change that moves any vector needs a new id):
///   1. Words are runs of letters and digits, lower-cased (ASCII, Latin, Greek, Cyrillic). Trailing `+` and
///      `#` are kept ("c++"), and a plural's `s` is dropped. Han, kana and Hangul, written without spaces,
///      give one word for each character and one for each pair.
///   2. A word's weight grows with the logarithm of its count and slightly with its length. It is small for
///      the commonest English words: a stand-in for document frequencies, which a single text cannot show.
///   3. Each word is a feature. So is each n-gram of 3 to 5 characters of `<word>`: "index" also matches
///      "indexes" and "indexing". All n-grams of a word together weigh less than the word.
///   4. The 64-bit hash of a feature picks a component and a sign (four of each for a word, so that chance
///      collisions of words matter less). Weights add up. The sum is divided by its Euclidean length.
///
/// Deterministic across machines and compilers: weights are integers, so the order of additions does not
/// matter, and the only floating-point operations are ones that IEEE 754 rounds correctly (division, square
/// root).
#pragma once

#include <span>
#include <string_view>

namespace embedd {

/// Fills `out` (any size ≥ 1; useful from about 256, specified from 8) with the vector of `text`. Its length
/// is 1; it is all zero if and only if `text` is empty. Accepts any bytes; bytes that are not UTF-8 separate
/// words. Thread-safe. Linear apart from a sort of the words; allocates about 4 bytes for each byte of text.
void hash_embed(std::string_view text, std::span<float> out);

}  // namespace embedd
