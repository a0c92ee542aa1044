/// The first user's tables: `traces init` makes them, or adopts a `traces` table that is there, unaltered.
#pragma once

#include <string>

#include "core/models.h"
#include "pg/connection.h"
#include "schema/adoption.h"

namespace embedd::schema {

struct TracesOptions {
  std::string schema;  ///< empty: where `traces` is found, else the first schema of the search path
  std::string endpoint = "openai";
  std::string model = std::string(kDefaultModel);
  bool endpoint_asked = false, model_asked = false;  ///< a vectorizer that is there must agree
  bool adopt_only = false;                           ///< make no table
};

struct TracesReport {
  bool created_table = false;  ///< false: an existing table was adopted
  bool created_index = false;
  bool created_vectorizer = false;
  VectorizerInfo vectorizer;
  ExistingVectors existing;  ///< of a table that was adopted just now
};

/// Makes what is missing of: traces, tags, trace_tags, the HNSW index (new tables only) and the vectorizer
/// `traces`. Idempotent. Errors: invalid_argument naming the columns that an existing table lacks, or the
/// endpoint or model of an existing vectorizer that was asked to have another; misconfigured if there is no
/// table and none may be made; and create_vectorizer's.
Result<TracesReport> init_traces(pg::Connection& db, const TracesOptions& options = {});

/// Whether there is a table `traces` that an unqualified name would find.
Result<bool> has_traces(pg::Connection& db);

}  // namespace embedd::schema
