/// Random rows with their vectors, for comparing and verifying.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::search {

struct SampledVector {
  std::string key;    ///< JSON: {"id": 5}
  int chunk_seq = 0;  ///< of a store
  std::string text;   ///< the row's, or the chunk's
  std::vector<float> vector;
  std::vector<float> other;  ///< the other vectorizer's, if one was named
  bool window_is_all = false;
  std::string window;  ///< of a store, if asked for: the begin of the row's text, as it is cut
};

/// At most `most` rows, or chunks of a store, that have a vector and do not wait for another one. Not of all
/// parts of a large table. Error: the connection's.
Result<std::vector<SampledVector>> sample_vectors(pg::Connection& db,
                                                  const schema::VectorizerInfo& vectorizer, int most,
                                                  bool with_windows);

/// The same of rows, or chunks with the same text, that both have a vector for.
Result<std::vector<SampledVector>> sample_pairs(pg::Connection& db, const schema::VectorizerInfo& one,
                                                const schema::VectorizerInfo& other, int most);

}  // namespace embedd::search
