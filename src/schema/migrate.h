/// Brings the schema `embedd` to what this binary needs: applies the embedded migrations/*.sql in order.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "embedded/migrations.h"
#include "pg/connection.h"

namespace embedd::schema {

struct Migrated {
  std::vector<std::string> applied;  ///< file names applied by this call; empty if nothing was to do
  int version = 0;                   ///< the schema's version now
};

/// Safe to call from many processes at once and any number of times. If everything is applied already, it
/// only reads, so a role that owns nothing will do. Errors: misconfigured with what to do (PostgreSQL older
/// than 14, pgvector missing or older than 0.5, no privilege to create, an applied file that differs from
/// this binary's, a schema newer than this binary or from before the first release), or the connection's.
Result<Migrated> migrate(pg::Connection& db, std::span<const embedded::File> files = embedded::migrations());

/// Errors: misconfigured, saying what to do, if the schema is not there, older than this binary needs, or
/// from before the first release. A role that may not read its version is not stopped here.
Result<void> require_schema(pg::Connection& db);

/// The version of the newest embedded migration.
int newest_migration();

}  // namespace embedd::schema
