/// What a search has to know of a vectorizer: its declaration, the columns of its table, the text
/// configuration, and which index there is.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "pg/connection.h"
#include "schema/pgvector.h"
#include "schema/source_table.h"
#include "schema/vectorizers.h"
#include "text/template.h"

namespace embedd::search {

struct Subject {
  schema::VectorizerInfo info;
  schema::Pgvector pgvector;
  schema::SourceTable source;
  Template text;
  std::string text_search;    ///< the text configuration, such as pg_catalog.english; empty: none
  bool vector_index = false;  ///< the vectors have an index that finds most of the nearest, not all
  int probes = 10;            ///< lists of an ivfflat index that a search reads
  bool utf8 = true;           ///< the database's encoding

  /// SQL for the tsvector of what the text leg searches: the text columns of the template, or a store's
  /// chunk. `alias` is that of the table, with its dot, or empty. Empty if the template has no text column.
  [[nodiscard]] std::string document_sql(std::string_view alias) const;
  /// The same for a row that has no chunks in the store yet.
  [[nodiscard]] std::string row_document_sql(std::string_view alias) const;
  /// SQL for the text of row_document_sql().
  [[nodiscard]] std::string row_text_sql(std::string_view alias) const;
  /// The table that has the vectors, quoted.
  [[nodiscard]] std::string vectors_table() const;
};

/// Reads the catalogue, in one transaction. Null if there is no vectorizer of that name. Errors: the
/// connection's, or invalid_argument if the source is gone.
Result<std::shared_ptr<const Subject>> load_subject(pg::Connection& db, std::string_view name);

}  // namespace embedd::search
