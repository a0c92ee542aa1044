/// Tables and vectorizers that many integration tests start from.
#pragma once

#include <string>

#include "schema/vectorizers.h"
#include "support/private_postgres.h"
#include "support/target.h"

namespace embedd::test {

/// A migrated database with the table notes(id bigint, title, body, other int, embedding vector(3), model_id,
/// model_version), and connections to it: a user's, and embedd's own.
struct NotesDatabase {
  NotesDatabase();
  /// Declares `notes` over '{title}\n{body}', after `change` had its way with the spec.
  schema::VectorizerInfo vectorize(void (*change)(schema::VectorizerSpec&) = nullptr);

  TestDatabase database;
  pg::Connection db;
  pg::Connection embedd_db;  ///< the way that the target prescribes: no session to rely on
};

/// A spec over the table notes, endpoint `local`, model local-hashing-v1.
schema::VectorizerSpec notes_spec();

/// Creates it, or throws with the error's message.
schema::VectorizerInfo create(pg::Connection& db, const schema::VectorizerSpec& spec);

/// The keys of the vectorizer's jobs, in order, such as "1 2 5"; of a composite key "1/a 2/b".
std::string jobs(pg::Connection& db, const schema::VectorizerInfo& vectorizer);

}  // namespace embedd::test
