// embedd migrate: idempotent, safe from many processes at once, and clear about what it refuses.
#include "schema/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <thread>
#include <vector>

#include "support/private_postgres.h"
#include "support/target.h"

namespace embedd::schema {
namespace {

using test::run;
using test::TestDatabase;
using test::value_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// Releases to come, one after the other.
constexpr embedded::File kFiles[] = {{"0001_first.sql", "CREATE TABLE embedd.first (n int)"},
                                     {"0002_second.sql", "ALTER TABLE embedd.first ADD COLUMN m int"},
                                     {"0003_third.sql", "ALTER TABLE embedd.first ADD COLUMN o int"}};
constexpr std::span<const embedded::File> all_files() { return kFiles; }

TEST(Migrate, AppliesWhatALaterReleaseAdds) {
  TestDatabase database;
  pg::Connection db = database.connect_embedd();
  auto first = migrate(db, all_files().first(1));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_THAT(first->applied, ElementsAre("0001_first.sql"));
  auto later = migrate(db, all_files());
  ASSERT_TRUE(later) << later.error().message;
  EXPECT_THAT(later->applied, ElementsAre("0002_second.sql", "0003_third.sql"));
  EXPECT_EQ(later->version, 3);
  EXPECT_EQ(value_of(db, "SELECT count(*) FROM embedd.first WHERE o > m"), "0");
  auto again = migrate(db, all_files());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->applied.empty());
}

TEST(Migrate, AppliesAllOrNothing) {
  TestDatabase database;
  pg::Connection db = database.connect_embedd();
  const embedded::File broken[] = {kFiles[0], {"0002_broken.sql", "SELECT no_such_column"}};
  auto failed = migrate(db, broken);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("0002_broken.sql"));
  EXPECT_EQ(value_of(db, "SELECT to_regnamespace('embedd') IS NULL"), "t");
}

TEST(Migrate, AppliesOnceAndThenOnlyReads) {
  TestDatabase database;
  pg::Connection db = database.connect_embedd();
  auto first = migrate(db);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->applied.size(), static_cast<std::size_t>(newest_migration()));
  EXPECT_EQ(first->version, newest_migration());
  auto second = migrate(db);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE(second->applied.empty());
}

TEST(Migrate, TwentyAtOnceApplyEachFileOnce) {
  TestDatabase database;
  std::vector<std::string> failures(20);
  std::vector<std::size_t> applied(20);
  std::vector<std::thread> starts;
  for (std::size_t i = 0; i < 20; ++i)
    starts.emplace_back([&, i] {
      pg::Connection db = database.connect_embedd();
      auto done = migrate(db);
      if (done)
        applied[i] = done->applied.size();
      else
        failures[i] = done.error().message;
    });
  for (std::thread& start : starts) start.join();
  std::size_t total = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(failures[i], "");
    total += applied[i];
  }
  EXPECT_EQ(total, static_cast<std::size_t>(newest_migration()));
}

TEST(Migrate, RefusesAChangedFile) {
  TestDatabase database;
  pg::Connection db = database.connect_embedd();
  ASSERT_TRUE(migrate(db));
  run(db, "UPDATE embedd.migrations SET checksum = 'other' WHERE version = 1");
  auto again = migrate(db);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(again.error().message, HasSubstr("another content"));
}

TEST(Migrate, RefusesALaterFileThatChanged) {
  TestDatabase database;
  pg::Connection db = database.connect_embedd();
  ASSERT_TRUE(migrate(db, all_files()));
  const embedded::File changed[] = {kFiles[0], {"0002_second.sql", "SELECT 1"}, kFiles[2]};
  auto again = migrate(db, changed);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(again.error().message, AllOf(HasSubstr("migration 2 "), HasSubstr("another content")));
}

TEST(Migrate, SaysWhatToDoWithASchemaFromBeforeTheFirstRelease) {
  TestDatabase database;
  pg::Connection db = database.connect_embedd();
  ASSERT_TRUE(migrate(db));
  run(db, "UPDATE embedd.migrations SET name = '0001_embedd.sql', checksum = 'other' WHERE version = 1");
  run(db,
      "INSERT INTO embedd.migrations (version, name, checksum) VALUES (1 + $1::int, '0002_queue_state.sql', "
      "'x')",
      {std::to_string(newest_migration())});
  const auto refuses = [](const auto& refused) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
    EXPECT_THAT(refused.error().message,
                AllOf(HasSubstr("before embedd's first release"), HasSubstr("DROP SCHEMA embedd CASCADE"),
                      HasSubstr("embedd migrate")));
  };
  refuses(migrate(db));
  refuses(require_schema(db));
  run(db, "DROP SCHEMA embedd CASCADE");
  EXPECT_TRUE(migrate(db));
  EXPECT_TRUE(require_schema(db));
}

TEST(Migrate, RefusesANewerSchema) {
  TestDatabase database;
  pg::Connection db = database.connect_embedd();
  ASSERT_TRUE(migrate(db));
  run(db, "INSERT INTO embedd.migrations (version, name, checksum) VALUES (9999, '9999_future.sql', 'x')");
  auto again = migrate(db);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(again.error().message, HasSubstr("upgrade embedd"));
}

TEST(Migrate, ARoleThatMayOnlyReadIsEnoughOnceApplied) {
  EMBEDD_NOT_ON(pgbouncer, "needs settings of its session");
  TestDatabase database;
  pg::Connection db = database.connect();
  ASSERT_TRUE(migrate(db));
  const std::string role = database.name() + "_reader";
  run(db, "CREATE ROLE " + role);
  run(db, "GRANT USAGE ON SCHEMA embedd TO " + role);
  run(db, "GRANT SELECT ON ALL TABLES IN SCHEMA embedd TO " + role);
  run(db, "SET ROLE " + role);
  run(db, "SET default_transaction_read_only = on");
  auto again = migrate(db);
  EXPECT_TRUE(again) << again.error().message;
  run(db, "RESET ROLE");
  run(db, "SET default_transaction_read_only = off");
  run(db, "DROP OWNED BY " + role);
  run(db, "DROP ROLE " + role);
}

TEST(Migrate, SaysWhoShouldRunItWhenTheRoleMayNotCreate) {
  EMBEDD_NOT_ON(pgbouncer, "needs settings of its session");
  TestDatabase database;
  pg::Connection db = database.connect();
  run(db, "CREATE EXTENSION vector");
  const std::string role = database.name() + "_nobody";
  run(db, "CREATE ROLE " + role);
  run(db, "SET ROLE " + role);
  auto refused = migrate(db);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(refused.error().message, HasSubstr("as the role that owns the schema"));
  run(db, "RESET ROLE");
  run(db, "DROP ROLE " + role);
}

TEST(Migrate, UsesASchemaAndExtensionThatAnAdministratorMade) {
  EMBEDD_NOT_ON(pgbouncer, "needs settings of its session");
  TestDatabase database;
  pg::Connection db = database.connect();
  const std::string role = database.name() + "_owner";
  run(db, "CREATE ROLE " + role);
  run(db, "CREATE SCHEMA ext");
  run(db, "CREATE EXTENSION vector SCHEMA ext");
  run(db, "CREATE SCHEMA embedd AUTHORIZATION " + role);
  run(db, "SET ROLE " + role);
  auto done = migrate(db);
  EXPECT_TRUE(done) << done.error().message;
  run(db, "RESET ROLE");
  EXPECT_EQ(value_of(db, "SELECT count(*) FROM embedd.vectorizers"), "0");
  run(db, "DROP OWNED BY " + role + " CASCADE");
  run(db, "DROP ROLE " + role);
}

}  // namespace
}  // namespace embedd::schema
