/// Messages between the queue and PostgreSQL: the statements that belong to no vectorizer, the parameters of
/// a settlement, and the rows of an answer. Pure.
#pragma once

#include <map>
#include <optional>
#include <span>

#include "core/job.h"
#include "core/queue.h"
#include "pg/pipeline.h"
#include "queue/heads.h"
#include "queue/history_book.h"
#include "queue/statements.h"

namespace embedd::queue {

/// $1 worker uuid, $2 hostname, $3 pid, $4 version, $5 rows embedded, $6 requests in flight, $7 leases,
/// $8 draining, $9 seconds between walks float8, $10 problems, $11 seconds between walks after missed
/// changes float8, $12 vectorizers bigint[] whose queues are read from a head: $13 of live jobs, $14 of a
/// backfill's, timestamptz[], $15 endpoints text[], $16 their addresses text[], $17 the state of the
/// endpoints in use → one row per vectorizer, for read_definition(), read_state() and read_head(). `guarded`:
/// a vectorizer with a name that cannot be converted to UTF-8 makes only its own row unusable.
const pg::Statement& poll_statement(bool guarded = false);
/// Adds $12 to $14.
void add_heads(pg::Params& params, const std::map<VectorizerId, QueueHead>& heads);
/// Adds $15 and $16.
void add_addresses(pg::Params& params, const std::map<std::string, std::string>& addresses,
                   std::string_view encoding);
/// Error misconfigured if `vectorizer create` cannot have written the row (any role with UPDATE on the table
/// can change it), or if its table or its queue is gone. The server checks the row's SQL when it runs.
Result<Definition> read_definition(const pg::BinaryRows& rows, int row);
/// The value of embedd.workers.problems: a JSON array of bounded length; empty if there are no problems.
std::string problems_json(const std::vector<Problem>& problems);

/// The value of embedd.workers.endpoints, likewise.
std::string endpoints_json(const std::vector<EndpointReport>& endpoints);

/// Reads all but the vectorizer itself.
VectorizerState read_state(const pg::BinaryRows& rows, int row);
/// Where the vectorizer's queue begins, and how long reading that took; none if the queue cannot be read.
struct HeadRead {
  QueueHead head;
  Duration took{};
};
std::optional<HeadRead> read_head(const pg::BinaryRows& rows, int row);
/// Why the vectorizer's queue cannot be read; none if it can be read.
std::optional<std::string> read_problem(const pg::BinaryRows& rows, int row);

/// $1 vectorizers, $2 models text[], $3 requests, $4 rows, $5 tokens, $6 billionths of a dollar, $7 tokens of
/// an unknown price; the rest bigint[].
const pg::Statement& usage_statement();
/// $1 vectorizers, $2 jobs, $3 dead letters, $4 rows, $5 tokens bigint[], $6 freshness text[].
const pg::Statement& history_statement();
pg::Params history_params(std::span<const HistoryRow> history);
/// $1 vectorizer, $2 fingerprints bigint[] of rows → the rows among them that were bought in vain of late,
/// for read_waste().
const pg::Statement& look_up_waste_statement();
void read_waste(const pg::BinaryRows& rows, std::vector<Job>& jobs);
/// Replaces the remembered limits by those that were learned.
const pg::Statement& limits_statement();
pg::Params limits_params(const LimitsRecord& record, std::string_view address);
/// $1 endpoint, $2 seconds for the requests float8, $3 seconds for the tokens, $4 seconds of the provider's
/// pause → seconds to wait.
const pg::Statement& reservation_statement();
/// Reserves a part of a budget → for read_budget().
const pg::Statement& budget_statement();
pg::Params budget_params(const BudgetRequest& request);
BudgetAnswer::Part read_budget(const pg::BinaryRows& rows);
/// Counts what was bought without a reservation towards today's budgets: $1 vectorizers, $2 tokens,
/// $3 billionths of a dollar; all bigint[].
const pg::Statement& charge_statement();
/// $1 worker uuid.
const pg::Statement& goodbye_statement();
/// For a walk whose first page failed: $1 vectorizer bigint, $2 the worker uuid, $3 whether the next worker
/// may continue from this walk's cursor.
const pg::Statement& walk_release_statement();
/// Settling statements look up each job by its key, whatever their large parameters are, so they are planned
/// once. The poll discards their plans now and then.
const pg::Statement& discard_plans_statement();

const pg::Statement& statement_of(const QueueStatements& sql, const Settlement& settlement);
/// `text` as a database of `encoding` can certainly store it. Other encodings than UTF-8 lack most
/// characters, so each character beyond ASCII becomes a question mark.
std::string storable(std::string_view text, std::string_view encoding);
/// The parameters of statement_of(sql, settlement), for some of its jobs.
pg::Params settlement_params(const Settlement& settlement, std::span<const SettledJob> jobs,
                             const Definition& definition);
Outcome outcome_of(char letter);

/// Why a claimed row is refused. `reason`: the claim's text for this code.
Error refusal_of(ClaimCode code, std::string_view reason, const Definition& definition, bool keep_messages);
struct ClaimRead {
  std::optional<QueueHead> reached;  ///< where the next claim may begin; none if no job was due
  bool wasted = false;  ///< some rows of the vectorizer, perhaps these, were bought in vain of late
};
/// Reads the jobs of a claim's answer, in order; counts the rescued ones and sets whether more are due.
ClaimRead read_claim(const pg::BinaryRows& rows, const Definition& definition, bool keep_messages,
                     Claim& claim);

}  // namespace embedd::queue
