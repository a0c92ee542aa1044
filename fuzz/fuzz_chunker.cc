/// A text of any bytes, cut by any rule in windows of any size: the chunks are the text, within their size,
/// and the same for any windows that are long enough.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/catalog.h"
#include "text/chunker.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace embedd {
namespace {

class Bytes final : public TokenizerCatalog {
 public:
  [[nodiscard]] const Tokenizer& tokenizer_for(std::string_view) const override { return bytes_; }

 private:
  ByteBound bytes_;
};

constexpr std::string_view kRules[] = {"tokens:16",     "tokens:64,32", "recursive:16",  "recursive:64,16",
                                       "recursive:100", "markdown:16",  "markdown:64,8", "markdown:100"};
constexpr std::string_view kForms[] = {"", "{chunk}", "{headings}: {chunk}", "{a}\n{chunk}"};

/// `window`: characters.
std::vector<Chunk> cut(const Vectorizer& vectorizer, std::string_view text, std::size_t window) {
  static const Bytes catalog;
  const TextChunker chunker(catalog);
  std::vector<Chunk> out;
  ChunkCursor cursor;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = begin + utf8::bytes_of(text.substr(begin), window);
    const auto cut = chunker.cut(vectorizer, text.substr(begin, end - begin), cursor, end == text.size());
    if (!cut) {
      CHECK(out.empty() && end == text.size(), "an error in the middle: {}", cut.error().message);
      return out;
    }
    out.insert(out.end(), cut->chunks.begin(), cut->chunks.end());
    if (cut->last) return out;
    CHECK(cut->next.characters > cursor.characters, "nothing was cut of {} characters", window);
    begin += utf8::bytes_of(text.substr(begin),
                            static_cast<std::size_t>(cut->next.characters - cursor.characters));
    cursor = cut->next;
  }
}

void run(std::string_view in) {
  if (in.size() < 2) return;
  const auto how = static_cast<unsigned char>(in[0]);
  const std::string_view rule = kRules[how % std::size(kRules)];
  const std::string_view form = kForms[how / std::size(kRules) % std::size(kForms)];
  in.remove_prefix(1);
  // What PostgreSQL can hold: UTF-8 without NUL.
  const std::string text(in.substr(0, std::min(utf8::valid_prefix(in), in.find('\0'))));
  if (text.empty()) return;
  const Vectorizer vectorizer{
      .model = "any", .chunk_rule = std::string(rule), .chunk_template = std::string(form)};
  const std::vector<Chunk> chunks = cut(vectorizer, text, 1 << 20);
  const ChunkRule parsed = *parse_chunk_rule(rule);
  std::string all;
  for (const Chunk& chunk : chunks) {
    CHECK(utf8::valid(chunk.text) && utf8::valid(chunk.sent), "a character was cut in two");
    CHECK(chunk.sent.contains(chunk.text), "a part of the chunk is not sent");
    CHECK(chunk.sent.size() <= parsed.size, "{} bytes of {}", chunk.sent.size(), parsed.size);
    all += chunk.text;
  }
  const bool has_values = form.starts_with("{a}");
  const std::string_view body =
      has_values ? std::string_view(text).substr(std::min(text.find(kValueEnd) + 1, text.size())) : text;
  if (parsed.overlap == 0 && !(has_values && text.find(kValueEnd) == std::string::npos))
    CHECK(all == body, "{} bytes of {}", all.size(), body.size());
  // The longest chunk of these rules has 100 bytes, and what is behind a cut may decide about it.
  CHECK(cut(vectorizer, text, 4000) == chunks, "other windows, other chunks");
}

}  // namespace
}  // namespace embedd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  embedd::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
