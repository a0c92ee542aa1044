/// A change of mind: another model, text or rule for a vectorizer that is in use. A successor, which is an
/// ordinary vectorizer with a destination of its own, is filled beside the living one, and takes its place in
/// one short transaction (schema/switch.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schema/adoption.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// What is to be another. The rest stays as it is.
struct Change {
  std::optional<std::string> text, where, endpoint, model, chunk, chunk_template, long_texts, index;
  std::optional<int> dimensions;
  std::optional<bool> send_dimensions, halfvec;
};

/// How the vectorizer that is to replace `name`, and the one that `name` has replaced, are called.
std::string next_name(std::string_view name);
std::string old_name(std::string_view name);

/// What declares the successor of `living`: into the column or table that is called like the living one's,
/// followed by _next. Where a change of the model says nothing of dimensions, they are the model's. Errors:
/// invalid_argument, with what to do next.
Result<VectorizerSpec> successor_spec(const VectorizerInfo& living, const Change& change);

/// Adds the column, unless it exists already, and declares the successor. Errors: invalid_argument (`spec`
/// cannot be declared; there is a successor already), misconfigured (privileges, with the statement that the
/// table's owner is to run), conflict (the table stayed busy).
Result<Declared> begin_change(pg::Connection& db, const VectorizerInfo& living, const VectorizerSpec& spec);

/// Drops the successor with its vectors. Errors: invalid_argument (there is none), and drop_vectorizer()'s.
Result<VectorizerInfo> cancel_change(pg::Connection& db, std::string_view name);

/// Drops what `name` replaced, with its vectors. Errors: as above.
Result<VectorizerInfo> prune_vectorizer(pg::Connection& db, std::string_view name);

}  // namespace embedd::schema
