#include "core/table_lock.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

TEST(TableLock, IsWhatTheLastAnswerSays) {
  TableLock lock;
  EXPECT_FALSE(lock.locked());
  lock.failed({ErrorKind::conflict, "lock timeout"});
  EXPECT_TRUE(lock.locked());
  lock.failed({ErrorKind::unavailable, "the connection was lost"});
  EXPECT_FALSE(lock.locked());
  lock.failed({ErrorKind::conflict, "lock timeout"});
  lock.succeeded();
  EXPECT_FALSE(lock.locked());
}

}  // namespace
}  // namespace embedd
