#include <fmt/format.h>

#include "app/budget.h"
#include "base/json.h"
#include "cli/budget_text.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace embedd::cli {

Result<int> vectorizer_budget(Context& context, const BudgetArguments& arguments) {
  const auto report = TRY(app::change_budget(context.config, arguments.name, arguments.change));
  const schema::VectorizerInfo& info = report.vectorizer;
  if (context.json) {
    JsonWriter json;
    json.object().key("name").value(info.name);
    write_budget(json, info.budget);
    print(json.end().str() + "\n");
    return kDone;
  }
  print(fmt::format("{}: {}\n", printable(info.name), budget_text(info.budget)));
  return kDone;
}

}  // namespace embedd::cli
