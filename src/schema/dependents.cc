#include "schema/dependents.h"

#include <fmt/format.h>

#include "pg/quoting.h"
#include "schema/source_table.h"

namespace embedd::schema {
namespace {

/// $1 the table; $2 its columns, or none: all of it.
constexpr const char* kViews = R"(
SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_get_viewdef(c.oid),
       coalesce(pg_catalog.array_to_string(c.reloptions, ', '), ''), c.relkind = 'v',
       pg_catalog.pg_has_role(c.relowner, 'USAGE'), pg_catalog.pg_get_userbyid(c.relowner)
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.regclass
  AND r.ev_class <> d.refobjid
  AND (pg_catalog.cardinality($2::text[]) = 0 OR d.refobjsubid IN (
    SELECT a.attnum FROM pg_catalog.pg_attribute a WHERE a.attrelid = d.refobjid AND a.attname = ANY ($2::text[])))
ORDER BY 1)";

/// The same parameters. Indexes and the table's own constraints stay with the old vectors.
constexpr const char* kOthers = R"(
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_catalog.pg_depend d
LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = d.objid
LEFT JOIN pg_catalog.pg_trigger g ON d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND g.oid = d.objid
WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.regclass
  AND (pg_catalog.cardinality($2::text[]) = 0 OR d.refobjsubid IN (
    SELECT a.attnum FROM pg_catalog.pg_attribute a WHERE a.attrelid = d.refobjid AND a.attname = ANY ($2::text[])))
  AND (d.classid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass,
                     'pg_catalog.pg_publication_rel'::pg_catalog.regclass)
       OR d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND pg_catalog.cardinality($2::text[]) > 0
       OR k.contype = 'f' AND k.confrelid = d.refobjid
       OR k.contype IN ('c', 'f') AND pg_catalog.cardinality($2::text[]) > 0
       OR NOT g.tgisinternal AND NOT pg_catalog.starts_with(g.tgname, 'embedd_'))
ORDER BY 1)";

/// $1, $2: a table and a column, or NULL; $3, $4: what gets the same privileges.
constexpr const char* kGrants = R"(
WITH had AS (
  SELECT g.grantee, g.privilege_type, g.is_grantable
  FROM pg_catalog.aclexplode((SELECT CASE WHEN $2::text IS NULL THEN c.relacl ELSE a.attacl END
    FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = $2::text
    WHERE c.oid = $1::pg_catalog.regclass)) g),
has AS (
  SELECT g.grantee, g.privilege_type, g.is_grantable
  FROM pg_catalog.aclexplode((SELECT CASE WHEN $4::text IS NULL THEN c.relacl ELSE a.attacl END
    FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = $4::text
    WHERE c.oid = $3::pg_catalog.regclass)) g)
SELECT pg_catalog.format('GRANT %s%s ON %s TO %s%s', h.privilege_type,
         coalesce(pg_catalog.format(' (%I)', $4::text), ''), $3::text,
         CASE WHEN h.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(r.rolname) END,
         CASE WHEN h.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM had h LEFT JOIN pg_catalog.pg_roles r ON r.oid = h.grantee
WHERE NOT EXISTS (SELECT FROM has x WHERE x.grantee = h.grantee AND x.privilege_type = h.privilege_type
                                      AND x.is_grantable >= h.is_grantable)
ORDER BY 1)";

std::string table_of(const VectorizerInfo& info) {
  return pg::quote_qualified(info.vectors_schema(), info.vectors_table());
}

std::vector<std::string> columns_of(const VectorizerInfo& info) {
  if (info.stores()) return {};
  std::vector<std::string> out = {info.destination_column};
  for (const auto& column : {info.model_id_column, info.model_version_column})
    if (column) out.push_back(*column);
  return out;
}

}  // namespace

Result<std::vector<DependentView>> dependent_views(pg::Connection& db, const VectorizerInfo& vectorizer) {
  const std::string table = table_of(vectorizer);
  const std::string columns = pg::array_literal(columns_of(vectorizer));
  const auto others = TRY(db.exec(kOthers, {table, columns}));
  if (!others.empty())
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} would go on to use the vectors of before; drop it, switch, and make it again",
                            others.text(0, 0)));
  const auto rows = TRY(with_search_path(db, "", [&] { return db.exec(kViews, {table, columns}); }));
  std::vector<DependentView> out;
  for (int i = 0; i < rows.size(); ++i) {
    if (!rows.flag(i, 3))
      return fail(ErrorKind::invalid_argument,
                  fmt::format("the materialized view {} would go on to use the vectors of before; drop it, "
                              "switch, and make it again",
                              rows.text(i, 0)));
    if (!rows.flag(i, 4))
      return fail(ErrorKind::misconfigured,
                  fmt::format("the view {} reads the vectors and belongs to the role {}: switch as that role",
                              rows.text(i, 0), rows.text(i, 5)));
    const std::string options = rows.text(i, 2);
    out.push_back({rows.text(i, 0),
                   fmt::format("CREATE OR REPLACE VIEW {}{} AS {}", rows.text(i, 0),
                               options.empty() ? "" : fmt::format(" WITH ({})", options), rows.text(i, 1))});
  }
  return out;
}

Result<std::vector<std::string>> missing_copies_of_grants(pg::Connection& db, const VectorizerInfo& from,
                                                          const VectorizerInfo& to) {
  std::vector<std::string> out;
  const auto add = [&](const pg::Param& one, const pg::Param& other) -> Result<void> {
    const auto rows = TRY(db.exec(kGrants, {table_of(from), one, table_of(to), other}));
    for (int i = 0; i < rows.size(); ++i) out.push_back(rows.text(i, 0));
    return {};
  };
  if (from.stores()) {
    TRY(add({}, {}));
    return out;
  }
  const std::vector<std::string> old_columns = columns_of(from), new_columns = columns_of(to);
  for (std::size_t i = 0; i < old_columns.size() && i < new_columns.size(); ++i)
    TRY(add(old_columns[i], new_columns[i]));
  return out;
}

}  // namespace embedd::schema
