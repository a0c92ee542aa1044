#include <fmt/format.h>

#include "app/text_search.h"
#include "base/json.h"
#include "base/readable.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace embedd::cli {

Result<int> vectorizer_text_search(Context& context, const TextSearchArguments& arguments) {
  const auto made =
      TRY(app::set_text_search(context.config, arguments.name, arguments.configuration, arguments.build));
  if (context.json) {
    JsonWriter json;
    json.object().key("name").value(arguments.name).key("text_search").value(made.configuration);
    json.key("index").value(made.index).key("built").value(made.built).end();
    print(json.str() + "\n");
    return kDone;
  }
  const std::string name = printable(arguments.name);
  if (made.configuration.empty()) {
    print(fmt::format("{} is searched by vectors only\n", name));
    return kDone;
  }
  print(fmt::format("{} is searched by words too, with the configuration {}\n", name, made.configuration));
  if (!made.built) print_note("no index was built; this statement makes one: " + made.index);
  return kDone;
}

}  // namespace embedd::cli
