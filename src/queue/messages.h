/// What the queue says to PostgreSQL and hears from it: the statements that belong to no vectorizer, the
/// parameters of a settlement, and the rows of an answer. Pure.
#pragma once

#include <map>
#include <optional>
#include <span>

#include "core/job.h"
#include "core/queue.h"
#include "pg/pipeline.h"
#include "queue/heads.h"
#include "queue/statements.h"

namespace embedd::queue {

/// $1 worker uuid, $2 hostname, $3 pid, $4 version, $5 rows embedded, $6 requests in flight, $7 leases held,
/// $8 draining, $9 seconds between reconciles float8, $10 troubles, $11 seconds from one walk to the next
/// where changes were missed float8, $12 vectorizers bigint[] whose queues are to be read from $13 on, of
/// live jobs timestamptz[], and from $14 on, $15 endpoints text[], $16 where they are text[] → one row per
/// vectorizer, for read_definition(), read_state() and read_head(). `guarded`: a vectorizer some name of
/// which cannot be converted to UTF-8 spoils only itself.
const pg::Statement& poll_statement(bool guarded = false);
/// $12 to $14.
void add_heads(pg::Params& params, const std::map<VectorizerId, QueueHead>& heads);
/// $15 and $16.
void add_addresses(pg::Params& params, const std::map<std::string, std::string>& addresses,
                   std::string_view encoding);
/// Error misconfigured if the row is none that `vectorizer create` writes (anybody with UPDATE on the table
/// can write another), or if its table or its queue is gone. What its SQL says is for the server to judge.
Result<Definition> read_definition(const pg::BinaryRows& rows, int row);
/// For the column embedd.workers.troubles: a JSON array of a bounded length; empty if there are none.
std::string troubles_json(const std::vector<Trouble>& troubles);

/// All but the vectorizer itself.
VectorizerState read_state(const pg::BinaryRows& rows, int row);
/// Where the vectorizer's queue begins, and how long it took to find out; none if it cannot be read.
struct HeadRead {
  QueueHead head;
  Duration took{};
};
std::optional<HeadRead> read_head(const pg::BinaryRows& rows, int row);
/// Why the vectorizer's queue cannot be read; none if it can.
std::optional<std::string> read_problem(const pg::BinaryRows& rows, int row);

/// $1 vectorizers, $2 models text[], $3 requests, $4 rows, $5 tokens, $6 billionths of a dollar; the rest
/// bigint[].
const pg::Statement& usage_statement();
/// $1 vectorizer, $2 fingerprints bigint[] of rows → those that were bought in vain of late, for
/// read_waste().
const pg::Statement& look_up_waste_statement();
void read_waste(const pg::BinaryRows& rows, std::vector<Job>& jobs);
/// Limits that were learned, in place of those that are remembered.
const pg::Statement& limits_statement();
pg::Params limits_params(const LimitsRecord& record, std::string_view address);
/// $1 endpoint, $2 seconds for the requests float8, $3 for the tokens, $4 the endpoint is closed → seconds to
/// wait.
const pg::Statement& reservation_statement();
/// $1 worker uuid.
const pg::Statement& goodbye_statement();
/// For a walk whose first page failed: $1 vectorizer bigint, $2 the worker uuid, $3 whether whoever is next
/// may go on where this one was to.
const pg::Statement& walk_release_statement();
/// Settling statements look each job up by its key, whatever their parameters, which are large: they are
/// planned once. The poll has their plans made anew.
const pg::Statement& discard_plans_statement();

const pg::Statement& statement_of(const QueueStatements& sql, const Settlement& settlement);
/// `text` as a database of `encoding` can store it for certain: other encodings than UTF-8 lack most
/// characters, so what is not ASCII is then a question mark each.
std::string storable(std::string_view text, std::string_view encoding);
/// Of statement_of(sql, settlement), for some of its jobs.
pg::Params settlement_params(const Settlement& settlement, std::span<const SettledJob> jobs,
                             const Definition& definition);
Outcome outcome_of(char letter);

/// Why a claimed row is refused. `reason`: what the claim says with that code.
Error refusal_of(ClaimCode code, std::string_view reason, const Definition& definition, bool keep_messages);
struct ClaimRead {
  std::optional<QueueHead> reached;  ///< where the next claim may begin; none if nothing was due
  bool wasted = false;  ///< some rows of this vectorizer, perhaps these, were bought in vain of late
};
/// The jobs of a claim's answer, in order; counts the rescued ones and says whether more is due.
ClaimRead read_claim(const pg::BinaryRows& rows, const Definition& definition, bool keep_messages,
                     Claim& claim);

}  // namespace embedd::queue
