/// Declares a vectorizer, and finds out what a person should know before counting on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.h"
#include "base/error.h"
#include "schema/adoption.h"
#include "schema/vectorizers.h"

namespace embedd::app {

/// Vectors that the column held before.
struct Existing : schema::ExistingVectors {
  double usd_anew = 0;  ///< to embed anew what nothing proves, at list price; 0: free, or no price is known

  /// Known from a vectorizer that was dropped.
  [[nodiscard]] std::int64_t recalled_rows() const { return recalled.empty() ? 0 : proven - adopted; }
  /// Embedded anew, because nothing proves their vector.
  [[nodiscard]] std::int64_t unproven_rows() const { return rows - proven; }
};

/// `existing` with its cost, estimated from its sample.
Existing priced(const Settings& settings, const schema::VectorizerInfo& vectorizer,
                const schema::ExistingVectors& existing);

struct LackingRole {
  std::string role;
  std::vector<std::string> grants;  ///< statements for the owner to run
};

struct CreatedVectorizer {
  schema::VectorizerInfo info;
  Existing existing;
  std::vector<std::string> remarks;  ///< worth knowing before counting on it
  std::vector<LackingRole> lacking;  ///< workers' roles that cannot work on it
  bool worker_running = false;
};

/// `spec.model`: empty means the endpoint's default. Once the vectorizer is declared, whatever else cannot be
/// found out is left out. Errors: schema::declare_vectorizer()'s, and invalid_argument if the endpoint has no
/// default model.
Result<CreatedVectorizer> create_vectorizer(const Settings& settings, schema::VectorizerSpec spec);

}  // namespace embedd::app
