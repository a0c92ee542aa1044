#include "cli/notes.h"

#include <fmt/format.h>

#include "app/endpoints.h"
#include "cli/output.h"
#include "core/models.h"

namespace embedd::cli {

void note_local_model() { print_note(fmt::format("note: {} finds shared words, not meaning", kLocalModel)); }

void note_endpoint(const app::Settings& settings, std::string_view endpoint) {
  const provider::EndpointConfig* found = settings.endpoint(endpoint);
  if (found == nullptr)
    print_note(
        fmt::format("note: no endpoint is called '{}' here; a worker needs [endpoint.{}] in embedd.toml",
                    endpoint, endpoint));
  else if (found->dialect == provider::Dialect::local)
    note_local_model();
  else if (!app::has_key(*found))
    print_note(fmt::format("note: rows wait until there is a key: {}", app::how_to_set_key(*found)));
}

namespace {

void note_existing_chunks(const app::Existing& existing) {
  if (existing.adopted > 0)
    print_note(fmt::format("the chunks of {} rows are kept as they are", human_count(existing.adopted)));
  if (existing.unproven_rows() > 0)
    print_note(fmt::format(
        "note: {} rows have chunks that are not trusted, because some are missing, are of another model, or "
        "are known to be old: these rows are embedded again",
        human_count(existing.unproven_rows())));
}

}  // namespace

void note_existing(const schema::VectorizerInfo& info, const app::Existing& existing) {
  if (!existing.counted)
    return print_note(
        "note: existing vectors could not be counted; rows whose vector nothing proves are embedded again");
  if (!existing.recalled.empty())
    print_note(fmt::format("{} vectors are known from the dropped vectorizer {}: they cost nothing",
                           human_count(existing.recalled_rows()), printable(existing.recalled)));
  if (info.stores()) return note_existing_chunks(existing);
  if (existing.adopted > 0)
    print_note(fmt::format("{} vectors are adopted as they are", human_count(existing.adopted)));
  if (existing.unproven_rows() == 0) return;
  print_note(fmt::format(
      "note: {} rows have a vector already, but nothing proves that {} made it from their text: they are "
      "embedded again{}. To keep vectors instead: embedd vectorizer drop {}, and create it with "
      "--adopt-existing",
      human_count(existing.unproven_rows()), printable(info.model),
      existing.usd_anew.value_or(0) > 0 ? fmt::format(", for about USD {:.4f}", *existing.usd_anew) : "",
      printable(info.name)));
}

void note_next_steps(const app::CreatedVectorizer& created) {
  for (const auto& [role, grants] : created.lacking) {
    std::string note =
        fmt::format("the worker's role {0} lacks privileges; run, as their owner: embedd grants {0} --apply",
                    printable(role));
    for (const std::string& grant : grants) note += fmt::format("\n  {};", printable(grant));
    print_note(note);
  }
  print_note(created.worker_running
                 ? std::string("next: the running worker embeds its rows; embedd status shows the progress")
                 : fmt::format("next: embedd worker, which stays up, or embedd worker --once; what it takes: "
                               "embedd estimate {}",
                               printable(created.info.name)));
}

}  // namespace embedd::cli
