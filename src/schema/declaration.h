/// Checks a spec against the table that it names, before anything is changed.
#pragma once

#include <string>

#include "schema/filter.h"
#include "schema/source_table.h"
#include "schema/triggers.h"
#include "schema/vectorizers.h"
#include "text/template.h"

namespace embedd::schema {

/// A spec that was found valid: every name exists, every default is filled in.
struct Declaration {
  SourceTable source;
  Template text;
  std::vector<Template::Value> context;  ///< of a store's chunk template
  std::vector<std::string> key;
  std::optional<RowExpression> filter;
  const SourceColumn* destination = nullptr;  ///< points into `source`; null if there is a store
  std::optional<CapturePlan::Store> store;
  int dimensions = 0;  ///< the column's; if it takes any number, those of its vectors or of the model
  bool send_dimensions = false;
  bool rows_only = false;          ///< see CapturePlan
  std::vector<std::string> notes;  ///< accepted, but worth knowing

  Declaration() = default;
  Declaration(Declaration&&) = default;  // moving the columns' vector keeps its elements in place
  Declaration& operator=(Declaration&&) = default;
  Declaration(const Declaration&) = delete;
  Declaration& operator=(const Declaration&) = delete;
};

/// Checks a spec as far as that is possible without a database.
Result<void> check_words(const VectorizerSpec& spec);

/// Must run inside a transaction (it makes temporary objects). Errors: invalid_argument or misconfigured,
/// with what to do next.
Result<Declaration> check_declaration(pg::Connection& db, const VectorizerSpec& spec);

}  // namespace embedd::schema
