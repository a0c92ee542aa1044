/// Reads and writes the tables [[vectorizer]]: declarations, with the keys of `embedd vectorizer create`.
///
///   [[vectorizer]]
///   name = "articles"
///   table = "articles"
///   text = '{title}\n{body}'
///   column = "embedding"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "schema/declared.h"

namespace embedd::cli {

/// Errors: invalid_argument with file and line; an unknown key names the nearest.
Result<std::vector<schema::DeclaredVectorizer>> parse_toml_vectorizers(std::string_view text,
                                                                       const std::string& file);

/// The tables that parse_toml_vectorizers() reads. Keys with their default values are left out.
std::string to_toml(const std::vector<schema::DeclaredVectorizer>& vectorizers);

}  // namespace embedd::cli
