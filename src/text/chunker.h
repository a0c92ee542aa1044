/// The chunkers: rules for cutting texts, and what is sent of each chunk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/chunker.h"
#include "core/tokenizer.h"
#include "text/chunk_rule.h"
#include "text/template.h"

namespace embedd {

/// What is sent of a chunk. `{chunk}` is the chunk and `{headings}` the headings that it stands under; other
/// names are columns of the row. Blanks around optional parts are kept.
struct ChunkTemplate {
  Template text;  ///< just {chunk}, if nothing else was asked for
  /// The values of the row that the template names, in order of first use.
  [[nodiscard]] std::vector<Template::Value> values() const;
};

/// Error: invalid_argument, which says what to write instead.
Result<ChunkTemplate> parse_chunk_template(std::string_view text);

/// Whether what the template adds to each chunk leaves room for the chunk. Error invalid_argument.
Result<void> check_chunk_size(const ChunkRule& rule, const ChunkTemplate& form, const Tokenizer& tokenizer);

/// A row's text begins with the values of ChunkTemplate::values(), each followed by this character, which is
/// removed from the values themselves.
inline constexpr char kValueEnd = '\x1e';
/// Most bytes of such a value that are sent.
inline constexpr std::size_t kMostValueBytes = 1000;

/// Thread-safe as far as the catalog is. What is sent of a chunk is never cut: a chunk that would be too long
/// is made shorter.
class TextChunker final : public Chunker {
 public:
  explicit TextChunker(const TokenizerCatalog& tokenizers) : tokenizers_(tokenizers) {}

  [[nodiscard]] Result<Cut> cut(const Vectorizer& vectorizer, std::string_view window,
                                const ChunkCursor& from, bool last) const override;

 private:
  const TokenizerCatalog& tokenizers_;
};

}  // namespace embedd
