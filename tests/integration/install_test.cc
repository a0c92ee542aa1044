// What `cmake --install` leaves behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/paths.h"
#include "support/process.h"
#include "support/target.h"
#include "support/temp_dir.h"

namespace embedd::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Install, LeavesABinaryWithoutDebugInformationAndAUnitThatNamesIt) {
  EMBEDD_NOT_ON(pgbouncer, "needs no database");
  EMBEDD_NOT_ON(least_privilege, "needs no database");
  const TempDir folder;
  const fs::path prefix = folder.file("prefix");
  const fs::path build = fs::path(embedd_binary()).parent_path().parent_path();
  const Finished installed = run_process(
      {.arguments = {"--install", build.string(), "--prefix", prefix.string()}, .program = "/usr/bin/cmake"});
  ASSERT_EQ(installed.code, 0) << installed.error_output;

  const fs::path binary = prefix / "bin/embedd";
  const Finished version = run_process({.arguments = {"--version"}, .program = binary.string()});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.output, HasSubstr("embedd "));
  if (contents(embedd_binary()).contains(".debug_info")) {
    EXPECT_FALSE(contents(binary).contains(".debug_info"));
  }
  EXPECT_THAT(contents(prefix / "lib/systemd/system/embedd.service"),
              HasSubstr("ExecStart=" + binary.string() + " worker\n"));
}

}  // namespace
}  // namespace embedd::test
