/// A template, and with it names and constants of any bytes: parsing must not crash, and all SQL that is made
/// of it must have the same skeleton as that of a harmless template, its names and literals being what was
/// written.

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "pg/quoting.h"
#include "queue/statements.h"
#include "schema/sql_text.h"
#include "schema/triggers.h"
#include "sql_skeleton.h"
#include "text/template.h"

namespace embedd {
namespace {

using Parts = std::vector<Template::Part>;

/// `keys`: those met so far, for different ones must stay different.
void make_harmless(Parts& parts, const std::vector<std::string>& columns,
                   std::map<std::string, std::string>& keys) {
  for (Template::Part& part : parts) {
    if (part.kind == Template::Part::Kind::constant) part.text = "x";
    const auto at = std::ranges::find(columns, part.value.column) - columns.begin();
    part.value.column = "c" + std::to_string(at + 1);
    for (std::string& key : part.value.keys)
      key = keys.emplace(key, "k" + std::to_string(keys.size() + 1)).first->second;
    make_harmless(part.parts, columns, keys);
  }
}

/// The same with every constant `x`, the keys k1, k2, … and the columns c1, c2, … in place of what they were.
Template harmless(const Template& text) {
  Template out = text;
  std::map<std::string, std::string> keys;
  make_harmless(out.parts, text.columns(), keys);
  return out;
}

void collect_constants(const Parts& parts, std::vector<std::string>& out) {
  for (const Template::Part& part : parts) {
    if (part.kind == Template::Part::Kind::constant) out.push_back(part.text);
    collect_constants(part.parts, out);
  }
}

SqlSkeleton skeleton_of(const std::string& sql) {
  auto skeleton = sql_skeleton(sql);
  CHECK(skeleton.has_value(), "not SQL that should be made: {}", sql);
  return std::move(*skeleton);
}

/// `sql` against what a harmless template makes. `names`: from each harmless name or constant to what stands
/// for it.
void compare(const std::string& sql, const std::string& plain,
             const std::map<std::string, std::string>& names) {
  const SqlSkeleton found = skeleton_of(sql), expected = skeleton_of(plain);
  CHECK(found.shape == expected.shape, "\n{}\nis not built like\n{}", sql, plain);
  CHECK(found.identifiers.size() == expected.identifiers.size(), "{} names", found.identifiers.size());
  for (std::size_t i = 0; i < found.identifiers.size(); ++i) {
    const auto named = names.find(expected.identifiers[i]);
    CHECK(found.identifiers[i] == (named == names.end() ? expected.identifiers[i] : named->second),
          "name {}: {}", i, found.identifiers[i]);
  }
}

/// Constants are literals, each as it was written, in order; and nothing else differs.
void compare_text(const Template& text, const std::map<std::string, std::string>& names) {
  const std::string sql = schema::compile_text(text);
  compare(sql, schema::compile_text(harmless(text)), names);
  std::vector<std::string> constants;
  collect_constants(text.parts, constants);
  const std::vector<std::string> literals = skeleton_of(sql).literals;
  auto next = constants.begin();  // they stand twice: whole, then cut
  std::size_t rounds = 0;
  for (const std::string& literal : literals) {
    if (constants.empty() || literal != *next) continue;
    if (++next == constants.end()) {
      next = constants.begin();
      ++rounds;
    }
  }
  CHECK(constants.empty() || rounds >= 2, "constants lost in {}", sql);
}

schema::CapturePlan plan_of(const Template& text, bool by_row, bool stores) {
  schema::CapturePlan plan;
  plan.id = 7;
  plan.key_columns = {text.columns().front()};
  plan.key_types = {"text"};
  plan.key_collations = {"pg_catalog.\"C\""};
  plan.source = pg::quote_qualified(text.columns().back(), text.columns().front());
  plan.by_row = by_row;
  plan.read = text.columns();
  plan.key_own_types = {"pg_catalog.text"};
  plan.key_json_sql = schema::compile_key_json(plan.key_columns, plan.key_types);
  plan.destination = text.columns().back();
  plan.destination_type = plan.destination_base_type = plan.vector_type = "public.vector";
  if (stores)
    plan.store = schema::CapturePlan::Store{.schema = text.columns().back(),
                                            .table = plan.source,
                                            .type = "public.vector(3)",
                                            .key_types = {"text"}};
  return plan;
}

/// Bodies of functions are literals of SQL, which is looked at in its turn.
void compare_capture(const Template& text, const std::map<std::string, std::string>& names, bool by_row,
                     bool stores) {
  const auto made = schema::capture_ddl(plan_of(text, by_row, stores));
  const auto plain = schema::capture_ddl(plan_of(harmless(text), by_row, stores));
  CHECK(made.size() == plain.size(), "{} statements", made.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    compare(made[i], plain[i], names);
    const auto bodies = skeleton_of(made[i]).literals, plain_bodies = skeleton_of(plain[i]).literals;
    CHECK(bodies.size() == plain_bodies.size(), "{} literals", bodies.size());
    if (!made[i].starts_with("CREATE FUNCTION")) continue;
    CHECK(!bodies.empty(), "no body");  // after what settings it has
    compare(bodies.back(), plain_bodies.back(), names);
  }
}

queue::Definition definition_of(const Template& text, bool stores) {
  queue::Definition definition;
  definition.vectorizer.id = 7;
  definition.source = pg::quote_qualified(text.columns().back(), text.columns().front());
  definition.key_columns = {text.columns().front()};
  definition.key_types = {"text"};
  definition.key_json_sql = schema::compile_key_json(definition.key_columns, definition.key_types);
  definition.text_sql = schema::compile_text(text);
  definition.types_sql = "true";
  definition.destination_column = text.columns().back();
  definition.destination_type = "public.halfvec";
  definition.vector_type = "public.vector";
  definition.model_id_column = text.columns().front();
  if (stores) definition.store = queue::Definition::Store{.table = definition.source, .chunks = 8};
  return definition;
}

void compare_queue(const Template& text, const std::map<std::string, std::string>& names, bool stores) {
  const queue::QueueStatements made(definition_of(text, stores)),
      plain(definition_of(harmless(text), stores));
  using Statements = queue::QueueStatements;
  for (const auto statement :
       {&Statements::claim, &Statements::complete, &Statements::clear, &Statements::drop,
        &Statements::reschedule, &Statements::extend, &Statements::discard, &Statements::stage,
        &Statements::begin_walk, &Statements::walk_page_first, &Statements::walk_page})
    compare((made.*statement).sql(), (plain.*statement).sql(), names);
}

void run(std::string_view in) {
  const auto text = parse_template(in);
  if (!text) {
    CHECK(text.error().kind == ErrorKind::invalid_argument && !text.error().message.empty(), "no reason");
    return;
  }
  const std::vector<std::string> columns = text->columns();
  CHECK(!columns.empty(), "no column");
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < columns.size(); ++i) names["c" + std::to_string(i + 1)] = columns[i];
  compare_text(*text, names);
  if (columns.size() > 20) return;
  // What follows takes a hundred times as long: each input goes through one part of it.
  switch (in.size() % 16) {
    case 0: return compare_capture(*text, names, false, false);
    case 1: return compare_capture(*text, names, true, false);
    case 2: return compare_queue(*text, names, false);
    case 3: return compare_capture(*text, names, false, true);
    case 4: return compare_capture(*text, names, true, true);
    case 5: return compare_queue(*text, names, true);
    default: return;
  }
}

}  // namespace
}  // namespace embedd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  embedd::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
