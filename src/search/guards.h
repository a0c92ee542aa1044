/// Guards of a search's statement: they refuse it if what is known of the vectorizer is outdated.
#pragma once

#include <set>
#include <string>

#include "search/subject.h"

namespace embedd::search {

/// A CTE `known`, whose column `ok` is true, or which fails the statement as a missing table would: the
/// table's name may now belong to the vectors of another model than the query's, or the score has changed.
std::string known_sql(const Subject& subject);

/// A CTE `types`, which fails the statement, before any of it runs, if a column that the statement reads has
/// another type by now: to compare, cast or print a value of that type may call a function of the type's
/// owner. `names`: columns of the source, besides the vectorizer's own. `score`: the score is computed.
std::string types_sql(const Subject& subject, const std::set<std::string>& names, bool score);

}  // namespace embedd::search
