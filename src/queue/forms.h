/// The queue's SQL, as it lies in src/queue/sql.
#pragma once

#include "pg/form.h"

namespace embedd::queue {

const pg::Forms& forms();

}  // namespace embedd::queue
