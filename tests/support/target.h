/// The way to the database that a test run takes. The integration suite runs once for each.
///
///   direct            straight, as the owner
///   pgbouncer         embedd reaches the database only through PgBouncer in transaction mode
///   least_privilege   workers connect as a role that owns nothing, with what `embedd grants` says
///   row_triggers      every vectorizer is created with --capture rows
///
/// Users' own sessions, and what a test looks at, always go straight.
#pragma once

#include <gtest/gtest.h>

namespace embedd::test {

enum class Target { direct, pgbouncer, least_privilege, row_triggers };

/// EMBEDD_TEST_TARGET; direct if that is not set. Throws if it is none of the four.
Target target();

}  // namespace embedd::test

/// For a test that makes no sense there, with the reason.
#define EMBEDD_NOT_ON(target_name, why) \
  if (::embedd::test::target() == ::embedd::test::Target::target_name) GTEST_SKIP() << why
