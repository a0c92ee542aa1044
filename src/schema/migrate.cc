#include "schema/migrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/check.h"
#include "schema/made.h"
#include "text/utf8.h"

namespace embedd::schema {
namespace {

constexpr int kMinServer = 140000;
/// Any number that every embedd uses: "embedd" in ASCII.
constexpr const char* kLockStatement = "SELECT pg_advisory_xact_lock(111516266161252)";
/// The first migration of databases from before the first release, which had other content.
constexpr std::string_view kBeforeRelease = "0001_embedd.sql";

struct Migration {
  int version = 0;
  std::string name;
  std::string sql;
};

struct Applied {
  std::string name;
  std::string checksum;
};

std::vector<Migration> numbered(std::span<const embedded::File> files) {
  std::vector<Migration> out;
  for (const embedded::File& file : files) {
    Migration migration{0, std::string(file.name), std::string(file.content)};
    std::from_chars(file.name.data(), file.name.data() + file.name.size(), migration.version);
    CHECK(migration.version == static_cast<int>(out.size()) + 1, "migrations are numbered from 1: {}",
          file.name);
    out.push_back(std::move(migration));
  }
  return out;
}

/// The checksum of the file's bytes, because the database may be unable to store them as text.
Result<std::string> checksum_of(pg::Connection& db, const Migration& migration) {
  std::string hex;
  for (const char c : migration.sql) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  auto rows = TRY(db.exec("SELECT encode(sha256(decode($1, 'hex')), 'hex')", {hex}));
  return rows.text(0, 0);
}

/// Does not use to_regclass(): it needs a privilege on the schema, and after the wait for the lock this
/// session's catalog cache may still say "none".
Result<bool> has_history(pg::Connection& db) {
  auto exists =
      TRY(db.exec("SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                  "WHERE n.nspname = 'embedd' AND c.relname = 'migrations')"));
  return exists.flag(0, 0);
}

/// Empty if no migration was ever applied.
Result<std::map<int, Applied>> read_applied(pg::Connection& db) {
  std::map<int, Applied> out;
  auto exists = TRY(has_history(db));
  if (!exists) return out;
  auto rows = TRY(db.exec("SELECT version, name, checksum FROM embedd.migrations ORDER BY version"));
  for (int i = 0; i < rows.size(); ++i)
    out[static_cast<int>(rows.integer(i, 0))] = {rows.text(i, 1), rows.text(i, 2)};
  return out;
}

std::unexpected<Error> refuse_unreleased() {
  return fail(
      ErrorKind::misconfigured,
      "the schema embedd is from before embedd's first release and cannot be upgraded; run: DROP SCHEMA "
      "embedd CASCADE, then embedd migrate, and declare the vectorizers again (vectors stay in their "
      "columns; with --adopt-existing they are not bought again)");
}

/// Refuses a history that does not begin like this binary's migrations.
Result<void> check_history(pg::Connection& db, const std::vector<Migration>& ours,
                           const std::map<int, Applied>& applied) {
  const int newest = static_cast<int>(ours.size());
  if (const auto first = applied.find(1); first != applied.end() && first->second.name == kBeforeRelease)
    return refuse_unreleased();
  for (const auto& [version, theirs] : applied) {
    if (version > newest)
      return fail(
          ErrorKind::misconfigured,
          fmt::format("the schema embedd is at version {} ({}), newer than this binary, which knows {}; "
                      "upgrade embedd to the release that applied it",
                      applied.rbegin()->first, applied.rbegin()->second.name, newest));
    const Migration& mine = ours[static_cast<std::size_t>(version) - 1];
    auto checksum = TRY(checksum_of(db, mine));
    if (checksum != theirs.checksum)
      return fail(
          ErrorKind::misconfigured,
          fmt::format("migration {} was applied as {} with another content than this binary's {}; applied "
                      "files never change: run the embedd release that made this schema",
                      version, theirs.name, mine.name));
  }
  return {};
}

/// Requires pgvector 0.5 or later, which has HNSW. Creates the extension if `create` is set and the role may.
/// True if it was created.
Result<bool> check_pgvector(pg::Connection& db, bool create) {
  const char* query =
      "SELECT string_to_array(regexp_replace(extversion, '[^0-9.].*', ''), '.')::int[] >= '{0,5}', "
      "extversion FROM pg_extension WHERE extname = 'vector'";
  auto rows = db.exec(query);
  bool created = false;
  if (rows && rows->empty() && create) {
    auto available = db.exec("SELECT FROM pg_available_extensions WHERE name = 'vector'");
    if (available && available->empty())
      return fail(
          ErrorKind::misconfigured,
          fmt::format("pgvector is not installed on the database server; install it there "
                      "(Debian 13, Ubuntu 24.04: apt-get install postgresql-{}-pgvector), then try again",
                      db.server_version() / 10000));
    if (auto made = db.exec("CREATE EXTENSION IF NOT EXISTS vector"); !made)
      return fail(made.error().kind,
                  fmt::format("cannot create the extension vector: {}\nAsk an administrator to run in this "
                              "database: CREATE EXTENSION vector",
                              made.error().message));
    created = true;
    rows = db.exec(query);
  }
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty())
    return fail(ErrorKind::misconfigured,
                "the extension vector is missing from this database; run: CREATE EXTENSION vector");
  if (!rows->flag(0, 0))
    return fail(
        ErrorKind::misconfigured,
        fmt::format("pgvector {} is too old, embedd needs 0.5 or later; upgrade the package, then run: "
                    "ALTER EXTENSION vector UPDATE",
                    rows->text(0, 1)));
  return created;
}

/// Explains a missing privilege, with what to do.
std::unexpected<Error> explain(const pg::Connection& db, std::string_view what, const Error& error) {
  if (db.last_sqlstate() != "42501") return fail(error.kind, fmt::format("{}: {}", what, error.message));
  return fail(
      ErrorKind::misconfigured,
      fmt::format("{}: {}. Run `embedd migrate` as the role that owns the schema embedd, or as one "
                  "that may create in this database; where other roles have declared vectorizers, as a "
                  "member of these roles or as a superuser",
                  what, error.message));
}

Result<void> make_history_table(pg::Connection& db) {
  // IF NOT EXISTS would still need the right to create, so look first.
  auto schema = TRY(db.exec("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'embedd')"));
  if (!schema.flag(0, 0)) {
    if (auto made = db.exec("CREATE SCHEMA embedd"); !made) return explain(db, "migrate", made.error());
  }
  auto made = db.exec(
      "CREATE TABLE IF NOT EXISTS embedd.migrations (version integer PRIMARY KEY, name text NOT NULL, "
      "checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())");
  if (!made) return explain(db, "migrate", made.error());
  return {};
}

/// For uninstall().
Result<void> record_pgvector(pg::Connection& db) {
  const auto there =
      TRY(db.exec("SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = "
                  "'embedd' AND c.relname = 'made'"));
  return there.empty() ? Result<void>() : record_made(db, Made::Kind::extension, "", "vector");
}

/// Runs in the transaction that has the lock. Reads the history again, because another process may have been
/// first.
Result<Migrated> apply_pending(pg::Connection& db, const std::vector<Migration>& ours) {
  TRY(db.exec(kLockStatement));
  auto applied = TRY(read_applied(db));
  TRY(check_history(db, ours, applied));
  const bool made_pgvector = TRY(check_pgvector(db, true));
  Migrated done{{}, static_cast<int>(ours.size())};
  if (applied.size() == ours.size()) return done;
  TRY(make_history_table(db));
  for (const Migration& migration : ours) {
    if (applied.contains(migration.version)) continue;
    // A database of another encoding may lack characters of a comment.
    if (auto ran = db.run_script(utf8::to_ascii(migration.sql)); !ran)
      return explain(db, migration.name, ran.error());
    auto checksum = TRY(checksum_of(db, migration));
    TRY(db.exec("INSERT INTO embedd.migrations (version, name, checksum) VALUES ($1, $2, $3)",
                {std::to_string(migration.version), migration.name, checksum}));
    done.applied.push_back(migration.name);
  }
  if (made_pgvector) TRY(record_pgvector(db));
  return done;
}

}  // namespace

int newest_migration() { return static_cast<int>(embedded::migrations().size()); }

Result<void> require_schema(pg::Connection& db) {
  auto exists = TRY(has_history(db));
  if (!exists)
    return fail(ErrorKind::misconfigured,
                "the schema embedd is not in this database yet: run embedd migrate");
  auto version = db.exec(
      "SELECT coalesce(max(version), 0), coalesce(bool_or(version = 1 AND name = $1), false) FROM "
      "embedd.migrations",
      {std::string(kBeforeRelease)});
  if (version && version->flag(0, 1)) return refuse_unreleased();
  if (!version || version->integer(0, 0) >= newest_migration()) return {};
  return fail(ErrorKind::misconfigured,
              fmt::format("the schema embedd is at version {}, this embedd needs {}: run embedd migrate",
                          version->integer(0, 0), newest_migration()));
}

Result<Migrated> migrate(pg::Connection& db, std::span<const embedded::File> files) {
  if (db.server_version() < kMinServer)
    return fail(ErrorKind::misconfigured,
                fmt::format("this is PostgreSQL {}, embedd needs 14 or later", db.server_version() / 10000));
  const std::vector<Migration> ours = numbered(files);
  auto applied = TRY(read_applied(db));
  TRY(check_history(db, ours, applied));
  if (applied.size() == ours.size()) {
    TRY(check_pgvector(db, false));
    return Migrated{{}, static_cast<int>(ours.size())};
  }
  return db.transaction([&] { return apply_pending(db, ours); });
}

}  // namespace embedd::schema
