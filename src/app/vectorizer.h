/// Declares a vectorizer, and finds out what a person should know before relying on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.h"
#include "base/error.h"
#include "schema/adoption.h"
#include "schema/vectorizers.h"

namespace embedd::app {

/// Vectors that the column had before the vectorizer was declared.
struct Existing : schema::ExistingVectors {
  std::optional<double> usd_anew;  ///< to embed unproven rows again; none: the price is unknown

  /// Rows whose vectors a dropped vectorizer had proven.
  [[nodiscard]] std::int64_t recalled_rows() const { return recalled.empty() ? 0 : proven - adopted; }
  /// Rows that are embedded again, because nothing proves their vector.
  [[nodiscard]] std::int64_t unproven_rows() const { return rows - proven; }
};

/// `existing` with the price, estimated from its sample.
Existing priced(const Settings& settings, const schema::VectorizerInfo& vectorizer,
                const schema::ExistingVectors& existing);

struct LackingRole {
  std::string role;
  std::vector<std::string> grants;  ///< statements for the owner to run
};

struct CreatedVectorizer {
  schema::VectorizerInfo info;
  Existing existing;
  std::vector<std::string> notes;    ///< facts to know before relying on the vectorizer
  std::vector<LackingRole> lacking;  ///< roles of workers that lack a privilege for it
  bool worker_running = false;
};

/// `spec.model`: empty means the endpoint's default. After the vectorizer is declared, facts that cannot be
/// found out are left out. Errors: schema::declare_vectorizer()'s, and invalid_argument if the endpoint has
/// no default model.
Result<CreatedVectorizer> create_vectorizer(const Settings& settings, schema::VectorizerSpec spec);

/// What can be said of a spec without a database: its words, and whether its chunks have room.
Result<void> check_spec(const Settings& settings, const schema::VectorizerSpec& spec);

/// What a person should know of a vectorizer that was just declared.
CreatedVectorizer describe_created(const Settings& settings, pg::Connection& db, schema::Declared declared);

}  // namespace embedd::app
