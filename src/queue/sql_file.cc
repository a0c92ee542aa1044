#include "queue/sql_file.h"

#include <functional>
#include <map>
#include <string>

#include "base/check.h"
#include "embedded/queue_sql.h"
#include "pg/form.h"

namespace embedd::queue {

std::string_view sql_file(std::string_view name) {
  static const auto files = [] {
    std::map<std::string, std::string, std::less<>> out;
    for (const embedded::File& file : embedded::queue_sql())
      out.emplace(file.name.substr(0, file.name.rfind('.')), pg::without_comments(file.content));
    return out;
  }();
  const auto found = files.find(name);
  CHECK(found != files.end(), "no file {}.sql", name);
  return found->second;
}

}  // namespace embedd::queue
