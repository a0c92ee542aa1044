#include "schema/uninstall.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "embedded/migrations.h"
#include "pg/quoting.h"
#include "schema/change_table.h"
#include "schema/made.h"
#include "schema/migrate.h"
#include "schema/triggers.h"
#include "schema/vectorizers.h"

namespace embedd::schema {
namespace {

struct Step {
  Removal what;
  std::string table;  ///< whose lock is needed
  std::function<Result<void>(pg::Connection&)> run;
};

struct Plan {
  std::vector<Step> steps;
  Uninstallation report;

  void add(std::string kind, std::string name, std::string table,
           std::function<Result<void>(pg::Connection&)> run) {
    report.removes.push_back({kind, name});
    steps.push_back({{std::move(kind), std::move(name)}, std::move(table), std::move(run)});
  }
};

Result<void> run_all(pg::Connection& db, const std::vector<std::string>& statements) {
  for (const std::string& statement : statements) TRY(db.exec(statement));
  return {};
}

Result<std::vector<std::string>> texts(pg::Connection& db, const std::string& sql,
                                       std::initializer_list<pg::Param> params = {}) {
  const auto rows = TRY(db.exec(sql, params));
  std::vector<std::string> out;
  for (int i = 0; i < rows.size(); ++i) out.push_back(rows.text(i, 0));
  return out;
}

/// Whether the migration has the words, and no longer name after them.
bool creates(std::string_view migration, std::string_view words) {
  for (auto at = migration.find(words); at != std::string_view::npos; at = migration.find(words, at + 1)) {
    const std::string_view after = migration.substr(at + words.size(), 1);
    if (after == " " || after == "(") return true;
  }
  return false;
}

/// What is in the schema embedd, and no migration and no vectorizer has made. Those of a
/// vectorizer end in its number. No migration makes anything but tables and functions.
Result<std::vector<std::string>> strangers_inside(pg::Connection& db) {
  const auto rows = TRY(db.exec(R"(
SELECT 'table', c.relname FROM pg_catalog.pg_class c
WHERE c.relnamespace = 'embedd'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND c.relname !~ '^(queue|ledger|staged|chunks|placed)_[0-9]+$' AND c.relname <> 'migrations'
UNION
SELECT 'function', p.proname FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'embedd'::pg_catalog.regnamespace
  AND p.proname !~ '^(capture_[a-z]+|covers|score)_[0-9]+$'
UNION
SELECT 'type', t.typname FROM pg_catalog.pg_type t
WHERE t.typnamespace = 'embedd'::pg_catalog.regnamespace
  AND (t.typtype IN ('d', 'e', 'r') OR t.typtype = 'c' AND EXISTS (
    SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
UNION
SELECT 'sequence', c.relname FROM pg_catalog.pg_class c
WHERE c.relnamespace = 'embedd'::pg_catalog.regnamespace AND c.relkind = 'S' AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend d
  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i'))
UNION
SELECT 'operator', o.oprname FROM pg_catalog.pg_operator o WHERE o.oprnamespace = 'embedd'::pg_catalog.regnamespace
UNION
SELECT 'configuration', c.cfgname FROM pg_catalog.pg_ts_config c WHERE c.cfgnamespace = 'embedd'::pg_catalog.regnamespace
ORDER BY 1, 2)"));
  std::vector<std::string> out;
  for (int i = 0; i < rows.size(); ++i) {
    const std::string_view kind = rows.view(i, 0);
    if (kind != "table" && kind != "function") {
      out.push_back(fmt::format("{} embedd.{}", kind, rows.view(i, 1)));
      continue;
    }
    const std::string created =
        fmt::format("{} embedd.{}", kind == "table" ? "TABLE" : "FUNCTION", rows.view(i, 1));
    const bool ours = std::ranges::any_of(
        embedded::migrations(), [&](const embedded::File& file) { return creates(file.content, created); });
    if (!ours) out.push_back(fmt::format("embedd.{}", rows.view(i, 1)));
  }
  return out;
}

/// What outside of the schema embedd would be dropped with it, such as a view that reads its tables. The
/// triggers of vectorizers are embedd's own.
Result<std::vector<std::string>> dependents_outside(pg::Connection& db) {
  return texts(db, R"(
WITH ours AS (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS class, c.oid FROM pg_catalog.pg_class c
  WHERE c.relnamespace = 'embedd'::pg_catalog.regnamespace
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = 'embedd'::pg_catalog.regnamespace
  UNION ALL
  SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_type t
  WHERE t.typnamespace = 'embedd'::pg_catalog.regnamespace)
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_catalog.pg_depend d JOIN ours o ON o.class = d.refclassid AND o.oid = d.refobjid
LEFT JOIN pg_catalog.pg_rewrite w ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = d.objid
LEFT JOIN pg_catalog.pg_trigger g ON d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND g.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = d.objid
LEFT JOIN pg_catalog.pg_attrdef f ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND f.oid = d.objid
LEFT JOIN pg_catalog.pg_policy y ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND y.oid = d.objid
LEFT JOIN pg_catalog.pg_proc p ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.objid
LEFT JOIN pg_catalog.pg_type t ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.objid
LEFT JOIN pg_catalog.pg_operator r ON d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND r.oid = d.objid
LEFT JOIN pg_catalog.pg_class c ON c.oid = coalesce(w.ev_class, g.tgrelid, nullif(k.conrelid, 0), f.adrelid, y.polrelid,
  CASE WHEN d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass THEN d.objid END)
WHERE coalesce(c.relnamespace, p.pronamespace, t.typnamespace, r.oprnamespace,
    CASE WHEN d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass THEN 0::oid END) <> 'embedd'::pg_catalog.regnamespace
  AND c.relkind IS DISTINCT FROM 't' AND c.relnamespace IS DISTINCT FROM 'pg_toast'::pg_catalog.regnamespace
  AND NOT coalesce(g.tgisinternal OR pg_catalog.starts_with(g.tgname, 'embedd_'), false)
ORDER BY 1)");
}

/// What must be out of the way first.
Result<void> look_for_obstacles(pg::Connection& db, const std::vector<VectorizerInfo>& vectorizers,
                                std::vector<std::string>& out) {
  const auto workers = TRY(texts(db, R"(
SELECT CASE WHEN hostname = '' THEN 'pid ' || pid ELSE hostname || ' (pid ' || pid || ')' END FROM embedd.workers
WHERE NOT stopped AND seen_at > now() - interval '1 minute' AND database = embedd.this_database() ORDER BY 1)"));
  if (!workers.empty())
    out.push_back(fmt::format(
        "workers run: {}. Stop them first; a worker that was killed counts as running for a minute",
        fmt::join(workers, ", ")));
  for (const VectorizerInfo& v : vectorizers)
    if (!v.deferred_indexes.empty())
      out.push_back(
          fmt::format("of {0}, indexes of yours were dropped for a while: {1}. Build them again: "
                      "embedd vectorizer reindex {0}",
                      v.name, fmt::join(v.deferred_indexes, ", ")));
  for (const std::string& each : TRY(strangers_inside(db)))
    out.push_back(
        fmt::format("{} is in the schema embedd, and embedd has not made it: move or drop it", each));
  for (const std::string& each : TRY(dependents_outside(db)))
    out.push_back(fmt::format("{} uses an object of embedd's, and would go with it: drop it first", each));
  return {};
}

/// Only owners may drop. Error: misconfigured.
Result<void> check_rights(pg::Connection& db, const std::vector<VectorizerInfo>& vectorizers) {
  for (const VectorizerInfo& v : vectorizers) TRY(check_may_change(db, v));
  const auto owner =
      TRY(texts(db,
                "SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = "
                "'embedd' AND NOT pg_catalog.pg_has_role(nspowner, 'USAGE')"));
  if (owner.empty()) return {};
  return fail(ErrorKind::misconfigured,
              fmt::format("the schema embedd belongs to the role {0}: run this as {0}", owner[0]));
}

/// Indexes that embedd has built, by their names.
Result<void> add_indexes(pg::Connection& db, Plan& plan) {
  const auto rows = TRY(db.exec(R"(
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), i.indrelid::pg_catalog.regclass::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname ~ '^embedd_([0-9]+_(hnsw|halfvec|ivfflat)|text_[0-9]+)$' AND n.nspname <> 'embedd'
  AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
ORDER BY 1)"));
  for (int i = 0; i < rows.size(); ++i)
    plan.add("index", rows.text(i, 0), rows.text(i, 1), [name = rows.text(i, 0)](pg::Connection& db) {
      return run_all(db, {"DROP INDEX IF EXISTS " + name});
    });
  return {};
}

bool same_schema(const Made& one, const Made& other) {
  const auto schema = [](const Made& made) { return made.object.substr(0, made.object.rfind('.')); };
  return schema(one) == schema(other);
}

/// What has the name of `made` by right, if embedd had given the name to `made`.
const Made* owner_of_name(const std::vector<Made>& all, const Made& made) {
  const bool column = made.kind == Made::Kind::column;
  if (!column && made.kind != Made::Kind::table) return nullptr;
  for (const Made& other : all)
    if (other.former == made.name &&
        (column ? other.kind == Made::Kind::renamed_column && other.object == made.object
                : other.kind == Made::Kind::renamed_table && same_schema(other, made)))
      return &other;
  return nullptr;
}

std::string rename_back(const Made& made) {
  return made.kind == Made::Kind::renamed_column
             ? fmt::format("ALTER TABLE {} RENAME COLUMN {} TO {}", made.object,
                           pg::quote_identifier(made.name), pg::quote_identifier(made.former))
             : fmt::format("ALTER TABLE {} RENAME TO {}", made.object, pg::quote_identifier(made.former));
}

std::string forget(const Made& made) { return fmt::format("DELETE FROM embedd.made WHERE id = {}", made.id); }

/// Rows may have come since the plan was made, and a policy may hide rows.
Result<void> require_empty(pg::Connection& db, const std::string& table) {
  TRY(db.exec(fmt::format("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", table)));
  TRY(db.exec("SELECT pg_catalog.set_config('row_security', 'off', true)"));
  const auto some = TRY(db.exec(fmt::format("SELECT EXISTS (SELECT FROM {})", table)));
  if (!some.flag(0, 0)) return {};
  return fail(ErrorKind::conflict,
              fmt::format("people have written to {}; --with-traces removes what they have written", table));
}

/// Drops `made`, and gives its name back, in one transaction.
void add_made(Plan& plan, const std::vector<Made>& all, const Made& made, const UninstallOptions& options) {
  std::vector<std::string> statements;
  std::string kind = "table", name = made.object;
  if (made.kind == Made::Kind::column) {
    kind = "column";
    name += "." + pg::quote_identifier(made.name);
    statements.push_back(
        fmt::format("ALTER TABLE {} DROP COLUMN {}", made.object, pg::quote_identifier(made.name)));
  } else if (made.kind == Made::Kind::view) {
    kind = "view";
    statements.push_back("DROP VIEW " + made.object);
  } else {
    statements.push_back("DROP TABLE " + made.object);
  }
  statements.push_back(forget(made));
  if (const Made* owner = owner_of_name(all, made)) {
    statements.push_back(rename_back(*owner));
    statements.push_back(forget(*owner));
  }
  const bool must_be_empty = made.kind == Made::Kind::rows && !options.with_traces;
  plan.add(kind, name, made.object, [=, object = made.object](pg::Connection& db) -> Result<void> {
    if (must_be_empty) TRY(require_empty(db, object));
    return run_all(db, statements);
  });
}

Result<void> add_all_made(pg::Connection& db, Plan& plan, const UninstallOptions& options) {
  const std::vector<Made> all = TRY(list_made(db));
  // A table that this role may not read counts as one with rows.
  const bool has_rows = std::ranges::any_of(
      all, [](const Made& made) { return made.kind == Made::Kind::rows && made.has_rows.value_or(true); });
  for (const Made& made : all) {
    if (made.kind == Made::Kind::extension || !made.former.empty()) continue;
    if (made.kind == Made::Kind::rows && has_rows && !options.with_traces) {
      plan.report.stays.push_back(
          fmt::format("{}: people have written to these tables; --with-traces removes them", made.object));
      continue;
    }
    add_made(plan, all, made, options);
  }
  for (const Made& made : all)
    if (made.kind == Made::Kind::extension)
      plan.add("extension", made.name + ", unless something uses it", "the extension",
               [made](pg::Connection& db) -> Result<void> {
                 TRY(db.exec(forget(made)));
                 TRY(db.exec("SAVEPOINT embedd_extension"));
                 if (auto gone = db.exec("DROP EXTENSION " + pg::quote_identifier(made.name));
                     !gone && db.last_sqlstate() == "55P03")
                   return std::unexpected(gone.error());
                 else if (!gone)  // something depends on it, or it belongs to another role
                   TRY(db.exec("ROLLBACK TO SAVEPOINT embedd_extension"));
                 return {};
               });
  return {};
}

/// Drops what the role owns in this database, and its privileges on what stays.
Result<void> drop_owned(pg::Connection& db) {
  TRY(db.exec("SAVEPOINT embedd_role"));
  if (auto done = db.exec(fmt::format("DROP OWNED BY {}", kCaptureRole)); !done)
    TRY(db.exec(
        "ROLLBACK TO SAVEPOINT embedd_role"));  // it owns nothing, unless a superuser gave it something
  return {};
}

Result<void> drop_role(pg::Connection& db) {
  TRY(drop_owned(db));
  TRY(db.exec("SAVEPOINT embedd_role"));
  auto done = db.exec(fmt::format("DROP ROLE {}", kCaptureRole));
  if (!done && db.last_sqlstate() != "2BP01") return std::unexpected(done.error());
  if (!done) TRY(db.exec("ROLLBACK TO SAVEPOINT embedd_role"));  // another database has begun to use it
  return {};
}

/// Whether the role can go. It is the server's: other databases may use it.
Result<bool> plan_role(pg::Connection& db, Plan& plan) {
  const std::string may =
      db.server_version() < 160000 ? "true" : "pg_catalog.pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')";
  const auto role = TRY(db.exec(fmt::format(R"(
SELECT coalesce((SELECT pg_catalog.string_agg(DISTINCT d.datname, ', ') FROM pg_catalog.pg_shdepend s
         JOIN pg_catalog.pg_database d ON d.oid = s.dbid
         WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid
           AND d.datname <> pg_catalog.current_database()), ''),
       (SELECT m.rolsuper OR m.rolcreaterole AND {} FROM pg_catalog.pg_roles m WHERE m.rolname = current_user)
FROM pg_catalog.pg_roles r WHERE r.rolname = $1)",
                                            may),
                                {kCaptureRole}));
  if (role.empty()) return false;
  const std::string users = role.text(0, 0);
  if (!users.empty())
    plan.report.stays.push_back(fmt::format("the role {}: other databases use it: {}", kCaptureRole, users));
  else if (!role.flag(0, 1))
    plan.report.stays.push_back(
        fmt::format("the role {0}: a superuser can drop it: DROP ROLE {0}", kCaptureRole));
  return users.empty() && role.flag(0, 1);
}

/// `there`: the schema is. Without the schema, a role that stayed may be free now.
Result<void> add_schema(pg::Connection& db, Plan& plan, bool there) {
  const auto known = TRY(db.exec("SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", {kCaptureRole}));
  if (there)
    plan.add("schema", "embedd", "the schema embedd",
             [role = !known.empty()](pg::Connection& db) -> Result<void> {
               TRY(db.exec("DROP SCHEMA embedd CASCADE"));
               return role ? drop_owned(db) : Result<void>();
             });
  if (TRY(plan_role(db, plan))) plan.add("role", kCaptureRole, "the role", drop_role);
  return {};
}

Result<Plan> make_plan(pg::Connection& db, const UninstallOptions& options) {
  Plan plan;
  const auto there =
      TRY(texts(db,
                "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                "c.relnamespace WHERE n.nspname = 'embedd' AND c.relname = 'migrations'"));
  if (there.empty()) {
    TRY(add_schema(db, plan, false));
    return plan;
  }
  TRY(require_schema(db));
  const auto vectorizers = TRY(list_vectorizers(db));
  TRY(check_rights(db, vectorizers));
  TRY(look_for_obstacles(db, vectorizers, plan.report.stands_in_the_way));
  for (const VectorizerInfo& v : vectorizers)
    plan.add("vectorizer", v.name, pg::quote_qualified(v.source_schema, v.source_table),
             [v](pg::Connection& db) { return drop_in_transaction(db, v, /*keep_proofs=*/false); });
  if (!options.keep_vectors) {
    TRY(add_indexes(db, plan));
    TRY(add_all_made(db, plan, options));
  }
  TRY(add_schema(db, plan, true));
  return plan;
}

/// PostgreSQL names in the detail what depends on an object. Its hint, CASCADE, is no help.
Error explain(Error error, const Plan& plan, std::size_t failed) {
  std::vector<std::string> left;
  for (std::size_t i = failed; i < plan.steps.size(); ++i)
    left.push_back(plan.steps[i].what.kind + " " + plan.steps[i].what.name);
  std::string why = error.message.substr(0, error.message.find(" Hint: "));
  while (why.ends_with('.')) why.pop_back();
  error.message = fmt::format("{}: {}. What is left: {}. When the cause is gone, run this again: it goes on",
                              left.front(), why, fmt::join(left, "; "));
  return error;
}

}  // namespace

Result<Uninstallation> plan_uninstall(pg::Connection& db, const UninstallOptions& options) {
  auto plan = TRY(make_plan(db, options));
  return std::move(plan.report);
}

Result<Uninstallation> uninstall(pg::Connection& db, const UninstallOptions& options) {
  auto plan = TRY(make_plan(db, options));
  if (!plan.report.stands_in_the_way.empty())
    return fail(ErrorKind::conflict, fmt::format("{}", fmt::join(plan.report.stands_in_the_way, "; ")));
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    auto done = change_table(db, step.table, [&] { return step.run(db); });
    if (!done) return std::unexpected(explain(std::move(done.error()), plan, i));
  }
  return std::move(plan.report);
}

}  // namespace embedd::schema
