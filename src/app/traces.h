/// Creates or adopts the first user's tables, and declares their vectorizer.
#pragma once

#include <string>

#include "app/settings.h"
#include "app/vectorizer.h"
#include "base/error.h"
#include "schema/traces.h"

namespace embedd::app {

struct TracesRequest {
  std::string endpoint, model;  ///< empty: those of the existing vectorizer, or the defaults
  bool adopt_only = false;      ///< create no table
};

struct TracesReport {
  bool created_table = false;  ///< false: an existing table was adopted
  bool created_index = false;
  bool created_vectorizer = false;
  schema::VectorizerInfo vectorizer;
  Existing existing;  ///< of a table that this call adopted
};

/// Migrates, then creates or adopts the tables. Errors: schema::migrate()'s, schema::init_traces()'s, the
/// connection's.
Result<TracesReport> init_traces(const Settings& settings, const TracesRequest& request);

/// Declares the vectorizer `traces` of an existing table, in a schema that is current. False if the table
/// does not exist yet. Errors: schema::init_traces()'s, the connection's.
Result<bool> adopt_traces(const Settings& settings);

}  // namespace embedd::app
