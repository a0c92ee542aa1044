#include "cli/commands.h"

namespace embedd::cli {

Result<int> worker(Context& context, const WorkerArguments& arguments) {
  return context.wiring.run_worker(context, arguments);
}

}  // namespace embedd::cli
