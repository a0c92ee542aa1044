// The chunkers: whatever the text, chunks make it up byte for byte, are within their size, and stay where
// they were when something else is edited.
#include "text/chunker.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "text/catalog.h"
#include "text/utf8.h"

namespace embedd {
namespace {

const Tokenizers& catalog() {
  static const Tokenizers tokenizers;
  return tokenizers;
}

Vectorizer vectorizer(std::string rule, std::string form = "", std::string model = "text-embedding-3-small") {
  return {.model = std::move(model), .chunk_rule = std::move(rule), .chunk_template = std::move(form)};
}

/// In windows of so many characters, as the queue claims them.
std::vector<Chunk> chunks_of(const Vectorizer& v, std::string_view text, std::size_t window = 1 << 18) {
  const TextChunker chunker(catalog());
  std::vector<Chunk> out;
  ChunkCursor cursor;
  for (std::size_t begin = 0;;) {
    const std::size_t end = begin + utf8::bytes_of(text.substr(begin), window);
    auto cut = chunker.cut(v, text.substr(begin, end - begin), cursor, end == text.size());
    EXPECT_TRUE(cut) << cut.error().message;
    if (!cut) return out;
    out.insert(out.end(), cut->chunks.begin(), cut->chunks.end());
    if (cut->last) return out;
    EXPECT_GT(cut->next.characters, cursor.characters);
    begin += utf8::bytes_of(text.substr(begin),
                            static_cast<std::size_t>(cut->next.characters - cursor.characters));
    cursor = cut->next;
    EXPECT_EQ(cursor.chunks, static_cast<std::int32_t>(out.size()));
  }
}

std::string joined(const std::vector<Chunk>& chunks) {
  std::string out;
  for (const Chunk& chunk : chunks) out += chunk.text;
  return out;
}

/// Texts that chunkers elsewhere have failed on, and ordinary ones.
std::vector<std::string> texts() {
  std::mt19937 random(7);  // NOLINT: the same each time
  const auto repeated = [](std::string_view part, std::size_t bytes) {
    std::string out;
    while (out.size() < bytes) out += part;
    return out;
  };
  std::string base64, prose, markdown;
  for (int i = 0; i < 100'000; ++i)
    base64 += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[random() % 64];
  for (int i = 0; i < 3000; ++i)
    prose += fmt::format("Word{} and {}{}", random() % 500, random() % 9000,
                         i % 90 == 89   ? ".\n\n"
                         : i % 11 == 10 ? ". "
                                        : " ");
  for (int i = 0; i < 300; ++i)
    markdown += i % 9 == 0   ? fmt::format("{} Heading {}\n\n", std::string(1 + random() % 3, '#'), i)
                : i % 9 == 4 ? fmt::format("```\ncode {} = {};\n\n# no heading\n```\n\n", i, random())
                : i % 9 == 6 ? "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\n"
                             : fmt::format("Text number {} says {} and {}.\n\n", i, random() % 100, random());
  return {"",
          "a",
          "\n",
          "no end of line",
          prose,
          markdown,
          base64,
          repeated("key_without_end: ", 20'000),
          repeated("日本語の文章です。句点で終わる文を並べる。", 60'000),
          repeated("ภาษาไทยไม่มีช่องว่างระหว่างคำ", 30'000),
          repeated("👩‍👩‍👧‍👦", 20'000),
          "e" + repeated("\u0301", 20'000),
          repeated("\n", 10'000),
          repeated(" ", 30'000),
          repeated("\r\n", 10'000),
          repeated("| a | b |\n", 30'000),
          "```\n" + repeated("code without end;\n", 30'000),
          repeated("```\n", 10'000),
          repeated("# ", 10'000),
          repeated("- ", 20'000)};
}

class Chunkers : public testing::TestWithParam<const char*> {};

TEST_P(Chunkers, RebuildTheTextOfValidChunksWithinTheirSize) {
  for (const char* model : {"text-embedding-3-small", "unknown-model"}) {
    const Vectorizer v = vectorizer(GetParam(), "", model);
    const std::size_t size = parse_chunk_rule(GetParam())->size;
    const Tokenizer& tokenizer = catalog().tokenizer_for(model);
    for (const std::string& text : texts()) {
      if (text.empty()) continue;
      const std::vector<Chunk> chunks = chunks_of(v, text);
      EXPECT_EQ(joined(chunks), text);
      for (const Chunk& chunk : chunks) {
        EXPECT_TRUE(utf8::valid(chunk.text));
        EXPECT_FALSE(chunk.text.empty());
        EXPECT_LE(tokenizer.count(chunk.sent), size) << chunk.sent.substr(0, 100);
      }
    }
  }
}

TEST_P(Chunkers, CutTheSameWhateverWasCutInWindowsBefore) {
  const Vectorizer v = vectorizer(GetParam());
  for (const std::string& text : texts()) {
    if (text.empty()) continue;
    EXPECT_EQ(joined(chunks_of(v, text, 20'000)), text);
    EXPECT_EQ(chunks_of(v, text, 20'000), chunks_of(v, text, 20'000));
    EXPECT_EQ(chunks_of(v, text, 20'000), chunks_of(v, text, 30'000)) << text.substr(0, 60);
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, Chunkers,
                         testing::Values("tokens:64", "recursive:64", "recursive:300", "markdown:64",
                                         "markdown:512"));

TEST(Chunks, OfWhatIsNotCutAreTheText) {
  EXPECT_EQ(chunks_of(vectorizer("none"), "one\n\ntwo"), (std::vector<Chunk>{{"one\n\ntwo", "one\n\ntwo"}}));
}

TEST(Chunks, OverlapWithinTheirSize) {
  for (const char* rule : {"tokens:64,16", "recursive:64,16", "markdown:64,16"}) {
    const Tokenizer& tokenizer = catalog().tokenizer_for("text-embedding-3-small");
    for (const std::size_t which : {4u, 5u}) {  // those that do not repeat themselves
      const std::string text = texts()[which];
      const std::vector<Chunk> chunks = chunks_of(vectorizer(rule), text);
      std::size_t at = 0;  // where the chunks so far end in the text
      for (const Chunk& chunk : chunks) {
        EXPECT_LE(tokenizer.count(chunk.sent), 64u);
        // Each begins at most so far back, and goes on where the one before ended.
        std::size_t back = 0;
        while (back <= at &&
               (chunk.text.size() < back || text.substr(at - back, chunk.text.size()) != chunk.text))
          ++back;
        ASSERT_LE(back, at) << rule;
        EXPECT_LE(tokenizer.count(text.substr(at - back, back)), 16u);
        at += chunk.text.size() - back;
      }
      EXPECT_EQ(at, text.size());
    }
  }
}

/// How many chunks of `after` are not among those of `before`.
std::size_t new_chunks(const std::vector<Chunk>& before, const std::vector<Chunk>& after) {
  std::set<std::string> known;
  for (const Chunk& chunk : before) known.insert(chunk.sent);
  return static_cast<std::size_t>(
      std::ranges::count_if(after, [&](const Chunk& c) { return !known.contains(c.sent); }));
}

std::string article(std::mt19937& random) {
  std::string out;
  for (int i = 0; i < 500; ++i) {
    if (i > 0) out += "\n\n";
    for (std::size_t s = 0; s < 1 + random() % 4; ++s)
      out += fmt::format("Sentence {} of paragraph {} speaks of {} and of {} too. ", s, i, random() % 1000,
                         random() % 1000);
  }
  return out;
}

TEST(Chunks, StayWhereTheyWereWhenSomethingElseIsEdited) {
  std::mt19937 random(11);  // NOLINT: the same each time
  std::size_t edits = 0, changed = 0, inserted = 0, worst = 0;
  for (int round = 0; round < 8; ++round) {
    const std::string text = article(random);
    const std::vector<Chunk> before = chunks_of(vectorizer("recursive:300"), text);
    ASSERT_GT(before.size(), 60u);
    for (int edit = 0; edit < 20; ++edit) {
      std::string edited = text;
      edited.replace(edited.find("speaks", random() % (text.size() - 200)), 6, "talks");
      const std::size_t some = new_chunks(before, chunks_of(vectorizer("recursive:300"), edited));
      worst = std::max(worst, some);
      changed += some;
      const std::string longer =
          fmt::format("A paragraph {} that was not there before stands at the top.\n\n", edit) + text;
      inserted += new_chunks(before, chunks_of(vectorizer("recursive:300"), longer));
      ++edits;
    }
  }
  RecordProperty("changed_word",
                 fmt::format("{:.2f}", static_cast<double>(changed) / static_cast<double>(edits)));
  RecordProperty("new_paragraph",
                 fmt::format("{:.2f}", static_cast<double>(inserted) / static_cast<double>(edits)));
  EXPECT_LT(static_cast<double>(changed) / static_cast<double>(edits), 2.0) << "of a word that is changed";
  EXPECT_LT(static_cast<double>(inserted) / static_cast<double>(edits), 3.0) << "of a paragraph at the top";
  EXPECT_LE(worst, 8u);
}

TEST(ChunkTemplates, PutTheContextBeforeTheChunk) {
  const std::vector<Chunk> chunks = chunks_of(
      vectorizer("markdown:64", "{title}: {headings}\n{chunk}"),
      std::string("The title") + kValueEnd + "# A\n\nText of A.\n\n## B\n\n" + std::string(300, 'b') + "\n");
  ASSERT_GE(chunks.size(), 2u);
  EXPECT_EQ(chunks.front().sent.substr(0, 13), "The title: \n#");
  EXPECT_EQ(chunks.back().sent.substr(0, 18), "The title: A › B");
  EXPECT_EQ(joined(chunks), "# A\n\nText of A.\n\n## B\n\n" + std::string(300, 'b') + "\n");
}

TEST(ChunkTemplates, SendAllOfTheChunkWhateverElseIsSent) {
  const Tokenizer& tokenizer = catalog().tokenizer_for("text-embedding-3-small");
  for (const char* rule : {"tokens:16,8", "recursive:32,16", "markdown:32,16"}) {
    const Vectorizer v = vectorizer(rule, "{title} › {headings}: {chunk}");
    const std::size_t size = parse_chunk_rule(rule)->size;
    for (const std::string& text : texts()) {
      if (text.empty()) continue;
      for (const Chunk& chunk :
           chunks_of(v, "A title of some eight or nine tokens" + std::string(1, kValueEnd) + text)) {
        EXPECT_THAT(chunk.sent, testing::EndsWith(": " + chunk.text));
        EXPECT_LE(tokenizer.count(chunk.sent), size) << rule;
      }
    }
  }
}

TEST(ChunkTemplates, CutAValueForTheChunksThatHaveNoRoomForItAlone) {
  const std::string title(24, 't');
  const std::string heading = "# " + std::string(100, 'h') + "\n\n";
  const std::vector<Chunk> chunks =
      chunks_of(vectorizer("markdown:64", "{title} {headings}\n{chunk}", "unknown-model"),
                title + kValueEnd + heading + std::string(60, 'x') + "\n\n# Short\n\n" +
                    std::string(60, 'y') + "\n\n" + std::string(30, 'z') + "\n");
  EXPECT_THAT(chunks.back().sent, testing::StartsWith(title))
      << "long headings before it are no reason to cut the title";
}

TEST(ChunkTemplates, LeaveRoomForTheChunkWhateverTheContext) {
  const std::string title(5000, 't');
  const std::vector<Chunk> chunks =
      chunks_of(vectorizer("recursive:32", "{title}\n{chunk}"),
                title + kValueEnd + "The text itself, which is rather short. It has two sentences.");
  EXPECT_EQ(joined(chunks), "The text itself, which is rather short. It has two sentences.");
  for (const Chunk& chunk : chunks)
    EXPECT_LE(catalog().tokenizer_for("text-embedding-3-small").count(chunk.sent), 32u);
}

TEST(ChunkTemplates, LeaveOptionalPartsOut) {
  const std::string form = "{?title}Title: {title}\n{/}{?headings}{headings}\n{/}{chunk}";
  const auto sent = [&](const std::string& text) {
    return chunks_of(vectorizer("markdown:100", form), text).front().sent;
  };
  EXPECT_EQ(sent(std::string("On tea") + kValueEnd + "Pour it."), "Title: On tea\nPour it.");
  EXPECT_EQ(sent(std::string(" ") + kValueEnd + "Pour it."), "Pour it.");
}

TEST(ChunkTemplates, ThatMakeNoSenseAreRefused) {
  EXPECT_FALSE(parse_chunk_template("{headings}"));
  EXPECT_FALSE(parse_chunk_template("{chunk}{chunk}"));
  EXPECT_FALSE(parse_chunk_template("{?title}{chunk}{/}"));
  EXPECT_FALSE(parse_chunk_template("{?chunk}{title}{/}{chunk}"));
  EXPECT_EQ(parse_chunk_template("")->values(), std::vector<Template::Value>{});
  EXPECT_EQ(parse_chunk_template("{title} › {headings}\n{chunk}{meta->lang}")->values(),
            (std::vector<Template::Value>{{"title", {}}, {"meta", {"lang"}}}));
  const Tokenizer& tokenizer = catalog().tokenizer_for("text-embedding-3-small");
  const auto wordy =
      parse_chunk_template("This is a rather long preface to what is only a short chunk: {chunk}");
  EXPECT_FALSE(check_chunk_size(*parse_chunk_rule("tokens:32"), *wordy, tokenizer));
  EXPECT_TRUE(check_chunk_size(*parse_chunk_rule("tokens:400"), *wordy, tokenizer));
}

}  // namespace
}  // namespace embedd
