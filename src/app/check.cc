#include "app/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "app/budget.h"
#include "app/database.h"
#include "app/endpoints.h"
#include "base/readable.h"
#include "base/redaction.h"
#include "core/models.h"
#include "pg/notifications.h"
#include "schema/inspect.h"
#include "schema/migrate.h"
#include "schema/model_uses.h"
#include "schema/status.h"
#include "text/catalog.h"

namespace embedd::app {

namespace {

constexpr int kOldestServer = 140'000;

using Verdict = Finding::Verdict;

/// Runs one check after another, and skips checks that an earlier failure makes impossible.
class Checker {
 public:
  Checker(const Settings& settings, const BeforeProbe& before) : settings_(settings), before_(before) {}

  std::vector<Finding> run() {
    check_database();
    return std::move(findings_);
  }

 private:
  void good(std::string_view subject, std::string text) { add(Verdict::good, subject, std::move(text)); }
  void note(std::string_view subject, std::string text) { add(Verdict::note, subject, std::move(text)); }
  void bad(std::string_view subject, std::string text) { add(Verdict::bad, subject, std::move(text)); }
  void add(Verdict verdict, std::string_view subject, std::string text) {
    findings_.push_back({verdict, std::string(subject), std::move(text)});
  }

  void check_database() {
    auto db = connect(settings_, Schema::optional);
    if (!db) {
      bad("database", db.error().message);
      return check_endpoints({}, false);
    }
    auto facts = schema::inspect_server(*db);
    if (!facts) {
      bad("database", facts.error().message);
      return check_endpoints({}, false);
    }
    check_server(*facts);
    if (!settings_.listen.conninfo.empty()) check_listening(*db);
    const bool extension = check_extension(*facts);
    const bool schema = check_schema(*db, *facts);
    if (extension && schema) return check_schema_contents(*db);
    check_endpoints({}, false);
  }

  void check_server(const schema::ServerFacts& facts) {
    const std::string what =
        fmt::format("{}: PostgreSQL {}, role {}", settings_.database.display, facts.version, facts.role);
    if (facts.version_number < kOldestServer)
      bad("database", what + "; embedd needs PostgreSQL 14 or later");
    else if (facts.read_only)
      bad("database", what + "; it is read-only: connect to the primary (target_session_attrs=read-write)");
    else
      good("database", what);
    if (!facts.direct && settings_.listen.conninfo.empty())
      note("notifications",
           "behind a pooler: changes are found by polling; EMBEDD_LISTEN_URL makes it faster");
  }

  /// EMBEDD_LISTEN_URL: connects, goes through no pooler, and reaches the same database.
  void check_listening(pg::Connection& db) {
    constexpr std::string_view kSubject = "notifications";
    constexpr std::string_view kCost = "; until then changes are found by polling";
    const pg::DatabaseTarget& target = settings_.listen;
    const auto failed = [&](const Error& error) {
      bad(kSubject, fmt::format("EMBEDD_LISTEN_URL, {}: {}{}", target.display, redact(error.message), kCost));
    };
    auto listener = pg::Connection::open(target.conninfo);
    if (!listener) return failed(listener.error());
    const auto direct = pg::is_direct(*listener);
    if (!direct) return failed(direct.error());
    if (!*direct)
      return bad(kSubject,
                 fmt::format("EMBEDD_LISTEN_URL, {}, leads to a pooler, through which notifications do not "
                             "pass: give a direct connection{}",
                             target.display, kCost));
    const auto heard = pg::hears(*listener, db);
    if (!heard) return failed(heard.error());
    if (*heard) return good(kSubject, fmt::format("arrive at {}", target.display));
    bad(kSubject,
        fmt::format("EMBEDD_LISTEN_URL, {}, is not the database of DATABASE_URL: what is sent there does "
                    "not arrive{}",
                    target.display, kCost));
  }

  bool check_extension(const schema::ServerFacts& facts) {
    if (!facts.vector_installed.empty()) {
      good("pgvector", facts.vector_installed);
      return true;
    }
    if (facts.vector_available.empty())
      bad("pgvector", "not installed on the server: install postgresql-NN-pgvector there");
    else
      bad("pgvector", fmt::format("{} is available: run embedd migrate, or as an administrator: CREATE "
                                  "EXTENSION vector",
                                  facts.vector_available));
    return false;
  }

  bool check_schema(pg::Connection& db, const schema::ServerFacts& facts) {
    if (!facts.may_read_schema) {
      bad("privileges",
          fmt::format("{0} has none in the schema embedd; to grant a worker's, run as the owner: "
                      "embedd grants {0} --apply",
                      facts.role));
      return false;
    }
    const std::string problem = schema_problem(db, facts);
    if (problem.empty())
      good("schema", fmt::format("embedd is at version {}", facts.schema_version));
    else
      bad("schema", problem);
    return problem.empty();
  }

  static std::string schema_problem(pg::Connection& db, const schema::ServerFacts& facts) {
    if (facts.schema_version == 0 && !facts.may_create_schema)
      return fmt::format("not there, and {} may not create it: run embedd migrate as another role",
                         facts.role);
    if (facts.schema_version == 0) return "not there: run embedd migrate";
    if (auto usable = schema::require_schema(db); !usable) return usable.error().message;
    if (const int newest = schema::newest_migration(); facts.schema_version > newest)
      return fmt::format("version {} is newer than this binary, which knows {}: upgrade embedd",
                         facts.schema_version, newest);
    return {};
  }

  void check_schema_contents(pg::Connection& db) {
    auto grants = schema::missing_grants(db);
    if (!grants)
      bad("privileges", grants.error().message);
    else if (grants->empty())
      good("privileges", "all that a worker needs");
    else
      for (const std::string& grant : *grants)
        bad("privileges", fmt::format("as the owner, run: {};", grant));
    check_excess(db);
    check_hidden_rows(db);
    check_indexes(db);
    auto status = schema::read_status(db);  // a vectorizer that `embedd status` calls broken is not good here
    if (!status) bad("vectorizers", status.error().message);
    check_endpoints(status ? status->vectorizers : std::vector<schema::VectorizerStatus>(), bool(status));
    if (!status) return;
    for (const schema::VectorizerStatus& item : status->vectorizers) check_capture(item);
    check_tokenizer(status->vectorizers);
    if (before_) check_by_asking(db);
  }

  void check_excess(pg::Connection& db) {
    const auto excess = schema::excess_rights(db);
    if (!excess) return bad("privileges", excess.error().message);
    if (excess->empty()) return;
    note("privileges",
         fmt::format("this role {}, and triggers of source tables run with a worker's rights: let workers "
                     "connect as a role that owns nothing (embedd grants ROLE says what it needs)",
                     *excess));
  }

  void check_hidden_rows(pg::Connection& db) {
    const auto hidden = schema::rows_hidden_from_workers(db);
    if (!hidden) return bad("privileges", hidden.error().message);
    for (const std::string& sentence : *hidden) note("privileges", sentence);
  }

  void check_indexes(pg::Connection& db) {
    const auto indexes = schema::endangered_indexes(db);
    if (!indexes) return bad("pgvector", indexes.error().message);
    if (indexes->empty()) return;
    note(
        "pgvector",
        fmt::format(
            "before 0.8.4 it can corrupt HNSW indexes where rows are written during a VACUUM: install 0.8.4 "
            "or later on the server, then run: ALTER EXTENSION vector UPDATE; REINDEX INDEX CONCURRENTLY {};",
            fmt::join(*indexes, "; REINDEX INDEX CONCURRENTLY ")));
  }

  /// Reports nothing for a vectorizer whose triggers capture all changes.
  void check_capture(const schema::VectorizerStatus& item) {
    const std::string subject = "capture of " + printable(item.info.name);
    if (item.problem) bad(subject, *item.problem);
    if (item.note) note(subject, *item.note);
  }

  void check_tokenizer(const std::vector<schema::VectorizerStatus>& vectorizers) {
    const std::string& file = settings_.tokenizer_ranks;
    const auto counted = [](const schema::VectorizerStatus& item) {
      return Tokenizers::has_vocabulary(item.info.model);
    };
    const auto found = std::ranges::find_if(vectorizers, counted);
    if (found == vectorizers.end() && file.empty()) return;
    const bool exact = Tokenizers(file).exact_for(kDefaultModel);
    if (exact) return good("tokenizer", file.empty() ? "built in" : "reads " + file);
    if (!file.empty())
      return bad("tokenizer",
                 fmt::format("EMBEDD_TOKENIZER_RANKS, {}, cannot be read as a cl100k_base.tiktoken", file));
    note("tokenizer",
         "none built in: tokens are counted as bytes, so requests are smaller than they could be; "
         "EMBEDD_TOKENIZER_RANKS names a cl100k_base.tiktoken");
  }

  void check_endpoints(const std::vector<schema::VectorizerStatus>& vectorizers, bool known) {
    const auto users_of = [&](std::string_view endpoint) {
      return std::ranges::count(vectorizers, endpoint, [](const auto& item) { return item.info.endpoint; });
    };
    for (const provider::EndpointConfig& endpoint : settings_.endpoints)
      check_endpoint(endpoint, known && users_of(endpoint.name) == 0);
    for (const schema::VectorizerStatus& item : vectorizers) check_vectorizer(item);
    if (known && vectorizers.empty())
      note("vectorizers", "none yet: embedd vectorizer create --help, or embedd traces init");
  }

  /// Good only if no problem stops the vectorizer.
  void check_vectorizer(const schema::VectorizerStatus& item) {
    const std::string subject = "vectorizer " + printable(item.info.name);
    const provider::EndpointConfig* endpoint = settings_.endpoint(item.info.endpoint);
    if (endpoint == nullptr)
      return bad(subject, fmt::format("its endpoint is not configured here: add [endpoint.{}] to embedd.toml",
                                      item.info.endpoint));
    if (item.problem) return;  // the line about its capture reports the problem
    if (!has_key(*endpoint))
      return bad(subject, fmt::format("its endpoint {} has no key here", printable(item.info.endpoint)));
    if (const auto kept = check_budget(settings_, item.info.endpoint, item.info.model, item.info.budget);
        !kept)
      return bad(subject, printable(kept.error().message));
    if (item.info.paused)
      return note(subject, "paused: embedd vectorizer resume " + printable(item.info.name));
    good(subject,
         fmt::format("model {} at endpoint {}", printable(item.info.model), printable(item.info.endpoint)));
  }

  void check_endpoint(const provider::EndpointConfig& endpoint, bool unused) {
    const std::string subject = "endpoint " + endpoint.name;
    if (endpoint.dialect == provider::Dialect::local)
      return good(subject, "built in; finds shared words, not meaning");
    if (has_key(endpoint))
      return good(subject, fmt::format("{}, {}", endpoint.base_url,
                                       endpoint.key_required ? "its key is set" : "no key needed"));
    const std::string what =
        fmt::format("{}, no key: rows wait; {}", endpoint.base_url, how_to_set_key(endpoint));
    unused ? note(subject, what + " (no vectorizer uses it)") : bad(subject, what);
  }

  /// Sends a request to each endpoint in use, so only on demand.
  void check_by_asking(pg::Connection& db) {
    const auto uses = schema::model_uses(db, provider::addresses_of(settings_.endpoints));
    if (!uses) return bad("probe", uses.error().message);
    for (Finding& finding : probe(settings_, *uses, before_)) findings_.push_back(std::move(finding));
  }

  const Settings& settings_;
  const BeforeProbe& before_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check(const Settings& settings, const BeforeProbe& before) {
  return Checker(settings, before).run();
}

}  // namespace embedd::app
