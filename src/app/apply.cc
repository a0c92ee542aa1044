#include "app/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "app/budget.h"
#include "app/database.h"
#include "app/endpoints.h"
#include "app/text_search.h"
#include "app/vectorizer.h"
#include "schema/score.h"
#include "schema/successor.h"
#include "schema/vector_index.h"
#include "schema/vectorizers.h"

namespace embedd::app {
namespace {

using Kind = PlannedChange::Kind;

constexpr std::string_view kInPlace[] = {
    "paused", "score", "text_search", "index", "budget_usd_per_day", "budget_tokens_per_day"};
constexpr std::string_view kBySuccessor[] = {"text",  "where",          "endpoint", "model",     "dimensions",
                                             "chunk", "chunk_template", "halfvec",  "long_texts"};

template <std::size_t n>
bool is_one(const std::string_view (&words)[n], const std::string& key) {
  return std::ranges::find(words, key) != std::end(words);
}

/// As a shell reads it.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string change_command(const schema::VectorizerSpec& wanted, const std::vector<std::string>& keys) {
  std::string out = "embedd vectorizer change " + wanted.name;
  for (const std::string& key : keys) {
    if (key == "text") out += " --text " + quoted(wanted.text);
    if (key == "where") out += " --where " + quoted(wanted.where);
    if (key == "endpoint") out += " --endpoint " + quoted(wanted.endpoint);
    if (key == "model") out += " --model " + quoted(wanted.model);
    if (key == "dimensions") out += fmt::format(" --dimensions {}", wanted.dimensions);
    if (key == "send_dimensions") out += " --send-dimensions";
    if (key == "chunk") out += " --chunk " + quoted(wanted.chunk);
    if (key == "chunk_template") out += " --chunk-template " + quoted(wanted.chunk_template);
    if (key == "halfvec") out += wanted.halfvec ? " --halfvec" : " --no-halfvec";
    if (key == "long_texts") out += " --long-texts " + wanted.long_texts;
  }
  return out;
}

/// The keys of one kind are one change each.
void add_differences(std::vector<PlannedChange>& plan, const schema::DeclaredVectorizer& wanted,
                     const std::vector<std::string>& keys, bool has_successor) {
  const std::string& name = wanted.spec.name;
  PlannedChange set{.kind = Kind::set, .vectorizer = name, .wanted = wanted};
  PlannedChange successor{.kind = Kind::successor, .vectorizer = name, .wanted = wanted};
  PlannedChange replace{.kind = Kind::replace, .vectorizer = name, .wanted = wanted};
  for (const std::string& key : keys) {
    // A successor can be told to send the dimensions, not to leave them out.
    const bool sends = key == "send_dimensions" && wanted.spec.send_dimensions.value_or(false);
    (is_one(kInPlace, key)                ? set
     : sends || is_one(kBySuccessor, key) ? successor
                                          : replace)
        .keys.push_back(key);
  }
  successor.command = has_successor ? fmt::format("embedd vectorizer switch {}", name)
                                    : change_command(wanted.spec, successor.keys);
  replace.command = fmt::format("embedd vectorizer drop {}", name);
  // What is to be replaced needs no successor.
  if (!replace.keys.empty())
    plan.push_back(std::move(replace));
  else if (!successor.keys.empty())
    plan.push_back(std::move(successor));
  if (!set.keys.empty()) plan.push_back(std::move(set));
}

Result<void> check_all(const Settings& settings, std::vector<schema::DeclaredVectorizer>& all) {
  std::vector<std::string_view> names;
  for (schema::DeclaredVectorizer& each : all) {
    if (std::ranges::find(names, each.spec.name) != names.end())
      return fail(ErrorKind::invalid_argument,
                  fmt::format("the vectorizer {} is declared twice", each.spec.name));
    names.push_back(each.spec.name);
    each.spec.paused = each.paused;
    each.spec.model = TRY(model_for(settings, each.spec.endpoint, each.spec.model));
    if (auto checked = check_spec(settings, each.spec); !checked)
      return fail(checked.error().kind,
                  fmt::format("the vectorizer {}: {}", each.spec.name, checked.error().message));
  }
  return {};
}

Result<void> create(const Settings& settings, const schema::DeclaredVectorizer& wanted) {
  const schema::VectorizerSpec& spec = wanted.spec;
  TRY(create_vectorizer(settings, spec));
  if (!wanted.text_search.empty()) TRY(set_text_search(settings, spec.name, wanted.text_search, true));
  return {};
}

Result<void> set(const Settings& settings, const PlannedChange& change) {
  const schema::DeclaredVectorizer& wanted = change.wanted;
  const std::string& name = change.vectorizer;
  auto db = TRY(connect(settings));
  for (const std::string& key : change.keys) {
    if (key == "paused")
      TRY((wanted.paused ? schema::pause_vectorizer : schema::resume_vectorizer)(db, name));
    else if (key == "score")
      TRY(schema::set_score(db, name, wanted.spec.score.empty() ? "none" : wanted.spec.score));
    else if (key == "budget_usd_per_day")
      TRY(change_budget(settings, name, {.usd = wanted.budget.usd, .tokens = {}}));
    else if (key == "budget_tokens_per_day")
      TRY(change_budget(settings, name, {.usd = {}, .tokens = wanted.budget.tokens}));
    else if (key == "index")
      TRY(schema::choose_index(db, name, wanted.spec.index));
    else if (key == "text_search")
      TRY(set_text_search(settings, name, wanted.text_search.empty() ? "none" : wanted.text_search, true));
  }
  return {};
}

Result<void> carry_out(const Settings& settings, const PlannedChange& change) {
  switch (change.kind) {
    case Kind::create: return create(settings, change.wanted);
    case Kind::set: return set(settings, change);
    case Kind::drop: {
      auto db = TRY(connect(settings));
      return schema::drop_vectorizer(db, change.vectorizer);
    }
    case Kind::successor:
    case Kind::replace:
    case Kind::leave: break;
  }
  return {};
}

}  // namespace

Result<std::vector<PlannedChange>> plan_apply(const Settings& settings, const ApplyRequest& request) {
  std::vector<schema::DeclaredVectorizer> wanted = request.wanted;
  TRY(check_all(settings, wanted));
  auto db = TRY(connect(settings));
  const auto there = TRY(schema::list_declared(db));
  const auto all = TRY(schema::list_vectorizers(db));
  std::vector<PlannedChange> plan;
  for (const schema::DeclaredVectorizer& each : wanted) {
    const auto found = std::ranges::find(there, each.spec.name, [](const auto& t) { return t.spec.name; });
    if (found == there.end()) {
      plan.push_back({.kind = Kind::create, .vectorizer = each.spec.name, .wanted = each});
      continue;
    }
    const bool has_successor =
        std::ranges::find(all, each.spec.name, &schema::VectorizerInfo::next_of) != all.end();
    add_differences(plan, each, TRY(schema::differences(db, each, *found)), has_successor);
  }
  if (request.prune && wanted.empty() && !there.empty())
    return fail(ErrorKind::invalid_argument,
                fmt::format("the file declares no vectorizer, so --prune would drop all {}: is it the right "
                            "file? To drop one: "
                            "embedd vectorizer drop NAME; to drop all: embedd uninstall",
                            there.size()));
  for (const schema::DeclaredVectorizer& each : there) {
    const std::string& name = each.spec.name;
    if (std::ranges::find(wanted, name, [](const auto& w) { return w.spec.name; }) != wanted.end()) continue;
    const auto change = std::ranges::find_if(
        all, [&](const schema::VectorizerInfo& v) { return v.next_of == name || v.old_of == name; });
    if (request.prune && change != all.end())
      return fail(ErrorKind::conflict, fmt::format("{0} is not in the file, but {1} belongs to a change of "
                                                   "{0}: drop {1} first: embedd vectorizer drop {1}",
                                                   name, change->name));
    plan.push_back({.kind = request.prune ? Kind::drop : Kind::leave, .vectorizer = name});
  }
  return plan;
}

Result<void> apply(const Settings& settings, const std::vector<PlannedChange>& plan) {
  for (const PlannedChange& change : plan)
    if (auto done = carry_out(settings, change); !done)
      return fail(done.error().kind, fmt::format("{}: {}", change.vectorizer, done.error().message));
  return {};
}

}  // namespace embedd::app
