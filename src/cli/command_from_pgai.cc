#include <fmt/format.h>

#include <algorithm>

#include "app/from_pgai.h"
#include "base/json.h"
#include "base/readable.h"
#include "cli/commands.h"
#include "cli/existing.h"
#include "cli/notes.h"
#include "cli/output.h"

namespace embedd::cli {
namespace {

using Outcome = app::FromPgai::Outcome;

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::planned: return "planned";
    case Outcome::created: return "taken over";
    case Outcome::there: return "taken over before";
    case Outcome::no_match: return "left to pgai";
    case Outcome::failed: break;
  }
  return "failed";
}

Colour colour_of(Outcome outcome) {
  if (outcome == Outcome::failed) return Colour::red;
  return outcome == Outcome::no_match ? Colour::yellow : Colour::green;
}

std::string vectorizer_of(const app::FromPgai& plan) {
  return plan.pgai.taken_over_by.value_or(plan.outcome == Outcome::no_match ? "" : plan.spec.name);
}

bool declares(const app::FromPgai& plan) {
  return plan.outcome != Outcome::no_match && plan.outcome != Outcome::there;
}

void write_json(JsonWriter& json, const app::FromPgai& plan) {
  json.object().key("pgai").value(plan.pgai.name).key("outcome").value(name_of(plan.outcome));
  if (const std::string name = vectorizer_of(plan); !name.empty()) json.key("vectorizer").value(name);
  if (declares(plan)) {
    json.key("table").value(plan.spec.table);
    if (plan.spec.store)
      json.key("store")
          .value(*plan.spec.store)
          .key("chunk")
          .value(plan.spec.chunk)
          .key("chunk_template")
          .value(plan.spec.chunk_template);
    else
      json.key("column").value(plan.spec.column);
    json.key("text")
        .value(plan.spec.text)
        .key("endpoint")
        .value(plan.spec.endpoint)
        .key("model")
        .value(plan.spec.model);
  }
  json.key("waiting_rows").value(plan.pgai.waiting_rows).key("removed").value(plan.removed);
  if (plan.created) write_existing(json, plan.created->existing);
  json.key("notes").array();
  for (const std::string& note : plan.notes) json.value(note);
  json.end();
  if (!plan.obstacle.empty()) json.key("obstacle").value(plan.obstacle);
  json.end();
}

std::string shown(const app::FromPgai& plan) {
  std::string out = fmt::format("{}: {}{}\n", paint(Colour::bold, printable(plan.pgai.name)),
                                paint(colour_of(plan.outcome), name_of(plan.outcome)),
                                plan.removed ? ", removed from pgai" : "");
  const auto line = [&out](std::string_view name, std::string_view text) {
    out += fmt::format("  {:<16}{}\n", name, printable(text));
  };
  if (!plan.obstacle.empty()) line("because", plan.obstacle);
  if (const std::string name = vectorizer_of(plan); !name.empty()) line("vectorizer", name);
  if (!declares(plan)) return out;
  line("table", plan.spec.table);
  if (plan.spec.store) {
    line("store", *plan.spec.store);
    if (!plan.pgai.view.empty()) line("view", plan.pgai.view + ", which stays as it is");
    line("chunk", plan.spec.chunk);
    if (!plan.spec.chunk_template.empty()) line("chunk template", plan.spec.chunk_template);
  } else {
    line("column", plan.spec.column);
  }
  line("text", plan.spec.text);
  line("endpoint", plan.spec.endpoint);
  line("model", plan.spec.model);
  line("to embed", fmt::format("what waits or failed in pgai, {} rows, and what it never saw",
                               human_count(plan.pgai.waiting_rows)));
  if (plan.outcome == Outcome::planned && !plan.pgai.disabled)
    line("enabled",
         fmt::format("add --remove, or disable it first: SELECT ai.disable_vectorizer_schedule({})",
                     plan.pgai.id));
  if (plan.created)
    line("kept",
         fmt::format("{} rows, whose vectors are trusted", human_count(plan.created->existing.adopted)));
  for (const std::string& note : plan.notes) line("note", note);
  return out;
}

}  // namespace

Result<int> from_pgai(Context& context, const app::FromPgaiRequest& request) {
  const auto plans = TRY(app::take_over_from_pgai(context.config, request));
  if (context.json) {
    JsonWriter json;
    json.array();
    for (const app::FromPgai& plan : plans) write_json(json, plan);
    print(json.end().str() + "\n");
  } else {
    for (const app::FromPgai& plan : plans) print(shown(plan));
  }
  if (plans.empty()) print_note("pgai has no vectorizers here; those of embedd: embedd vectorizer list");
  const auto created = std::ranges::find(plans, Outcome::created, &app::FromPgai::outcome);
  for (const app::FromPgai& plan : plans) {
    if (!plan.created) continue;
    for (const std::string& note : plan.created->notes) print_note("note: " + printable(note));
    note_endpoint(context.config, plan.spec.endpoint);
  }
  if (created != plans.end()) note_next_steps(*created->created);
  return std::ranges::any_of(plans, [](const auto& plan) { return plan.outcome == Outcome::failed; })
             ? kFailed
             : kDone;
}

}  // namespace embedd::cli
