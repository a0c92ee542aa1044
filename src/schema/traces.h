/// The first user's tables: `traces init` creates them, or adopts an existing `traces` table without altering
/// it.
///
/// `--full` declares three vectorizers, one for each vector of the table: `traces` for the whole trace,
/// `traces_solution` for solutions of kLeastSolution characters or more, `traces_context` for fingerprints.
#pragma once

#include <string>
#include <vector>

#include "core/models.h"
#include "pg/connection.h"
#include "schema/adoption.h"

namespace embedd::schema {

/// The name of the vectorizer that searches of traces use.
inline constexpr const char* kTracesVectorizer = "traces";
/// Characters of the shortest solution that has a vector of its own.
inline constexpr int kLeastSolution = 20;

struct TracesOptions {
  std::string schema;  ///< empty: that of an existing `traces`, else the first of the search path
  std::string endpoint = "openai";
  std::string model = std::string(kDefaultModel);
  bool endpoint_asked = false, model_asked = false;  ///< an existing vectorizer must agree
  bool adopt_only = false;                           ///< create no table
  bool full = false;                                 ///< all three vectors
};

struct TracesReport {
  bool created_table = false;  ///< false: an existing table was adopted
  bool created_index = false;
  struct Vector {
    bool created = false;  ///< false: the vectorizer was there
    VectorizerInfo vectorizer;
    ExistingVectors existing;  ///< of a vectorizer that this call created
  };
  std::vector<Vector> vectors;  ///< `traces` first
};

/// Creates what is missing of: traces, tags, trace_tags, the HNSW index (new tables only), the vectorizer
/// `traces` and, if `full`, trace_relationships and the other two vectorizers. Idempotent. Errors:
/// invalid_argument, naming the columns that an existing table lacks, or the endpoint or model in which an
/// existing vectorizer differs from the request; misconfigured if there is no table and none may be created;
/// and create_vectorizer's.
Result<TracesReport> init_traces(pg::Connection& db, const TracesOptions& options = {});

/// Whether an unqualified name would find a table `traces`.
Result<bool> has_traces(pg::Connection& db);

}  // namespace embedd::schema
