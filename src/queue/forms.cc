#include "queue/forms.h"

#include "embedded/queue_sql.h"

namespace embedd::queue {

const pg::Forms& forms() {
  static const pg::Forms forms(embedded::queue_sql());
  return forms;
}

}  // namespace embedd::queue
