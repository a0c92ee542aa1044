/// Migrates the schema `embedd` to the version that this binary needs.
#pragma once

#include "app/settings.h"
#include "base/error.h"
#include "schema/migrate.h"

namespace embedd::app {

/// Of several hosts, migrates the one that can be written to. Errors: schema::migrate()'s, the connection's.
Result<schema::Migrated> migrate(const Settings& settings);

}  // namespace embedd::app
