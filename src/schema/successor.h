/// Successors: another model, text or rule for a vectorizer that is in use. A successor is an ordinary
/// vectorizer with a destination of its own. It is filled beside the living vectorizer, which is in use,
/// and replaces it in one short transaction (schema/switch.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schema/adoption.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// What is to change. An absent field stays as it is.
struct Change {
  std::optional<std::string> text, where, endpoint, model, chunk, chunk_template, long_texts, index;
  std::optional<int> dimensions;
  std::optional<bool> send_dimensions, halfvec;
};

/// The names of the vectorizer that is to replace `name`, and of the one that `name` has replaced.
std::string next_name(std::string_view name);
std::string old_name(std::string_view name);

/// The spec that declares the successor of `living`. Its column or table has the name of `living`'s,
/// followed by _next. If only the model changes, the dimensions are the model's. Errors:
/// invalid_argument, with what to do next.
Result<VectorizerSpec> successor_spec(const VectorizerInfo& living, const Change& change);

/// Adds the column, unless it exists already, and declares the successor. Errors: invalid_argument (`spec`
/// cannot be declared; there is a successor already), misconfigured (privileges, with the statement that the
/// table's owner is to run), conflict (the table stayed busy).
Result<Declared> begin_change(pg::Connection& db, const VectorizerInfo& living, const VectorizerSpec& spec);

/// Drops the successor with its vectors. Errors: invalid_argument (there is none), and drop_vectorizer()'s.
Result<VectorizerInfo> cancel_change(pg::Connection& db, std::string_view name);

/// Drops the vectorizer that `name` replaced, with its vectors. Errors: those of cancel_change().
Result<VectorizerInfo> prune_vectorizer(pg::Connection& db, std::string_view name);

}  // namespace embedd::schema
