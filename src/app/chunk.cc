#include "app/chunk.h"

#include <fmt/format.h>

#include "core/models.h"
#include "text/catalog.h"
#include "text/chunker.h"
#include "text/utf8.h"

namespace embedd::app {
namespace {

constexpr std::size_t kWindowBytes = 1024 * 1024;

/// Fills `window` up. True at the end of the text.
bool fill(std::istream& text, std::string& window) {
  const std::size_t had = window.size();
  window.resize(kWindowBytes);
  text.read(window.data() + had, static_cast<std::streamsize>(kWindowBytes - had));
  window.resize(had + static_cast<std::size_t>(text.gcount()));
  return !text.good();
}

}  // namespace

Result<void> chunk(const Settings& settings, const ChunkRequest& request, std::istream& text,
                   const std::function<void(const ChunkShown&)>& show) {
  const ChunkRule rule = TRY(parse_chunk_rule(request.rule));
  const ChunkTemplate form = TRY(parse_chunk_template(request.form));
  const Tokenizers tokenizers(settings.tokenizer_ranks);
  const std::string model = request.model.empty() ? std::string(kDefaultModel) : request.model;
  const Tokenizer& tokenizer = tokenizers.tokenizer_for(model);
  TRY(check_chunk_size(rule, form, tokenizer));
  const TextChunker chunker(tokenizers);
  const Vectorizer vectorizer{.model = model, .chunk_rule = request.rule, .chunk_template = request.form};
  // A row's values come first; a file has none.
  std::string window(form.values().size(), kValueEnd);
  ChunkCursor cursor;
  std::uint64_t read = 0;  // bytes of the file before the window
  std::size_t added = window.size();
  for (std::int64_t number = 0;;) {
    const bool last = fill(text, window);
    if (last && !text.eof())
      return fail(ErrorKind::invalid_argument,
                  "the text cannot be read to its end; name a file in UTF-8, or - for standard input");
    const std::size_t valid = utf8::valid_prefix(window);
    // A character may be cut in two where the window ends.
    if (valid < window.size() && (last || window.size() - valid > 3))
      return fail(ErrorKind::invalid_argument,
                  fmt::format("the text is not UTF-8 at byte {}; convert it first, for example "
                              "with: iconv -t UTF-8",
                              read + valid - added));
    const Cut cut = TRY(chunker.cut(vectorizer, std::string_view(window).substr(0, valid), cursor, last));
    for (const Chunk& each : cut.chunks)
      show({.number = number++,
            .tokens = tokenizer.count(each.sent),
            .exact = tokenizer.exact(),
            .chunk = each});
    if (cut.last) return {};
    const std::size_t bytes =
        utf8::bytes_of(window, static_cast<std::size_t>(cut.next.characters - cursor.characters));
    window.erase(0, bytes);
    read += bytes - added;
    added = 0;
    cursor = cut.next;
  }
}

}  // namespace embedd::app
