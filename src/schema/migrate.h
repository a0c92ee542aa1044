/// Migrates the schema `embedd` to the version that this binary needs: applies the embedded migrations/*.sql
/// in order.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "embedded/migrations.h"
#include "pg/connection.h"

namespace embedd::schema {

struct Migrated {
  std::vector<std::string> applied;  ///< files that this call applied; empty if none
  int version = 0;                   ///< the schema's version after the call
};

/// Many processes may call this at once, and any number of times. If all files are applied already, it only
/// reads, so a role that owns nothing may call it. Errors: misconfigured with what to do (PostgreSQL older
/// than 14, pgvector missing or older than 0.5, no privilege to create, an applied file that differs from
/// this binary's, a schema newer than this binary or from before the first release), or the connection's.
Result<Migrated> migrate(pg::Connection& db, std::span<const embedded::File> files = embedded::migrations());

/// Errors: misconfigured, with what to do, if the schema does not exist, is older than this binary needs, or
/// is from before the first release. A role that may not read the schema's version gets no error here.
Result<void> require_schema(pg::Connection& db);

/// The version of the newest embedded migration.
int newest_migration();

}  // namespace embedd::schema
