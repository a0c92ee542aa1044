#include "provider/key_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/temp_dir.h"

namespace embedd {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class KeyFileTest : public testing::Test {
 protected:
  std::string problem_with(const std::string& path) {
    const auto secret = provider::read_secret_file(path);
    return secret ? "none" : secret.error().message;
  }

  test::TempDir dir_;
};

TEST_F(KeyFileTest, TheContentIsTrimmed) {
  dir_.write("key", " \n sk-1 \r\n\n");
  EXPECT_EQ(provider::read_secret_file(dir_.file("key"))->reveal(), "sk-1");
}

TEST_F(KeyFileTest, AnythingButASmallFileOfOneLineIsRefused) {
  dir_.write("empty", "\n");
  dir_.write("lines", "sk-1\nsk-2");
  dir_.write("large", std::string(65 * kKiB, 'x'));
  ASSERT_EQ(mkfifo(dir_.file("pipe").c_str(), 0600), 0);
  EXPECT_THAT(problem_with(dir_.file("none")), HasSubstr("No such file"));
  EXPECT_THAT(problem_with(dir_.file("empty")), HasSubstr("empty"));
  EXPECT_THAT(problem_with(dir_.file("lines")),
              AllOf(HasSubstr("more than one line"), Not(HasSubstr("sk-"))));
  EXPECT_THAT(problem_with(dir_.file("large")), HasSubstr("64 KiB"));
  EXPECT_THAT(problem_with(dir_.file("pipe")), HasSubstr("not a regular file"));
  EXPECT_THAT(problem_with(dir_.file("")), HasSubstr("not a regular file"));
}

TEST_F(KeyFileTest, AKeyMayAppearAndRotateWhileRunning) {
  provider::KeyFile file(dir_.file("key"));
  file.refresh();
  EXPECT_TRUE(file.key().empty());
  EXPECT_EQ(file.version(), 0U);

  dir_.write("key", "sk-1\n");
  file.refresh();
  EXPECT_EQ(file.key().reveal(), "sk-1");
  EXPECT_EQ(file.version(), 1U);
  file.refresh();
  EXPECT_EQ(file.version(), 1U);

  dir_.write("key", "sk-2\n");
  file.refresh();
  EXPECT_EQ(file.key().reveal(), "sk-2");
  EXPECT_EQ(file.version(), 2U);
}

TEST_F(KeyFileTest, TheKeyAndTheOneBeforeItAreHidden) {
  const std::string echo = "invalid key: f1rst/0815/alpha and s3cond-4711-omega";
  {
    provider::KeyFile file(dir_.file("key"));
    dir_.write("key", "f1rst/0815/alpha\n");
    file.refresh();
    EXPECT_EQ(redact(echo), "invalid key: *** and s3cond-4711-omega") << "not known yet";
    dir_.write("key", "s3cond-4711-omega\n");
    file.refresh();
    EXPECT_EQ(redact(echo), "invalid key: *** and ***") << "a request with the first may be on its way";
  }
  EXPECT_EQ(redact(echo), echo);
}

TEST_F(KeyFileTest, TheLastGoodKeyStaysWhileTheFileIsMissingOrBroken) {
  dir_.write("key", "sk-1\n");
  provider::KeyFile file(dir_.file("key"));
  file.refresh();
  unlink(dir_.file("key").c_str());
  file.refresh();
  EXPECT_EQ(file.key().reveal(), "sk-1");
  for (const std::string& broken : {std::string(), std::string("sk-1\nsk-2"), std::string(65 * kKiB, 'x')}) {
    dir_.write("key", broken);
    file.refresh();
    EXPECT_EQ(file.key().reveal(), "sk-1");
  }
  unlink(dir_.file("key").c_str());
  ASSERT_EQ(mkfifo(dir_.file("key").c_str(), 0600), 0);
  file.refresh();
  EXPECT_EQ(file.key().reveal(), "sk-1");
  EXPECT_EQ(file.version(), 1U);
  unlink(dir_.file("key").c_str());
  dir_.write("key", "sk-3\n");
  file.refresh();
  EXPECT_EQ(file.key().reveal(), "sk-3");
}

}  // namespace
}  // namespace embedd
