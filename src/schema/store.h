/// Stores: tables of chunks, each with a vector, beside the table that the texts are in.
#pragma once

#include <string>

#include "schema/source_table.h"
#include "schema/triggers.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// How the vectorizer of a store's waiting chunks is called: `name`.chunks.
std::string chunks_name(std::string_view name);

/// What `--store` asks for: a table in the source's schema unless the name says otherwise. It must not exist
/// yet, or it is to be adopted and must be a store. Its type lacks the dimensions of a store that does not
/// exist yet. Errors: invalid_argument, misconfigured, with what to do next.
Result<CapturePlan::Store> check_store(pg::Connection& db, const VectorizerSpec& spec,
                                       const SourceTable& source, const std::vector<std::string>& key);

/// Creates the view `name` (empty: TABLE_embedding) over the store and the rest of the source's columns.
/// Whoever reads the view needs privileges on both tables, and sees the rows that row-level security allows;
/// before PostgreSQL 15, those that it allows the view's owner. Must run inside the declaration's
/// transaction. Errors: invalid_argument, with what to do instead.
Result<void> create_view(pg::Connection& db, const std::string& name, const SourceTable& source,
                         const CapturePlan::Store& store, const std::vector<std::string>& key);

/// What declares the vectorizer of the chunks that wait. It embeds what is sent of them, and nobody sees it
/// listed.
VectorizerSpec chunks_spec(const VectorizerSpec& spec, VectorizerId id, int dimensions);

}  // namespace embedd::schema
