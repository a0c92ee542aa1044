#include "cli/notes.h"

#include <fmt/format.h>

#include "app/endpoints.h"
#include "cli/output.h"

namespace embedd::cli {

void note_endpoint(const app::Settings& settings, std::string_view endpoint) {
  const EndpointConfig* found = settings.endpoint(endpoint);
  if (found == nullptr)
    print_note(
        fmt::format("note: no endpoint is called '{}' here; a worker needs [endpoint.{}] in embedd.toml",
                    endpoint, endpoint));
  else if (found->dialect == Dialect::local)
    print_note("note: local-hashing-v1 finds shared words, not meaning");
  else if (!app::has_key(*found))
    print_note(fmt::format("note: rows wait until there is a key: {}", app::how_to_set_key(*found)));
}

}  // namespace embedd::cli
