#include "text/catalog.h"

#include <gtest/gtest.h>

#include <string>

#include "text/cl100k_embedded.h"

namespace embedd {
namespace {

TEST(Tokenizers, CountOpenAiModelsExactlyAndOthersByBytes) {
  if (cl100k_embedded().empty()) GTEST_SKIP() << "built without the vocabulary";
  const Tokenizers tokenizers;
  for (const char* model : {"text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002",
                            "openai/text-embedding-3-small"}) {
    EXPECT_TRUE(tokenizers.exact_for(model)) << model;
    EXPECT_EQ(tokenizers.tokenizer_for(model).count("hello world"), 2U) << model;
  }
  for (const char* model : {"nomic-embed-text", "local-hashing-v1", "", "text-embedding-3-small-of-ours"}) {
    EXPECT_FALSE(tokenizers.exact_for(model)) << model;
    EXPECT_EQ(tokenizers.tokenizer_for(model).count("hello world"), 11U) << model;
  }
}

TEST(Tokenizers, FallBackToBytesWhenTheFileIsUnusable) {
  for (const char* file : {"/nonexistent/cl100k_base.tiktoken", "/dev/null", "/"}) {
    const Tokenizers tokenizers(file);
    EXPECT_FALSE(tokenizers.exact_for("text-embedding-3-small"));
    EXPECT_EQ(tokenizers.tokenizer_for("text-embedding-3-small").count("hello world"), 11U);
  }
}

TEST(ByteBound, CutsBetweenCharactersAndBeforeWhatIsNotUtf8) {
  const ByteBound bytes;
  EXPECT_EQ(bytes.count("aé"), 3U);
  EXPECT_EQ(bytes.prefix_bytes("aé€", 2), 1U);
  EXPECT_EQ(bytes.prefix_bytes("aé€", 3), 3U);
  EXPECT_EQ(bytes.prefix_bytes("aé€", 100), 6U);
  EXPECT_EQ(bytes.prefix_bytes("a\xFF€", 100), 1U);
  EXPECT_EQ(bytes.prefix_bytes("", 100), 0U);
}

}  // namespace
}  // namespace embedd
