/// The first user's tables, with their vectorizer.
#pragma once

#include <string>

#include "app/settings.h"
#include "app/vectorizer.h"
#include "base/error.h"
#include "schema/traces.h"

namespace embedd::app {

struct TracesRequest {
  std::string endpoint, model;  ///< empty: the defaults, or those of the vectorizer that is there
  bool adopt_only = false;      ///< make no table
};

struct TracesReport {
  bool created_table = false;  ///< false: an existing table was adopted
  bool created_index = false;
  bool created_vectorizer = false;
  schema::VectorizerInfo vectorizer;
  Existing existing;  ///< of a table that was adopted just now
};

/// Migrates, then makes or adopts them. Errors: schema::migrate()'s, schema::init_traces()'s, the
/// connection's.
Result<TracesReport> init_traces(const Settings& settings, const TracesRequest& request);

/// Declares the vectorizer `traces` of a table that is there already, in a schema that is current. False if
/// there is no such table yet. Errors: schema::init_traces()'s, the connection's.
Result<bool> adopt_traces(const Settings& settings);

}  // namespace embedd::app
