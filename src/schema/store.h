/// Stores: tables of chunks, each with a vector, beside the table that has the texts.
#pragma once

#include <string>

#include "schema/source_table.h"
#include "schema/triggers.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// The name of the vectorizer of a store's waiting chunks: `name`.chunks.
std::string chunks_name(std::string_view name);

/// The store that `--store` asks for: in the source's schema, unless the name has a schema. The table must
/// not exist, or, if it is to be adopted, must be a store. For a store that does not exist yet, the type
/// lacks the dimensions. Errors: invalid_argument, misconfigured, with what to do next.
Result<CapturePlan::Store> check_store(pg::Connection& db, const VectorizerSpec& spec,
                                       const SourceTable& source, const std::vector<std::string>& key);

/// Creates the view `name` (empty: TABLE_embedding) over the store and the rest of the source's columns.
/// Whoever reads the view needs privileges on both tables, and sees the rows that row-level security allows;
/// before PostgreSQL 15, those that it allows the view's owner. Must run inside the declaration's
/// transaction. Errors: invalid_argument, with what to do instead.
Result<void> create_view(pg::Connection& db, const std::string& name, const SourceTable& source,
                         const CapturePlan::Store& store, const std::vector<std::string>& key);

/// The spec of the vectorizer of the waiting chunks. It embeds the texts that are sent for chunks, and no
/// list shows it.
VectorizerSpec chunks_spec(const VectorizerSpec& spec, VectorizerId id, int dimensions);

}  // namespace embedd::schema
