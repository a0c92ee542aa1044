/// What a declaration reads of a row, against the table that it is declared on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/source_table.h"
#include "text/chunker.h"
#include "text/template.h"

namespace embedd::schema {

/// Parses a template. Error invalid_argument, with what to write or run instead: the notation is wrong, a
/// column does not exist, its text depends on the session, or a column with a key has no keys.
Result<Template> template_over(const SourceTable& source, std::string_view text);

/// The same for a chunk template, where `{a->b}` is always a key.
Result<ChunkTemplate> chunk_template_over(const SourceTable& source, std::string_view text);

/// Refuses columns whose changes no trigger sees. `reader` begins the message: "the template".
Result<void> check_not_virtual(const SourceTable& source, const std::vector<std::string>& names,
                               std::string_view reader);

}  // namespace embedd::schema
