#include "schema/adoption.h"

#include <fmt/format.h>

#include "pg/quoting.h"
#include "schema/existing_store.h"
#include "schema/sql_text.h"

namespace embedd::schema {
namespace {

/// $1 the source, $2 the destination, $3 the key, $4 the model and text settings of the vectors, $5 the new
/// ledger. A renamed column is found by its number, a table that was created again by its name.
constexpr const char* kOfThisColumn = R"(
SELECT k.vectorizer_id, k.name,
       ARRAY[k.endpoint, k.model, k.dimensions::text, k.send_dimensions::text, k.long_texts] = $4::text[]
         AND (k.key_columns = $3::text[]
              OR k.source = t.oid AND NOT k.key_columns <@ names.all AND k.key_numbers = ARRAY(
                   SELECT a.attnum FROM unnest($3::text[]) WITH ORDINALITY AS c (name, n)
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attname = c.name ORDER BY c.n))
         AND l.oid IS NOT NULL
         -- A cast between types that are not PostgreSQL's own may be anybody's.
         AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_attribute o
           JOIN pg_catalog.pg_attribute w ON w.attrelid = $5::regclass AND w.attname = o.attname AND w.atttypid <> o.atttypid
           JOIN pg_catalog.pg_type t ON t.oid IN (o.atttypid, w.atttypid)
           WHERE o.attrelid = l.oid AND o.attnum > 0 AND t.typnamespace <> 'pg_catalog'::regnamespace),
       coalesce(pg_catalog.pg_has_role(l.relowner, 'USAGE'), false)
FROM embedd.kept_proofs k
JOIN pg_catalog.pg_class t ON t.oid = $1::oid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_class l ON l.oid = to_regclass('embedd.ledger_' || k.vectorizer_id)
LEFT JOIN pg_catalog.pg_attribute d ON d.attrelid = t.oid AND d.attname = $2
CROSS JOIN LATERAL (SELECT ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                                 WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped) AS all) names
WHERE CASE WHEN k.source = t.oid THEN k.destination_column = $2
             OR k.destination_number = d.attnum AND k.destination_column <> ALL (names.all)
           ELSE k.destination_column = $2 AND (k.source_schema, k.source_table) = (n.nspname, t.relname)
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.oid = k.source) END
ORDER BY k.dropped_at DESC)";

/// Runs all `statements` or none; false if they fail.
Result<bool> attempt(pg::Connection& db, const std::vector<std::string>& statements) {
  TRY(db.exec("SAVEPOINT embedd_attempt"));
  for (const std::string& statement : statements) {
    if (db.exec(statement)) continue;
    TRY(db.exec("ROLLBACK TO SAVEPOINT embedd_attempt"));
    return false;
  }
  TRY(db.exec("RELEASE SAVEPOINT embedd_attempt"));
  return true;
}

/// Copies proofs, with keys of the new ledger's types. The old ledger itself cannot be reused, because
/// the new ledger's owner and grants are the declarer's.
std::string take_over(const VectorizerInfo& info, VectorizerId former) {
  const std::string keys =
      pg::join_each(info.key_columns.size(), ", ", [](std::size_t i) { return fmt::format("k{}", i); });
  return fmt::format(
      "INSERT INTO {} ({}, text_hash, vector_hash) SELECT {}, text_hash, vector_hash FROM {} "
      "ON CONFLICT DO NOTHING",
      ledger_table(info.id), keys, keys, ledger_table(former));
}

Result<std::string> recall(pg::Connection& db, const Declaration& declared, const VectorizerInfo& info) {
  const std::vector<std::string> made_of = {info.endpoint, info.model, std::to_string(info.dimensions),
                                            info.send_dimensions ? "true" : "false", info.long_texts};
  auto found = TRY(db.exec(
      kOfThisColumn, {std::to_string(declared.source.oid), info.destination_column,
                      pg::array_literal(declared.key), pg::array_literal(made_of), ledger_table(info.id)}));
  std::string recalled;
  for (int i = 0; i < found.size(); ++i) {
    const VectorizerId former = found.integer(i, 0);
    // Of several dropped declarations, the last one made the present vectors.
    if (i == 0 && found.flag(i, 2)) {
      auto taken = TRY(attempt(db, {take_over(info, former)}));
      if (taken) recalled = found.text(i, 1);
    }
    std::vector<std::string> forget = {
        fmt::format("DELETE FROM embedd.kept_proofs WHERE vectorizer_id = {}", former)};
    if (found.flag(i, 3)) forget.push_back("DROP TABLE IF EXISTS " + ledger_table(former));
    for (const std::string& statement : forget) TRY(db.exec(statement));
  }
  return recalled;
}

/// Statements over the rows that have a vector.
class Holders {
 public:
  Holders(const VectorizerInfo& info, const Declaration& declared)
      : info_(info),
        source_(declared.source.quoted()),
        vector_hash_(vector_hash_sql(declared.destination->base_type,
                                     "t." + pg::quote_identifier(info.destination_column))),
        text_("(" +
              (info.filter_sql ? fmt::format("CASE WHEN {} THEN {} END", *info.filter_sql, info.text_sql)
                               : info.text_sql) +
              ")") {}

  [[nodiscard]] std::string count() const {
    return fmt::format(
        "SELECT count(*), count(*) FILTER (WHERE x.hash = x.proven) FROM (SELECT {} AS hash, (SELECT CASE "
        "WHEN l.vector_hash IS NULL OR l.vector_hash = {} THEN l.text_hash END FROM {} l WHERE {}) AS proven "
        "FROM {} t WHERE {} OFFSET 0) x WHERE x.hash IS NOT NULL",
        hash(), vector_hash_, ledger_table(info_.id), same_key("l", info_.key_columns), source_, stored());
  }

  /// The texts of up to 500 of these rows.
  [[nodiscard]] std::string sample() const {
    return fmt::format(
        "SELECT x.text FROM (SELECT {} AS text FROM {} t WHERE {} LIMIT 500) x WHERE x.text "
        "IS NOT NULL",
        text_, source_, stored());
  }

  /// `also`: a condition over t.
  [[nodiscard]] std::string adopt(std::string_view also) const {
    return fmt::format(
        "INSERT INTO {} ({}, text_hash, vector_hash) SELECT {}, x.hash, x.vector_hash FROM (SELECT {}, {} AS "
        "hash, {} AS vector_hash FROM {} t WHERE {}{} OFFSET 0) x WHERE x.hash IS NOT NULL ON CONFLICT ({}) "
        "DO UPDATE SET text_hash = excluded.text_hash, vector_hash = excluded.vector_hash",
        ledger_table(info_.id), keys("k{}", ", "), keys("x.k{}", ", "), keys("t.{1} AS k{0}", ", "), hash(),
        vector_hash_, source_, stored(), also, keys("k{}", ", "));
  }

 private:
  [[nodiscard]] std::string keys(const char* form, std::string_view separator) const {
    return pg::join_each(info_.key_columns.size(), separator, [&](std::size_t i) {
      return fmt::format(fmt::runtime(form), i, pg::quote_identifier(info_.key_columns[i - 1]));
    });
  }
  [[nodiscard]] std::string hash() const {
    return fmt::format("pg_catalog.hashtextextended({} COLLATE pg_catalog.\"C\", 0)", text_);
  }
  [[nodiscard]] std::string stored() const {
    return fmt::format("t.{} IS NOT NULL", pg::quote_identifier(info_.destination_column));
  }

  const VectorizerInfo& info_;
  std::string source_;
  std::string vector_hash_;  ///< over t
  std::string text_;         ///< over t; NULL if the row is not covered
};

/// A condition for vectors that may count as this model's. If the row names another model, its vector never
/// counts.
std::string trusted(const VectorizerSpec& spec, const VectorizerInfo& info, const Declaration& declared) {
  std::string out;
  if (info.model_id_column) {
    const std::string column = "t." + pg::quote_identifier(*info.model_id_column);
    out += fmt::format(" AND ({}::pg_catalog.text OPERATOR(pg_catalog.=) {}{})", column,
                       pg::quote_literal(info.model),
                       spec.trust_all ? fmt::format(" OR {} IS NULL", column) : "");
  }
  if (declared.destination->modifier <= 0)  // the column takes vectors of any length
    out += fmt::format(" AND {} = {}", dimensions_of(*declared.destination, "t"), info.dimensions);
  out += and_not_waiting(spec, info.key_columns,
                         [&](std::size_t i) { return "t." + pg::quote_identifier(info.key_columns[i - 1]); });
  return out;
}

Result<bool> may_read_column(pg::Connection& db, const Declaration& declared, const VectorizerInfo& info) {
  auto rows = TRY(db.exec("SELECT has_column_privilege($1::oid, $2, 'SELECT')",
                          {std::to_string(declared.source.oid), info.destination_column}));
  return rows.flag(0, 0);
}

Result<void> count(pg::Connection& db, const Holders& holders, ExistingVectors& out) {
  const pg::Connection::OverRows over_rows(db);
  TRY(db.exec("SAVEPOINT embedd_count"));
  auto counted = db.exec(holders.count());
  if (!counted) {
    auto undone = db.exec("ROLLBACK TO SAVEPOINT embedd_count");
    return undone ? Result<void>() : std::unexpected(undone.error());
  }
  out.counted = true;
  out.rows = counted->integer(0, 0);
  out.proven = counted->integer(0, 1);
  if (out.rows == out.proven || !db.is_utf8()) return {};
  auto texts = TRY(db.exec(holders.sample()));
  for (int i = 0; i < texts.size(); ++i) out.sample.push_back(texts.text(i, 0));
  return {};
}

}  // namespace

Result<ExistingVectors> take_stock(pg::Connection& db, const VectorizerSpec& spec,
                                   const Declaration& declared, const VectorizerInfo& info) {
  ExistingVectors out;
  out.recalled = TRY(recall(db, declared, info));
  auto readable = TRY(may_read_column(db, declared, info));
  if (!readable) {
    if (!spec.adopt_existing) return out;
    return fail(ErrorKind::misconfigured,
                fmt::format("--adopt-existing reads {0}, which this role may not; as the owner, run: GRANT "
                            "SELECT ({0}) ON {1} TO the role",
                            pg::quote_identifier(info.destination_column), declared.source.quoted()));
  }
  TRY(pg::pin_settings(db));
  const Holders holders(info, declared);
  if (spec.adopt_existing) {
    auto adopted = TRY(db.exec(fmt::format("WITH adopted AS ({} RETURNING 1) SELECT count(*) FROM adopted",
                                           holders.adopt(trusted(spec, info, declared)))));
    out.adopted = adopted.integer(0, 0);
  }
  TRY(count(db, holders, out));
  return out;
}

Result<bool> keep_proofs(pg::Connection& db, VectorizerId id) {
  auto there = TRY(db.exec("SELECT to_regclass($1) IS NOT NULL", {ledger_table(id)}));
  if (!there.flag(0, 0)) return false;
  auto kept = TRY(db.exec(fmt::format(R"(
INSERT INTO embedd.kept_proofs (vectorizer_id, name, source, source_schema, source_table, key_columns, key_numbers,
  destination_column, destination_number, template, endpoint, model, dimensions, send_dimensions, long_texts)
SELECT v.id, v.name, s.oid::regclass, coalesce(n.nspname, v.source_schema), coalesce(c.relname, v.source_table), v.key_columns,
       v.key_numbers, v.destination_column, v.destination_number, v.template, v.endpoint, v.model, v.dimensions,
       v.send_dimensions, v.long_texts
FROM embedd.vectorizers v
CROSS JOIN LATERAL (SELECT coalesce(embedd.source_of(v.id), v.source::oid) AS oid) s
LEFT JOIN pg_catalog.pg_class c ON c.oid = s.oid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE v.id = {0} AND EXISTS (SELECT FROM embedd.ledger_{0})
RETURNING 1)",
                                      id)));
  return !kept.empty();
}

}  // namespace embedd::schema
