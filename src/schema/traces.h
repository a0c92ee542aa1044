/// The first user's tables: `traces init` creates them, or adopts an existing `traces` table without altering
/// it.
#pragma once

#include <string>

#include "core/models.h"
#include "pg/connection.h"
#include "schema/adoption.h"

namespace embedd::schema {

struct TracesOptions {
  std::string schema;  ///< empty: that of an existing `traces`, else the first of the search path
  std::string endpoint = "openai";
  std::string model = std::string(kDefaultModel);
  bool endpoint_asked = false, model_asked = false;  ///< an existing vectorizer must agree
  bool adopt_only = false;                           ///< create no table
};

struct TracesReport {
  bool created_table = false;  ///< false: an existing table was adopted
  bool created_index = false;
  bool created_vectorizer = false;
  VectorizerInfo vectorizer;
  ExistingVectors existing;  ///< of a table that this call adopted
};

/// Creates what is missing of: traces, tags, trace_tags, the HNSW index (new tables only) and the vectorizer
/// `traces`. Idempotent. Errors: invalid_argument, naming the columns that an existing table lacks, or the
/// endpoint or model in which an existing vectorizer differs from the request; misconfigured if there is no
/// table and none may be created; and create_vectorizer's.
Result<TracesReport> init_traces(pg::Connection& db, const TracesOptions& options = {});

/// Whether an unqualified name would find a table `traces`.
Result<bool> has_traces(pg::Connection& db);

}  // namespace embedd::schema
