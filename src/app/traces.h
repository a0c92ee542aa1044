/// Creates or adopts the first user's tables, and declares their vectorizers.
#pragma once

#include <string>
#include <vector>

#include "app/settings.h"
#include "app/vectorizer.h"
#include "base/error.h"
#include "schema/traces.h"

namespace embedd::app {

struct TracesRequest {
  std::string endpoint, model;  ///< empty: those of the existing vectorizer, or the defaults
  bool adopt_only = false;      ///< create no table
  bool full = false;            ///< all three vectors
};

struct TracesReport {
  bool created_table = false;  ///< false: an existing table was adopted
  bool created_index = false;
  struct Vector {
    bool created = false;  ///< false: the vectorizer was there
    schema::VectorizerInfo vectorizer;
    Existing existing;  ///< of a vectorizer that this call created
  };
  std::vector<Vector> vectors;  ///< the vectorizer `traces` first
};

/// Migrates, then creates or adopts the tables. Errors: schema::migrate()'s, schema::init_traces()'s, the
/// connection's.
Result<TracesReport> init_traces(const Settings& settings, const TracesRequest& request);

/// Declares the vectorizer `traces` of an existing table, in a schema that is current. False if the table
/// does not exist yet. Errors: schema::init_traces()'s, the connection's.
Result<bool> adopt_traces(const Settings& settings);

}  // namespace embedd::app
