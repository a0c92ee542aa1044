/// The first user's tables: `traces init` makes them, or adopts a `traces` table that is there, unaltered.
#pragma once

#include <string>

#include "pg/connection.h"
#include "pg/vectorizers.h"

namespace embedd::pg {

struct TracesOptions {
  std::string schema;  ///< empty: where `traces` is found, else the first schema of the search path
  std::string endpoint = "openai";
  std::string model = "text-embedding-3-small";
};

struct TracesReport {
  bool created_table = false;  ///< false: an existing table was adopted
  bool created_index = false;
  bool created_vectorizer = false;
  VectorizerInfo vectorizer;
};

/// Makes what is missing of: traces, tags, trace_tags, the HNSW index (new tables only) and the vectorizer
/// `traces`. Idempotent. Errors: invalid_argument naming the columns that an existing table lacks, and
/// create_vectorizer's.
Result<TracesReport> init_traces(Connection& db, const TracesOptions& options = {});

}  // namespace embedd::pg
