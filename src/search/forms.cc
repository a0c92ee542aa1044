#include "search/forms.h"

#include "embedded/search_sql.h"

namespace embedd::search {

const pg::Forms& forms() {
  static const pg::Forms forms(embedded::search_sql());
  return forms;
}

}  // namespace embedd::search
