#include "schema/switch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "pg/quoting.h"
#include "schema/capture_plan.h"
#include "schema/change_table.h"
#include "schema/dependents.h"
#include "schema/made.h"
#include "schema/score.h"
#include "schema/sql_text.h"
#include "schema/store.h"
#include "schema/successor.h"
#include "schema/vector_index.h"

namespace embedd::schema {
namespace {

/// Messages give exact counts up to this.
constexpr int kMostCounted = 1000;

template <typename... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorKind::invalid_argument, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
std::unexpected<Error> not_yet(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorKind::conflict, fmt::format(format, std::forward<Args>(args)...));
}

/// Two vectorizers that exchange their names.
struct Pair {
  VectorizerInfo living, coming;
  bool back = false;

  [[nodiscard]] std::string source() const {
    return pg::quote_qualified(living.source_schema, living.source_table);
  }
  /// The new names of the vectorizer and the vectors of before: docs.old, embedding_old.
  [[nodiscard]] std::string name_after() const {
    return back ? next_name(living.name) : old_name(living.name);
  }
  [[nodiscard]] std::string after(const std::string& name) const { return name + (back ? "_next" : "_old"); }
};

Result<Pair> find_pair(pg::Connection& db, std::string_view name, bool back) {
  Pair out{.living = TRY(find_vectorizer(db, name)), .coming = {}, .back = back};
  const std::string id = std::to_string(out.living.id);
  const auto rows =
      TRY(db.exec("SELECT (SELECT name FROM embedd.vectorizers WHERE next_of = $1), "
                  "(SELECT name FROM embedd.vectorizers WHERE old_of = $1)",
                  {id}));
  const bool has_next = !rows.is_null(0, 0), has_old = !rows.is_null(0, 1);
  if (back && !has_old) return wrong("{} replaced nothing that could be switched back to", name);
  if (!back && !has_next)
    return wrong("{} has no successor; make one with: embedd vectorizer change {}", name, name);
  if (back && has_next)
    return wrong("{} has a successor; give it up first: embedd vectorizer change {} --cancel", name, name);
  if (!back && has_old)
    return wrong("{} has replaced {} already, which is kept; drop that one first: embedd vectorizer prune {}",
                 name, rows.view(0, 1), name);
  out.coming = TRY(find_vectorizer(db, rows.text(0, back ? 1 : 0)));
  return out;
}

Result<void> check_indexes(pg::Connection& db, const Pair& pair) {
  const auto valid = [&](const VectorizerInfo& info) -> Result<bool> {
    for (const VectorIndex& index : TRY(vector_indexes(db, info)))
      if (index.valid) return true;
    return false;
  };
  if (!TRY(valid(pair.living)) || TRY(valid(pair.coming))) return {};
  return not_yet(
      "{} has no vector index, and {} has one: searches would read all rows. Build it with: embedd "
      "vectorizer reindex {} --index hnsw",
      pair.coming.name, pair.living.name, pair.coming.name);
}

/// Whether both vectorizers have the same text of each row, so that one index of words serves both.
bool share_texts(const Pair& pair) {
  return !pair.living.stores() && pair.living.text_template == pair.coming.text_template;
}

Result<void> check_text_index(pg::Connection& db, const Pair& pair) {
  const auto configured = TRY(
      db.exec("SELECT text_search FROM embedd.vectorizers WHERE id = $1", {std::to_string(pair.coming.id)}));
  if (configured.is_null(0, 0) || share_texts(pair) || TRY(find_text_index(db, pair.living)).empty() ||
      !TRY(find_text_index(db, pair.coming)).empty())
    return {};
  return not_yet(
      "{} has no index of its words, and {} has one: searches by words would read all rows. Build it with: "
      "embedd vectorizer text-search {} {}",
      pair.coming.name, pair.living.name, pair.coming.name, configured.view(0, 0));
}

/// If both vectorizers have the same texts, the index of words stays with the name.
Result<void> hand_text_index_on(pg::Connection& db, const Pair& pair) {
  if (!share_texts(pair)) return {};
  const std::string index = TRY(find_text_index(db, pair.living));
  if (index.empty() || !TRY(find_text_index(db, pair.coming)).empty()) return {};
  TRY(db.exec(
      fmt::format("ALTER INDEX {} RENAME TO {}", index, pg::quote_identifier(text_index(pair.coming.id)))));
  return {};
}

/// Rows that the living vectorizer has embedded or given up, and the coming one has not. At most
/// kMostCounted + 1.
Result<std::int64_t> count_missing(pg::Connection& db, const Pair& pair) {
  const auto walked =
      TRY(db.exec("SELECT walked_at IS NOT NULL, walk_skipped FROM embedd.vectorizers WHERE id = $1",
                  {std::to_string(pair.coming.id)}));
  if (!walked.flag(0, 0))
    return not_yet("{} has not seen all rows yet: embedd status says how far it is", pair.coming.name);
  if (walked.integer(0, 1) > 0)
    return not_yet("users hold {} rows that {} has not seen: it looks again within a minute",
                   walked.view(0, 1), pair.coming.name);
  const std::string same_key = pg::join_each(pair.coming.key_columns.size(), " AND ",
                                             [](std::size_t i) { return fmt::format("q.k{0} = o.k{0}", i); });
  const auto rows = TRY(db.exec(fmt::format(R"(
SELECT count(*) FROM (
  (SELECT FROM {0} q WHERE NOT EXISTS (SELECT FROM {1} o WHERE {2}) LIMIT {5})
  UNION ALL
  (SELECT FROM embedd.dead_letters q WHERE q.vectorizer_id = {3} AND NOT EXISTS (
     SELECT FROM embedd.dead_letters o WHERE o.vectorizer_id = {4} AND o.key = q.key) LIMIT {5})
  LIMIT {5}) x)",
                                            queue_table(pair.coming.id), queue_table(pair.living.id),
                                            same_key, pair.coming.id, pair.living.id, kMostCounted + 1)));
  return rows.integer(0, 0);
}

Result<void> run_all(pg::Connection& db, const std::vector<std::string>& statements) {
  for (const std::string& statement : statements) TRY(db.exec(statement));
  return {};
}

Result<void> rename_columns(pg::Connection& db, const Pair& pair) {
  const auto rename = [&](const std::string& from, const std::string& to) -> Result<void> {
    TRY(db.exec(fmt::format("ALTER TABLE {} RENAME COLUMN {} TO {}", pair.source(),
                            pg::quote_identifier(from), pg::quote_identifier(to))));
    return record_renamed(db, Made::Kind::column, pair.source(), from, to);
  };
  const auto swap = [&](const std::string& living, const std::string& coming) -> Result<void> {
    TRY(rename(living, pair.after(living)));
    TRY(rename(coming, living));
    return {};
  };
  TRY(swap(pair.living.destination_column, pair.coming.destination_column));
  if (pair.living.model_id_column && pair.coming.model_id_column)
    TRY(swap(*pair.living.model_id_column, *pair.coming.model_id_column));
  if (pair.living.model_version_column && pair.coming.model_version_column)
    TRY(swap(*pair.living.model_version_column, *pair.coming.model_version_column));
  return {};
}

Result<void> rename_stores(pg::Connection& db, const Pair& pair) {
  const auto rename = [&](const VectorizerInfo& info, const std::string& to) -> Result<void> {
    TRY(db.exec(fmt::format("ALTER TABLE {} RENAME TO {}",
                            pg::quote_qualified(info.store_schema, info.store_table),
                            pg::quote_identifier(to))));
    return record_renamed(db, Made::Kind::table, pg::quote_qualified(info.store_schema, to), info.store_table,
                          to);
  };
  TRY(rename(pair.living, pair.after(pair.living.store_table)));
  TRY(rename(pair.coming, pair.living.store_table));
  return {};
}

Result<void> lock_tables(pg::Connection& db, const Pair& pair) {
  std::string tables = pair.source();
  for (const VectorizerInfo* info : {&pair.living, &pair.coming})
    if (info->stores()) tables += ", " + pg::quote_qualified(info->store_schema, info->store_table);
  TRY(db.exec(fmt::format("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", tables)));
  return {};
}

/// Swaps the columns' names. Each vectorizer keeps its own column.
Result<void> exchange_rows(pg::Connection& db, const Pair& pair) {
  const std::string living = std::to_string(pair.living.id), coming = std::to_string(pair.coming.id);
  const auto call = [&](const std::string& id, const std::string& name) -> Result<void> {
    TRY(
        db.exec("UPDATE embedd.vectorizers SET name = CASE WHEN id = $1::bigint THEN $2 ELSE $3 END "
                "WHERE id = $1::bigint OR rows_of = $1::bigint",
                {id, name, chunks_name(name)}));
    return {};
  };
  TRY(call(living, "switching." + living));
  TRY(call(coming, pair.living.name));
  TRY(call(living, pair.name_after()));
  TRY(db.exec("UPDATE embedd.vectorizers SET next_of = NULL, old_of = NULL WHERE id = $1", {coming}));
  TRY(db.exec(
      fmt::format("UPDATE embedd.vectorizers SET {} = $2 WHERE id = $1", pair.back ? "next_of" : "old_of"),
      {living, coming}));
  if (pair.living.stores()) return {};
  const auto optional = [](const std::optional<std::string>& name) {
    return name ? pg::Param(*name) : pg::Param();
  };
  const auto after = [&](const std::optional<std::string>& name) {
    return name ? pg::Param(pair.after(*name)) : pg::Param();
  };
  const VectorizerInfo& was = pair.living;
  constexpr const char* kPlace =
      "UPDATE embedd.vectorizers SET destination_column = $2, model_id_column = $3, model_version_column = "
      "$4 "
      "WHERE id = $1";
  TRY(db.exec(kPlace, {coming, was.destination_column, optional(was.model_id_column),
                       optional(was.model_version_column)}));
  TRY(db.exec(kPlace, {living, pair.after(was.destination_column), after(was.model_id_column),
                       after(was.model_version_column)}));
  return {};
}

/// Makes the trigger functions again, because they name columns and stores.
Result<void> capture_again(pg::Connection& db, const VectorizerInfo& info) {
  const CapturePlan plan = TRY(plan_of(db, info));
  TRY(run_all(db, drop_capture_ddl(info.id)));
  return run_all(db, capture_ddl(plan));
}

/// The score stays with the name: it may have changed since the successor was declared.
Result<void> hand_score_on(pg::Connection& db, const Pair& pair) {
  if (pair.living.score == pair.coming.score) return {};
  return store_score(db, pair.coming.id, TRY(inspect_table(db, pair.source())),
                     pair.living.score.value_or(""));
}

Result<void> check_complete(const Pair& pair, std::int64_t missing, bool incomplete) {
  if (missing == 0 || incomplete) return {};
  return not_yet(
      "{}{} rows wait for a vector of {} or were refused, though {} has embedded them: searches would miss "
      "them. See embedd status and embedd dead list; or say --incomplete",
      missing > kMostCounted ? "more than " : "", std::min<std::int64_t>(missing, kMostCounted),
      pair.coming.name, pair.living.name);
}

Result<Switched> exchange(pg::Connection& db, const Pair& pair, const SwitchOptions& options) {
  TRY(lock_tables(db, pair));
  const auto began_at = std::chrono::steady_clock::now();
  Switched out;
  out.missing = TRY(count_missing(db, pair));
  TRY(check_complete(pair, out.missing, options.incomplete));
  const auto views = TRY(dependent_views(db, pair.living));
  TRY(pair.living.stores() ? rename_stores(db, pair) : rename_columns(db, pair));
  TRY(hand_text_index_on(db, pair));
  TRY(exchange_rows(db, pair));
  TRY(hand_score_on(db, pair));
  out.now = TRY(find_vectorizer(db, pair.living.name));
  out.before = TRY(find_vectorizer(db, pair.name_after()));
  TRY(capture_again(db, out.now));
  TRY(capture_again(db, out.before));
  for (const DependentView& view : views) {
    auto made = db.exec(view.definition);
    if (!made)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("the view {} cannot be made of the new vectors ({}); drop it, switch, and make "
                              "it again",
                              view.name, made.error().message));
    out.remade.push_back(view.name);
  }
  TRY(run_all(db, TRY(missing_copies_of_grants(db, out.before, out.now))));
  TRY(db.exec("SELECT pg_notify('embedd', $1), pg_notify('embedd', $2)",
              {std::to_string(out.now.id), std::to_string(out.before.id)}));
  out.locked = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began_at);
  return out;
}

}  // namespace

Result<Switched> switch_vectorizer(pg::Connection& db, std::string_view name, const SwitchOptions& options) {
  const Pair pair = TRY(find_pair(db, name, options.back));
  TRY(check_may_change(db, pair.living));
  TRY(check_may_change(db, pair.coming));
  TRY(check_indexes(db, pair));
  TRY(check_text_index(db, pair));
  // Checked before the table is locked, so that no user waits for a switch that fails.
  TRY(check_complete(pair, TRY(count_missing(db, pair)), options.incomplete));
  return change_table(db, pair.source(), [&] { return exchange(db, pair, options); });
}

}  // namespace embedd::schema
