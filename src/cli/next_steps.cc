#include "cli/next_steps.h"

#include <fmt/format.h>

#include "cli/output.h"
#include "pg/declarer.h"
#include "pg/inspect.h"
#include "pg/vector_index.h"

namespace embedd::cli {

namespace {

void note_grants(pg::Connection& db) {
  const auto roles = pg::worker_roles(db);
  if (!roles) return;
  for (const std::string& role : *roles) {
    const auto lacking = pg::missing_grants(db, role);
    if (!lacking || lacking->empty()) continue;
    std::string note =
        fmt::format("the worker's role {0} lacks privileges; run, as their owner: embedd grants {0} --apply",
                    printable(role));
    for (const std::string& grant : *lacking) note += fmt::format("\n  {};", printable(grant));
    print_note(note);
  }
}

}  // namespace

void note_next_steps(pg::Connection& db, const pg::VectorizerInfo& info) {
  note_grants(db);
  const auto backlog = pg::read_backlog(db, info);
  const bool running = backlog && backlog->worker_running;
  print_note(running
                 ? std::string("next: the running worker embeds it; embedd status shows how far it is")
                 : fmt::format("next: embedd worker, which stays up, or embedd worker --once; what it takes: "
                               "embedd estimate {}",
                               printable(info.name)));
}

}  // namespace embedd::cli
