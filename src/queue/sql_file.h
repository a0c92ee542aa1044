/// The queue's SQL, as it lies in src/queue/sql.
#pragma once

#include <string_view>

namespace embedd::queue {

/// What src/queue/sql/`name`.sql holds beside comments. Lives as long as the program.
std::string_view sql_file(std::string_view name);

}  // namespace embedd::queue
