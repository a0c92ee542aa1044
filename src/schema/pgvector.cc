#include "schema/pgvector.h"

namespace embedd::schema {

Result<Pgvector> find_pgvector(pg::Connection& db) {
  const auto rows = TRY(db.exec(R"(
SELECT quote_ident(n.nspname), string_to_array(regexp_replace(e.extversion, '[^0-9.].*', ''), '.')::int[] >= '{0,8}'
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector')"));
  if (rows.empty())
    return fail(ErrorKind::misconfigured,
                "the extension vector is missing from this database; run: embedd migrate");
  return Pgvector{rows.text(0, 0), rows.flag(0, 1)};
}

}  // namespace embedd::schema
