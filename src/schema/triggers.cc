#include "schema/triggers.h"

#include <fmt/format.h>

#include <utility>

#include "embedded/schema_sql.h"
#include "pg/form.h"
#include "pg/pinned_settings.h"
#include "pg/quoting.h"
#include "schema/sql_text.h"

namespace embedd::schema {
namespace {

constexpr std::string_view kPinnedPath = " SET search_path = pg_catalog, pg_temp";

const pg::Forms& forms() {
  static const pg::Forms forms(embedded::schema_sql());
  return forms;
}

/// Fills in the forms of src/schema/sql:
///
///   {id} {queue} {ledger}          the vectorizer's id, its tables
///   {stored} {vector}              types: of the destination, of a kept vector
///   {keys} {typed_keys}            k1, k2   k1 text COLLATE … NOT NULL, k2 integer NOT NULL
///   {old} {new}                    o1, o2   n1, n2: arguments of the functions that trigger functions call
///   {typed_old} {typed_new}        o1 text, o2 integer
///   {arguments}                    $1 AS k1, $2 AS k2
///   {old_row} {new_row} {row}      OLD."id", OLD."part"; {row} is the row at hand
///   {old_read} {new_read}          every column that decides what is embedded, the key's among them
///   {q_is_old} {q_is_new}          q.k1 = o1 AND q.k2 = o2
///   {l_is_old} {q_is_row}          the same of the ledger, and of the row at hand
///   {retyped}                      whether a key column has another type than the queue was made for
///   {jobs} {changed}               what insert and update put into the queue; whether that may be anything
///   {using} {from}                 for statements: the table of the deleted rows
///   {forget_chunks} {forget_cut} {move_chunks} {move_staged} {truncate_chunks}  what else there is to do for
///   a store
class Capture {
 public:
  explicit Capture(const CapturePlan& plan) : plan_(plan), n_(plan.key_columns.size()) {
    words_ = {{"id", std::to_string(plan.id)},
              {"queue", queue_table(plan.id)},
              {"ledger", ledger_table(plan.id)},
              {"stored", plan.destination_base_type},
              {"vector", plan.vector_type},
              {"destination", pg::quote_identifier(plan.destination)},
              {"destination_type", pg::quote_literal(plan.destination_type)},
              {"hash", plan.store ? "" : vector_hash_sql(plan.destination_base_type, "v")},
              {"untouched", plan.store ? "" : untouched()},
              {"key_json", plan.key_json_sql},
              {"keys", each(", ", [](std::size_t i) { return fmt::format("k{}", i); })},
              {"typed_keys", typed_keys()},
              {"old", parameters("o")},
              {"new", parameters("n")},
              {"typed_old", typed("o")},
              {"typed_new", typed("n")},
              {"arguments", each(", ", [](std::size_t i) { return fmt::format("${} AS k{}", i, i); })},
              {"move", each(", ", [](std::size_t i) { return fmt::format("k{} = n{}", i, i); })},
              {"old_row", columns("OLD")},
              {"new_row", columns("NEW")},
              {"old_read", read("OLD")},
              {"new_read", read("NEW")},
              {"q_is_old", same("q", "o")},
              {"q_is_new", same("q", "n")},
              {"l_is_old", same("l", "o")},
              {"most_jobs", "20000"},
              {"cut_columns", ""},
              {"move_chunks", ""},
              {"move_staged", ""},
              {"forget_cut", ""},
              {"truncate_chunks", ""},
              {"hint", hint("true")}};
    if (plan.store) describe(*plan.store);
  }

  [[nodiscard]] std::vector<std::string> tables() const {
    std::vector<std::string> out;
    const auto make = [&](std::string_view form) { out.push_back(pg::fill(forms().form(form), words_)); };
    for (const char* form : {"queue", "queue_index", "ledger"}) make(form);
    if (!plan_.store) return out;
    if (!plan_.store->exists) make("store");
    for (const char* form : {"chunks", "staged", "staged_index", "placed", "placed_index"}) make(form);
    return out;
  }

  [[nodiscard]] std::vector<std::string> functions() const {
    std::string pinned;
    for (const pg::PinnedSetting& setting : pg::pinned_settings())
      pinned += fmt::format(" SET {} = '{}'", setting.name, setting.value);
    const std::string pinned_path(kPinnedPath);
    const std::string inserted =
        plan_.by_row ? "SELECT " + columns("NEW") : fmt::format("SELECT {} FROM embedd_rows t", columns("t"));
    // Few rows leave a queue of millions by its primary key, whatever the first plan was made for.
    const std::string by_key =
        plan_.by_row ? "" : " SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off";
    const std::string_view gone = plan_.by_row ? "OLD" : "t";
    pg::Words deleted = {{"settings", pinned_path + by_key},
                         {"retyped", any_retyped("OLD")},
                         {"row", columns(gone)},
                         {"q_is_row", same_row(gone)},
                         {"using", plan_.by_row ? "" : " USING embedd_rows t"},
                         {"from", plan_.by_row ? "" : " FROM embedd_rows t"}};
    deleted["forget_chunks"] =
        plan_.store ? pg::fill(forms().form("forget_chunks"), with(with_row(deleted, gone))) + "\n" : "";
    std::vector<std::string> out = {
        on("insert", "refuse_other_key_types",
           {{"settings", pinned_path},
            {"retyped", any_retyped("NEW")},
            {"jobs", inserted},
            {"hint", hint(plan_.by_row ? "true" : "FOUND")}}),
        on("update", "update_check", {{"settings", ""}, {"retyped", retyped("NEW")}}),
        on("delete", "refuse_other_key_types", deleted),
        function("truncate", {{"settings", pinned_path}}),
        function("changed", {{"settings", pinned_path}, {"jobs", "SELECT " + parameters("n")}}),
        function("forget", {{"settings", pinned_path}, {"pinned", pinned}}),
    };
    if (plan_.store) {
      for (const char* form : {"store_written", "store_truncated"})
        out.push_back(function(form, {{"settings", pinned_path}, {"retyped", retyped_in_store()}}));
      out.push_back(function(
          "arrived",
          {{"settings", pinned_path + (plan_.rows_only ? "" : " SET lock_timeout = '2s'")},
           {"arrived", plan_.rows_only ? "(SELECT NEW.hash, NEW.embedding)" : "embedd_rows"},
           {"one_at_a_time",
            plan_.rows_only
                ? ""
                : fmt::format("PERFORM pg_catalog.pg_advisory_xact_lock(111516266, {});", plan_.id)}}));
    } else {
      out.push_back(function("vector", {{"retyped", retyped("NEW")}}));
      out.push_back(function("replaced", {{"settings", pinned_path}}));
    }
    return out;
  }

  [[nodiscard]] std::string trigger(std::string_view event, std::string_view when,
                                    std::string_view what) const {
    return fmt::format("CREATE TRIGGER embedd_{0}_{1} {2} {3} EXECUTE FUNCTION embedd.capture_{0}_{1}()",
                       event, plan_.id, when, what);
  }

 private:
  /// The placeholders' values for a vectorizer with a store.
  void describe(const CapturePlan::Store& store) {
    const auto names = [this](auto&& f) { return each(", ", std::forward<decltype(f)>(f)); };
    const auto set = [this](const char* name, std::string value) { words_[name] = std::move(value); };
    set("cut_columns",
        ", cut_hash bigint, cut_characters bigint NOT NULL DEFAULT 0, cut_chunks integer NOT NULL DEFAULT 0, "
        "cut_state bytea");
    set("forget_cut", ", cut_hash = NULL");
    set("store", store.table);
    set("store_type", store.type);
    set("chunks", chunks_table(plan_.id));
    set("staged", staged_table(plan_.id));
    set("placed", placed_table(plan_.id));
    set("names", names([&](std::size_t i) { return name(i); }));
    set("named_keys",
        names([&](std::size_t i) { return fmt::format("{} {} NOT NULL", name(i), store.key_types[i - 1]); }));
    set("move_names", names([&](std::size_t i) { return fmt::format("{} = n{}", name(i), i); }));
    set("s_is_old", named("s", "o"));
    set("o_is_new", named("o", "n"));
    set("qualified_keys", names([](std::size_t i) { return fmt::format("q.k{}", i); }));
    set("staged_keys", names([](std::size_t i) { return fmt::format("g.k{}", i); }));
    set("g_is_q", each(" AND ", [](std::size_t i) { return fmt::format("g.k{} = q.k{}", i, i); }));
    set("chunk_vector",
        chunk_vector_sql(plan_.id, store.table, plan_.key_columns,
                         vector_hash_sql(store.type.substr(0, store.type.find('(')), "s.embedding")));
    set("move_staged", pg::fill(forms().form("move_staged"), words_) + "\n    ");
    set("move_chunks", "\n" + pg::fill(forms().form("move_chunks"), words_));
    set("truncate_chunks", "\n" + pg::fill(forms().form("truncate_store"), words_));
  }

  /// s."id" = o1 AND s."part" = o2
  [[nodiscard]] std::string named(std::string_view alias, std::string_view prefix) const {
    return each(" AND ",
                [&](std::size_t i) { return fmt::format("{}.{} = {}{}", alias, name(i), prefix, i); });
  }

  /// A store's key columns have base types, whatever domain the source's are of.
  [[nodiscard]] std::string retyped_in_store() const {
    return each(" OR ", [&](std::size_t i) {
      return fmt::format(
          "pg_catalog.pg_typeof(coalesce(NEW.{0}, OLD.{0})) OPERATOR(pg_catalog.<>) {1}::pg_catalog.regtype",
          name(i), pg::quote_literal(plan_.key_types[i - 1]));
    });
  }

  [[nodiscard]] pg::Words with_row(pg::Words words, std::string_view row) const {
    words["joined"] = plan_.by_row ? "" : ", embedd_rows t";
    words["q_is_a_row"] = plan_.by_row
                              ? "(" + same_row(row) + ")"
                              : fmt::format("EXISTS (SELECT FROM embedd_rows t WHERE {})", same_row(row));
    words["s_is_row"] =
        each(" AND ", [&](std::size_t i) { return fmt::format("s.{} = {}.{}", name(i), row, name(i)); });
    return words;
  }

  /// Notifies listening workers if `changed`, an SQL condition, is true.
  [[nodiscard]] std::string hint(const std::string& changed) const {
    if (plan_.rows_only) return "";
    return pg::fill(
        forms().form("hint"),
        {{"changed", changed}, {"id", std::to_string(plan_.id)}, {"queue", queue_table(plan_.id)}});
  }

  [[nodiscard]] pg::Words with(pg::Words more) const {
    more.insert(words_.begin(), words_.end());
    return more;
  }

  /// sql/`name`.sql, which creates a whole function.
  [[nodiscard]] std::string function(std::string_view name, pg::Words more) const {
    return pg::fill_function(forms().form(name), with(std::move(more)));
  }

  /// sql/trigger_function.sql, with the check of sql/`check`.sql and then the actions of sql/`event`.sql.
  [[nodiscard]] std::string on(const std::string& event, const std::string& check, pg::Words more) const {
    more.emplace("event", event);
    return pg::fill_function(forms().form("trigger_function", {{"check", check}, {"write", event}}),
                             with(std::move(more)));
  }

  template <typename F>
  [[nodiscard]] std::string each(std::string_view separator, F&& f) const {
    return pg::join_each(n_, separator, std::forward<F>(f));
  }

  [[nodiscard]] std::string name(std::size_t i) const {
    return pg::quote_identifier(plan_.key_columns[i - 1]);
  }

  [[nodiscard]] std::string columns(std::string_view alias) const {
    return each(", ", [&](std::size_t i) { return fmt::format("{}.{}", alias, name(i)); });
  }

  [[nodiscard]] std::string parameters(std::string_view prefix) const {
    return each(", ", [&](std::size_t i) { return fmt::format("{}{}", prefix, i); });
  }

  [[nodiscard]] std::string typed(std::string_view prefix) const {
    return each(", ",
                [&](std::size_t i) { return fmt::format("{}{} {}", prefix, i, plan_.key_types[i - 1]); });
  }

  [[nodiscard]] std::string typed_keys() const {
    return each(", ", [&](std::size_t i) {
      const std::string& collation = plan_.key_collations[i - 1];
      return fmt::format("k{} {}{} NOT NULL", i, plan_.key_types[i - 1],
                         collation.empty() ? "" : " COLLATE " + collation);
    });
  }

  [[nodiscard]] std::string read(std::string_view alias) const {
    return pg::join_each(plan_.read.size(), ", ", [&](std::size_t i) {
      return fmt::format("{}.{}", alias, pg::quote_identifier(plan_.read[i - 1]));
    });
  }

  [[nodiscard]] std::string retyped(std::string_view alias) const {
    return each(" OR ", [&](std::size_t i) {
      return fmt::format("pg_catalog.pg_typeof({}.{}) OPERATOR(pg_catalog.<>) {}::pg_catalog.regtype", alias,
                         name(i), pg::quote_literal(plan_.key_own_types[i - 1]));
    });
  }

  /// retyped() of `row`, or, in a trigger for statements, of any of the rows: all have the same types.
  [[nodiscard]] std::string any_retyped(std::string_view row) const {
    return plan_.by_row ? retyped(row) : fmt::format("(SELECT {} FROM embedd_rows t LIMIT 1)", retyped("t"));
  }

  [[nodiscard]] std::string same(std::string_view alias, std::string_view prefix) const {
    return each(" AND ", [&](std::size_t i) { return fmt::format("{}.k{} = {}{}", alias, i, prefix, i); });
  }

  [[nodiscard]] std::string same_row(std::string_view alias) const {
    return each(" AND ", [&](std::size_t i) { return fmt::format("q.k{} = {}.{}", i, alias, name(i)); });
  }

  /// Whether the statement left the vector alone, if that can be seen without reading the vector.
  [[nodiscard]] std::string untouched() const {
    const std::string column = pg::quote_identifier(plan_.destination);
    const auto both = [&](const char* of) {
      return fmt::format("pg_catalog.{0}(OLD.{1}) OPERATOR(pg_catalog.=) pg_catalog.{0}(NEW.{1})", of,
                         column);
    };
    if (plan_.tells_toast_apart) return both("pg_column_toast_chunk_id");
    if (plan_.stored_bytes <= 0) return "false";
    return fmt::format("{} AND pg_catalog.pg_column_size(OLD.{}) OPERATOR(pg_catalog.=) {}",
                       both("pg_column_size"), column, plan_.stored_bytes);
  }

  const CapturePlan& plan_;
  std::size_t n_;
  pg::Words words_;
};

constexpr std::string_view kEvents[] = {"insert", "update", "delete", "truncate", "vector"};
/// On the store and on the table of its waiting chunks.
constexpr std::string_view kStoreEvents[] = {"store", "emptied", "arrived"};
/// Called by the trigger functions.
constexpr std::string_view kHelpers[] = {"changed", "forget", "replaced"};

std::string function_name(std::string_view event, VectorizerId id) {
  return fmt::format("embedd.capture_{}_{}", event, id);
}

}  // namespace

std::string is_our_trigger_sql() {
  return "g.tgname IN (" +
         pg::join_each(std::size(kEvents), ", ",
                       [](std::size_t i) { return fmt::format("'embedd_{}_' || v.id", kEvents[i - 1]); }) +
         ")";
}

std::vector<std::string> queue_ddl(const CapturePlan& plan) { return Capture(plan).tables(); }

std::vector<std::string> capture_ddl(const CapturePlan& plan) {
  const Capture capture(plan);
  std::vector<std::string> out = capture.functions();
  const std::string by_row = fmt::format("ON {} FOR EACH ROW", plan.source);
  out.push_back(capture.trigger(
      "insert", "AFTER",
      plan.by_row ? "INSERT " + by_row
                  : fmt::format("INSERT ON {} REFERENCING NEW TABLE AS embedd_rows FOR EACH STATEMENT",
                                plan.source)));
  out.push_back(capture.trigger("update", "AFTER", "UPDATE " + by_row));
  if (!plan.store) out.push_back(capture.trigger("vector", "BEFORE", "UPDATE " + by_row));
  out.push_back(capture.trigger(
      "delete", "AFTER",
      plan.by_row ? "DELETE " + by_row
                  : fmt::format("DELETE ON {} REFERENCING OLD TABLE AS embedd_rows FOR EACH STATEMENT",
                                plan.source)));
  out.push_back(
      capture.trigger("truncate", "AFTER", fmt::format("TRUNCATE ON {} FOR EACH STATEMENT", plan.source)));

  if (plan.store) {
    // Locked after the source's: a user's write to the source goes on to the store, never the other way.
    out.insert(out.end(), plan.store->alterations.begin(), plan.store->alterations.end());
    out.push_back(capture.trigger(
        "store", "AFTER", fmt::format("INSERT OR UPDATE OR DELETE ON {} FOR EACH ROW", plan.store->table)));
    out.push_back(capture.trigger("emptied", "AFTER",
                                  fmt::format("TRUNCATE ON {} FOR EACH STATEMENT", plan.store->table)));
    out.push_back(capture.trigger(
        "arrived", "AFTER",
        fmt::format(
            "UPDATE ON {} {}", chunks_table(plan.id),
            plan.rows_only ? "FOR EACH ROW" : "REFERENCING NEW TABLE AS embedd_rows FOR EACH STATEMENT")));
    if (plan.by_role)
      out.push_back(fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {}, {}, {}, {} TO {}",
                                plan.store->table, chunks_table(plan.id), staged_table(plan.id),
                                placed_table(plan.id), kCaptureRole));
  }
  if (plan.by_role)
    out.push_back(fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {}, {} TO {}",
                              queue_table(plan.id), ledger_table(plan.id), kCaptureRole));
  const auto finish = [&](std::string_view event) {
    // A trigger runs without this right, but a role needs it to attach the function to another table.
    out.push_back(fmt::format("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC", function_name(event, plan.id)));
    if (plan.by_role)
      out.push_back(
          fmt::format("ALTER FUNCTION {} OWNER TO {}", function_name(event, plan.id), kCaptureRole));
  };
  for (const std::string_view event : kEvents)
    if (!plan.store || event != "vector") finish(event);
  for (const std::string_view helper : kHelpers)
    if (!plan.store || helper != "replaced") finish(helper);
  if (plan.store)
    for (const std::string_view event : kStoreEvents) finish(event);
  return out;
}

std::vector<std::string> drop_capture_ddl(VectorizerId id) {
  std::vector<std::string> out;
  // Dropping the functions drops the triggers. Dropping triggers by name needs the table's owner, and a role
  // that may attach a trigger need not be the owner.
  const auto drop = [&](std::string_view event) {
    out.push_back(fmt::format("DROP FUNCTION IF EXISTS {} CASCADE", function_name(event, id)));
  };
  for (const std::string_view event : kEvents) drop(event);
  for (const std::string_view event : kStoreEvents) drop(event);
  for (const std::string_view helper : kHelpers)
    out.push_back(fmt::format("DROP FUNCTION IF EXISTS {}", function_name(helper, id)));
  return out;
}

std::vector<std::string> drop_ddl(VectorizerId id, bool keep_ledger) {
  std::vector<std::string> out = drop_capture_ddl(id);
  for (const std::string& table : {queue_table(id), staged_table(id), placed_table(id), chunks_table(id)})
    out.push_back("DROP TABLE IF EXISTS " + table);
  if (!keep_ledger) out.push_back("DROP TABLE IF EXISTS " + ledger_table(id));
  return out;
}

}  // namespace embedd::schema
