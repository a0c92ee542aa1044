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
  std::string window;  ///< of a store, if asked for: the beginning of the row's text, to be cut again
};

/// At most `most` rows, or chunks of a store, that have a vector and do not wait for another one. Of a large
/// table, reads only a part. Error: the connection's.
Result<std::vector<SampledVector>> sample_vectors(pg::Connection& db,
                                                  const schema::VectorizerInfo& vectorizer, int most,
                                                  bool with_windows);

/// The same of rows, or of chunks with the same text, that have vectors of both vectorizers.
Result<std::vector<SampledVector>> sample_pairs(pg::Connection& db, const schema::VectorizerInfo& one,
                                                const schema::VectorizerInfo& other, int most);

}  // namespace embedd::search
