/// pgai's declarations of its vectorizers, in the schema `ai`. For pgai's versions up to 0.12.1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

struct PgaiCatalog {
  enum class State {
    absent,
    untrusted,  ///< this role may not read it, or reading it could run code of its owner's
    readable,
  };
  State state = State::absent;
  std::string owner;  ///< of ai.vectorizer
};

Result<PgaiCatalog> find_pgai(pg::Connection& db);

/// The name of an enabled vectorizer of pgai, other than the one with the id `except`, that writes the
/// column. The catalog must be readable.
Result<std::optional<std::string>> pgai_writer(pg::Connection& db, const std::string& schema,
                                               const std::string& table, const std::string& column,
                                               const std::string& except);

/// A vectorizer of pgai. A text is empty if the configuration does not set it.
struct PgaiVectorizer {
  std::string id, name;
  bool disabled = false;
  std::string source_schema, source_table;
  std::vector<std::string> key;
  std::string trigger_function;             ///< quoted, with its schema
  std::string queue, failed;                ///< quoted, with their schemas
  std::string destination;                  ///< table, column
  std::string target_schema, target_table;  ///< of a destination `table`
  std::string view;                         ///< the view of a destination `table`, for people
  std::string embedding_column;             ///< of a destination `column`
  std::string loading, loading_column;
  std::string loading_type;  ///< of that column: text, bytea
  std::string parsing;
  std::string chunking, chunk_size, chunk_overlap, separators, separators_are_regex;
  std::string formatting, format;
  std::string embedding, model, dimensions, base_url, api_key_name;
  std::string indexing;
  std::string scheduled_job;  ///< of TimescaleDB

  std::vector<std::string> waiting;  ///< of `queue` and `failed`, the tables that exist and are safe to read
  std::string queue_problem;         ///< why it is not known which rows pgai has embedded; empty: it is known
  std::int64_t waiting_rows = 0;     ///< rows that pgai has yet to embed, or could not embed
  std::optional<std::string> taken_over_by;  ///< embedd's vectorizer that has this destination
};

/// Every vectorizer of pgai, by id. Errors: invalid_argument if there is no pgai here, misconfigured if
/// its catalog is not readable.
Result<std::vector<PgaiVectorizer>> read_pgai(pg::Connection& db);

/// What a declaration needs to know to take over a vectorizer of pgai. `remove`: the declaration also drops
/// it, as ai.drop_vectorizer() would: its triggers, their function, its queues and its row in ai.vectorizer.
/// Chunks, vectors and view stay.
Predecessor predecessor_of(const PgaiVectorizer& pgai, bool remove);

/// Drops a vectorizer of pgai that was taken over before.
Result<void> remove_pgai(pg::Connection& db, const PgaiVectorizer& pgai);

}  // namespace embedd::schema
