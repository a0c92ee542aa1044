/// The search layer's SQL, as it lies in src/search/sql.
#pragma once

#include "pg/form.h"

namespace embedd::search {

const pg::Forms& forms();

}  // namespace embedd::search
