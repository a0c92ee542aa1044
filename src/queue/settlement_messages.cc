// Settlements as parameters of their statements, and the outcomes that come back.
#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <utility>

#include "base/check.h"
#include "core/chunker.h"
#include "core/spending_brake.h"
#include "pg/codec.h"
#include "queue/messages.h"

namespace embedd::queue {
namespace {

using Jobs = std::span<const SettledJob>;

/// $1 leases, then one array per key column.
void add_jobs(pg::Params& params, Jobs jobs, const Definition& definition) {
  pg::BinaryArray leases(pg::kUuid, jobs.size() * 20);
  std::vector<pg::BinaryArray> keys;
  for (std::size_t i = 0; i < definition.key_type_ids.size(); ++i)
    keys.emplace_back(travels_as_bytes(definition, i) ? pg::kBytea : definition.key_type_ids[i]);
  for (const SettledJob& job : jobs) {
    leases.add_token(job.lease);
    const auto columns = pg::decode_key(job.key, keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i].add(columns[i]);
  }
  params.array(std::move(leases));
  for (pg::BinaryArray& column : keys) params.array(std::move(column));
}

/// Slots, hashes, and the vectors that these jobs need, each once.
void add_vectors(pg::Params& params, Jobs jobs, const Embeddings& vectors, const Definition& definition) {
  pg::BinaryArray slots(pg::kInt4, jobs.size() * 8), hashes(pg::kInt8, jobs.size() * 12);
  pg::BinaryArray values(definition.vector_type_id, jobs.size() * (8 + 4 * vectors.dimensions));
  std::map<std::int32_t, std::int32_t> moved;
  for (const SettledJob& job : jobs) {
    hashes.add_int8(job.text_hash);
    if (job.slot < 0) {
      slots.add_int4(-1);
      continue;
    }
    const auto [at, fresh] = moved.try_emplace(job.slot, static_cast<std::int32_t>(moved.size()));
    slots.add_int4(at->second);
    if (!fresh) continue;
    const std::size_t from = static_cast<std::size_t>(job.slot) * vectors.dimensions;
    CHECK(from + vectors.dimensions <= vectors.values.size(), "slot {} of {}", job.slot, vectors.count());
    values.add_vector({vectors.values.data() + from, vectors.dimensions});
  }
  params.array(std::move(slots)).array(std::move(hashes)).array(std::move(values));
}

/// Slots and hashes of jobs whose vectors are in the database already.
void add_slots(pg::Params& params, Jobs jobs) {
  pg::BinaryArray slots(pg::kInt4, jobs.size() * 8), hashes(pg::kInt8, jobs.size() * 12);
  for (const SettledJob& job : jobs) {
    slots.add_int4(-1);
    hashes.add_int8(job.text_hash);
  }
  params.array(std::move(slots)).array(std::move(hashes));
}

void add_cuts(pg::Params& params, Jobs jobs) {
  pg::BinaryArray hashes(pg::kInt8), characters(pg::kInt8), numbers(pg::kInt4), states(pg::kBytea);
  pg::BinaryArray owners(pg::kInt4), chunks(pg::kInt4), texts(pg::kText), sent(pg::kText);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Cut& cut = *jobs[i].cut;
    hashes.add_int8(jobs[i].text_hash);
    characters.add_int8(cut.last ? -1 : cut.next.characters);
    numbers.add_int4(cut.next.chunks);
    states.add(cut.next.state);
    for (std::size_t k = 0; k < cut.chunks.size(); ++k) {
      owners.add_int4(static_cast<std::int32_t>(i + 1));
      chunks.add_int4(jobs[i].first_chunk + static_cast<std::int32_t>(k));
      texts.add(cut.chunks[k].text);
      sent.add(cut.chunks[k].sent);
    }
  }
  params.array(std::move(hashes)).array(std::move(characters)).array(std::move(numbers));
  params.array(std::move(states)).array(std::move(owners)).array(std::move(chunks));
  params.array(std::move(texts)).array(std::move(sent));
}

/// Fingerprints of the rows, and how often each was bought in vain; both are empty if none was.
void add_waste(pg::Params& params, Jobs jobs) {
  pg::BinaryArray rows(pg::kInt8), purchases(pg::kInt4);
  const auto wasted = [](const SettledJob& job) { return job.wasted > 0; };
  if (std::ranges::any_of(jobs, wasted))
    for (const SettledJob& job : jobs) {
      rows.add_int8(static_cast<std::int64_t>(fingerprint_of(job.key)));
      purchases.add_int4(static_cast<std::int32_t>(job.wasted));
    }
  params.array(std::move(rows)).array(std::move(purchases));
}

}  // namespace

const pg::Statement& statement_of(const QueueStatements& sql, const Settlement& settlement) {
  switch (settlement.action) {
    case Action::complete: return sql.complete;
    case Action::keep: return sql.keep;
    case Action::clear: return sql.clear;
    case Action::drop: return sql.drop;
    case Action::reschedule: return sql.reschedule;
    case Action::discard: return sql.discard;
    case Action::extend: return sql.extend;
    case Action::stage: return sql.stage;
  }
  CHECK(false, "action {}", static_cast<int>(settlement.action));
}

Outcome outcome_of(char letter) {
  switch (letter) {
    case kDone: return Outcome::done;
    case kKept: return Outcome::kept;
    case kBusy: return Outcome::busy;
    case kStale: return Outcome::stale;
    default: CHECK(letter == kGone, "outcome {}", letter); return Outcome::gone;
  }
}

pg::Params settlement_params(const Settlement& settlement, Jobs jobs, const Definition& definition) {
  pg::Params params;
  add_jobs(params, jobs, definition);
  switch (settlement.action) {
    case Action::keep: add_vectors(params, jobs, settlement.vectors, definition); break;
    case Action::complete:
      if (definition.store) {
        add_slots(params, jobs);
        break;
      }
      add_vectors(params, jobs, settlement.vectors, definition);
      if (definition.model_id_column) params.text(settlement.model_id);
      if (definition.model_version_column)
        params.text(storable(settlement.model_version, definition.encoding));
      break;
    case Action::reschedule:
      add_waste(params, jobs);
      params.real(to_seconds(settlement.delay)).integer(settlement.charge_attempt ? 1 : 0);
      params.real(SpendingBrake::kForgottenASecond);
      break;
    case Action::extend: params.real(to_seconds(settlement.delay)); break;
    case Action::discard: {
      pg::BinaryArray hashes(pg::kInt8, jobs.size() * 12);
      for (const SettledJob& job : jobs) hashes.add_int8(job.text_hash);
      params.array(std::move(hashes))
          .text(name_of(settlement.reason))
          .text(storable(settlement.message, definition.encoding))
          .text(settlement.clear_vector ? "true" : "false");
      break;
    }
    case Action::stage: add_cuts(params, jobs); break;
    case Action::clear:
    case Action::drop: break;
  }
  return params;
}

}  // namespace embedd::queue
