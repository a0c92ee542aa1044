#include "queue/messages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <span>

#include "base/check.h"
#include "base/json.h"
#include "core/spending_brake.h"
#include "pg/form.h"
#include "pg/server_error.h"
#include "queue/forms.h"
#include "schema/sql_text.h"
#include "schema/vectorizers.h"
#include "text/utf8.h"

namespace embedd::queue {
namespace {

/// The columns after the definition in a row of the poll.
enum StateColumn {
  kWalkDue = 27,
  kDue,
  kWaiting,
  kOldest,
  kJobs,
  kDeadLetters,
  kProblem,
  kFirstLive,
  kFirstBackfill,
  kReadingSeconds,
  kInputs,
  kTextTokens,
  kCounted,
  kNoEncodingFormat,
  kNoDimensions,
  kBudgetOf,
  kBudgetTokens,
  kBudgetNanoUsd,
  kReservedTokens,
  kReservedNanoUsd,
  kEndpointTokens,
  kEndpointNanoUsd,
  kDay
};

/// Most dimensions of a vector of pgvector.
constexpr int kMostDimensions = 16'000;

Task task_of(std::int64_t code, bool cuts) {
  constexpr Task kTasks[] = {Task::clear,   Task::current, Task::store_kept, Task::embed,
                             Task::refused, Task::refused, Task::wait,       Task::refused};
  CHECK(code >= kClear && code <= kChunkIsDead, "task {}", code);
  if (code == kEmbed && cuts) return Task::cut;
  return kTasks[code];
}

/// A clock that was set, or a time that somebody wrote into the queue, gives an age of a year at most.
Duration age_of(double seconds) {
  constexpr double kYear = 365.0 * 86'400;
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::isfinite(seconds) ? std::clamp(seconds, 0.0, kYear) : 0.0));
}

std::string poll_sql(std::string_view vectorizers, std::string_view row) {
  const pg::Words words = {{"vectorizers", std::string(vectorizers)},
                           {"row", std::string(row)},
                           {"remembered_limits", std::string(schema::kRememberedLimits)}};
  return pg::fill(forms().form("poll"), words);
}

}  // namespace

const pg::Statement& poll_statement(bool guarded) {
  static const pg::Statement plain(poll_sql("embedd.vectorizers v", "v"));
  static const pg::Statement by_row(
      poll_sql("embedd.vectorizers w LEFT JOIN LATERAL ("
               "SELECT w.* WHERE embedd.utf8_problem(pg_catalog.format('%s', w)) IS NULL) v ON true",
               "w"));
  return guarded ? by_row : plain;
}

void add_heads(pg::Params& params, const std::map<VectorizerId, QueueHead>& heads) {
  pg::BinaryArray vectorizers(pg::kInt8), live(pg::kTimestamptz), backfill(pg::kTimestamptz);
  for (const auto& [vectorizer, head] : heads) {
    vectorizers.add_int8(vectorizer);
    live.add_int8(head.live);
    backfill.add_int8(head.backfill);
  }
  params.array(std::move(vectorizers)).array(std::move(live)).array(std::move(backfill));
}

void add_addresses(pg::Params& params, const std::map<std::string, std::string>& addresses,
                   std::string_view encoding) {
  pg::BinaryArray endpoints(pg::kText), places(pg::kText);
  for (const auto& [endpoint, address] : addresses) {
    endpoints.add(storable(endpoint, encoding));
    places.add(address);
  }
  params.array(std::move(endpoints)).array(std::move(places));
}

const pg::Statement& limits_statement() {
  static const pg::Statement statement{forms().form("remember_limits")};
  return statement;
}

pg::Params limits_params(const LimitsRecord& record, std::string_view address) {
  const LearnedLimits& limits = record.limits;
  pg::Params params;
  params.text(record.endpoint)
      .text(address)
      .text(record.model)
      .integer(record.dimensions)
      .integer(limits.inputs)
      .integer(static_cast<std::int64_t>(limits.text_tokens))
      .flag(limits.counted)
      .flag(limits.left_out.encoding_format)
      .flag(limits.left_out.dimensions);
  return params;
}

const pg::Statement& usage_statement() {
  static const pg::Statement statement{forms().form("book_usage")};
  return statement;
}

const pg::Statement& look_up_waste_statement() {
  static const pg::Statement statement{forms().form("look_up_waste")};
  return statement;
}

const pg::Statement& reservation_statement() {
  static const pg::Statement statement{forms().form("reserve")};
  return statement;
}

const pg::Statement& walk_release_statement() {
  static const pg::Statement statement{forms().form("walk_release")};
  return statement;
}

const pg::Statement& goodbye_statement() {
  static const pg::Statement statement{forms().form("goodbye")};
  return statement;
}

namespace {

constexpr std::size_t kMostReported = 32;

/// `message` as jsonb accepts it, and of bounded length: a character that was cut becomes a replacement
/// character.
std::string reported(const std::string& message) {
  constexpr std::size_t kMostBytes = 300;
  std::string out = message.substr(0, kMostBytes);
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return out;
}

}  // namespace

std::string problems_json(const std::vector<Problem>& problems) {
  if (problems.empty()) return "";
  JsonWriter json;
  json.array();
  for (const Problem& problem : std::span(problems).first(std::min(problems.size(), kMostReported))) {
    json.object();
    if (problem.vectorizer != 0) json.key("vectorizer").value(problem.vectorizer);
    if (!problem.endpoint.empty()) json.key("endpoint").value(problem.endpoint);
    json.key("state").value(problem.state).key("message").value(reported(problem.message)).end();
  }
  return json.end().str();
}

std::string endpoints_json(const std::vector<EndpointReport>& endpoints) {
  if (endpoints.empty()) return "";
  JsonWriter json;
  json.array();
  for (const EndpointReport& each : std::span(endpoints).first(std::min(endpoints.size(), kMostReported))) {
    json.object().key("endpoint").value(each.endpoint).key("state").value(each.state);
    json.key("message").value(reported(each.message)).key("in_flight").value(std::int64_t{each.in_flight});
    json.key("concurrency")
        .value(std::int64_t{each.concurrency})
        .key("inputs_per_second")
        .value(each.inputs_per_second)
        .end();
  }
  return json.end().str();
}

const pg::Statement& history_statement() {
  static const pg::Statement statement{forms().form("record_history")};
  return statement;
}

pg::Params history_params(std::span<const HistoryRow> history) {
  pg::BinaryArray vectorizers(pg::kInt8), jobs(pg::kInt8), dead_letters(pg::kInt8), rows(pg::kInt8),
      tokens(pg::kInt8), fresh(pg::kText);
  for (const HistoryRow& row : history) {
    vectorizers.add_int8(row.vectorizer);
    jobs.add_int8(row.jobs);
    dead_letters.add_int8(row.dead_letters);
    rows.add_int8(row.rows);
    tokens.add_int8(row.tokens);
    fresh.add(fmt::format("{}", fmt::join(row.fresh.counts(), ",")));
  }
  pg::Params params;
  params.array(std::move(vectorizers)).array(std::move(jobs)).array(std::move(dead_letters));
  params.array(std::move(rows)).array(std::move(tokens)).array(std::move(fresh));
  return params;
}

Result<Definition> read_definition(const pg::BinaryRows& rows, int i) {
  int column = 0;
  bool sound = true;
  const auto text = [&] { return std::string(rows.bytes(i, column++)); };
  const auto maybe = [&]() -> std::optional<std::string> {
    const int at = column++;
    if (rows.is_null(i, at)) return std::nullopt;
    return std::string(rows.bytes(i, at));
  };
  const auto list = [&] {
    const auto elements = rows.array(i, column++);
    sound &= elements.has_value();
    return elements ? std::vector<std::string>(elements->begin(), elements->end())
                    : std::vector<std::string>();
  };
  Definition d;
  d.vectorizer.id = rows.integer(i, column++);
  d.vectorizer.name = text();
  d.vectorizer.endpoint = text();
  d.vectorizer.model = text();
  d.vectorizer.dimensions = static_cast<int>(rows.integer(i, column++));
  d.vectorizer.send_dimensions = rows.flag(i, column++);
  d.vectorizer.stopped = rows.flag(i, column++);
  d.source = text();
  d.key_columns = list();
  d.key_types = list();
  for (const std::string& id : list()) {
    sound &= id.size() == sizeof(std::int64_t);
    if (sound) d.key_type_ids.push_back(static_cast<pg::TypeId>(pg::read_number<std::int64_t>(id)));
  }
  d.key_json_sql = text();
  d.text_sql = text();
  d.types_sql = text();
  d.filter_sql = maybe();
  d.destination_column = text();
  d.destination_type = text();
  d.vector_type = text();
  d.vector_type_id = static_cast<pg::TypeId>(rows.integer(i, column++));
  d.model_id_column = maybe();
  d.model_version_column = maybe();
  d.vectorizer.long_texts = long_texts_named(text()).value_or(LongTexts::truncate);
  d.vectorizer.chunk_rule = text();
  d.vectorizer.chunk_template = text();
  d.vectorizer.rows = rows.integer(i, column++);
  const std::optional<std::string> store = maybe();
  const VectorizerId chunks = rows.integer(i, column++);
  if (store) d.store = Definition::Store{*store, chunks};
  CHECK(column == kWalkDue, "the poll's columns are read to {}", column);
  if (d.vectorizer.cuts() && !d.store)
    return fail(ErrorKind::misconfigured,
                "its table of chunks is gone; drop the vectorizer and create it again");
  if (d.source.empty() || (sound && d.key_type_ids.size() < d.key_columns.size()))
    return fail(ErrorKind::misconfigured,
                "its table or its queue is gone, or its name cannot be converted to UTF-8; embedd status "
                "says what to do");
  sound &= !d.key_columns.empty() && d.key_types.size() == d.key_columns.size() &&
           d.key_type_ids.size() == d.key_columns.size();
  if (!sound || d.vectorizer.dimensions < 1 || d.vectorizer.dimensions > kMostDimensions)
    return fail(ErrorKind::misconfigured,
                "its row in embedd.vectorizers is damaged; drop the vectorizer and create it again");
  return d;
}

VectorizerState read_state(const pg::BinaryRows& rows, int row) {
  VectorizerState state{.due = rows.flag(row, kDue),
                        .waiting = rows.flag(row, kWaiting),
                        .walk_due = rows.flag(row, kWalkDue),
                        .jobs_estimate = rows.integer(row, kJobs),
                        .dead_letters = rows.integer(row, kDeadLetters)};
  if (!rows.is_null(row, kOldest)) state.oldest = age_of(rows.real(row, kOldest));
  if (!rows.is_null(row, kInputs))
    state.remembered =
        LearnedLimits{.inputs = static_cast<std::uint32_t>(rows.integer(row, kInputs)),
                      .text_tokens = static_cast<std::uint64_t>(rows.integer(row, kTextTokens)),
                      .counted = rows.flag(row, kCounted),
                      .left_out = {.encoding_format = rows.flag(row, kNoEncodingFormat),
                                   .dimensions = rows.flag(row, kNoDimensions)}};
  const auto limit = [&](int column) {
    return rows.is_null(row, column) ? std::nullopt : std::optional(rows.integer(row, column));
  };
  state.budget_of = rows.integer(row, kBudgetOf);
  state.budget = {.tokens = limit(kBudgetTokens), .nano_usd = limit(kBudgetNanoUsd)};
  state.reserved = {.tokens = rows.integer(row, kReservedTokens),
                    .nano_usd = rows.integer(row, kReservedNanoUsd)};
  state.endpoint_reserved = {.tokens = rows.integer(row, kEndpointTokens),
                             .nano_usd = rows.integer(row, kEndpointNanoUsd)};
  state.day = rows.integer(row, kDay);
  return state;
}

std::optional<HeadRead> read_head(const pg::BinaryRows& rows, int row) {
  if (rows.is_null(row, kReadingSeconds)) return std::nullopt;
  return HeadRead{
      .head = {.live = rows.integer(row, kFirstLive), .backfill = rows.integer(row, kFirstBackfill)},
      .took = age_of(rows.real(row, kReadingSeconds))};
}

std::optional<std::string> read_problem(const pg::BinaryRows& rows, int row) {
  if (rows.is_null(row, kProblem)) return std::nullopt;
  return std::string(rows.bytes(row, kProblem));
}

std::string storable(std::string_view text, std::string_view encoding) {
  return encoding == "UTF8" || encoding == "SQL_ASCII" ? std::string(text) : utf8::to_ascii(text);
}

const pg::Statement& discard_plans_statement() {
  static const pg::Statement statement("DISCARD PLANS");
  return statement;
}

void read_waste(const pg::BinaryRows& rows, std::vector<Job>& jobs) {
  std::map<std::int64_t, Waste> wasted;
  for (int i = 0; i < rows.size(); ++i)
    wasted[rows.integer(i, 0)] = {.level = rows.real(i, 1), .ago = age_of(rows.real(i, 2))};
  for (Job& job : jobs)
    if (const auto found = wasted.find(static_cast<std::int64_t>(fingerprint_of(job.key)));
        found != wasted.end())
      job.wasted = found->second;
}

Error refusal_of(ClaimCode code, std::string_view reason, const Definition& definition, bool keep_messages) {
  // A function has caught the error, whatever it is.
  const pg::ServerError error{.sqlstate = std::string(reason.substr(0, 5)),
                              .message = std::string(reason.substr(std::min<std::size_t>(6, reason.size()))),
                              .context = "embedd.refusal()"};
  if (code == kChunkIsDead) return {ErrorKind::rejected, std::string(reason)};
  const std::string what = pg::describe(error, pg::Reader::log);
  if (code == kConditionFails) {
    Error out{ErrorKind::rejected, "the condition of --where fails on this row: " + what};
    if (keep_messages) out.verbatim = out.message + ": " + error.message;
    return out;
  }
  if (definition.encoding == "SQL_ASCII")
    return {ErrorKind::rejected,
            fmt::format(
                "the row's text is not UTF-8, and the database's encoding, SQL_ASCII, does not say what else "
                "it may be ({}); write it in UTF-8, and the row is embedded",
                what)};
  return {ErrorKind::rejected,
          fmt::format(
              "the row's text has a character that cannot be converted from {}, the database's encoding, to "
              "UTF-8 ({}); correct it, and the row is embedded",
              definition.encoding, what)};
}

ClaimRead read_claim(const pg::BinaryRows& rows, const Definition& definition, bool keep_messages,
                     Claim& claim) {
  enum Column {
    kOrder,
    kAttempt,
    kTask,
    kText,
    kHash,
    kRescued,
    kAge,
    kDue,
    kFull,
    kLiveReached,
    kBackfillReached,
    kWasted,
    kCutCharacters,
    kCutChunks,
    kCutState,
    kCutEnds,
    kWholeBytes,
    kKey
  };
  std::vector<int> order(static_cast<std::size_t>(rows.size()));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return rows.integer(a, kOrder) < rows.integer(b, kOrder); });
  std::vector<std::string_view> key(definition.key_columns.size());
  claim.jobs->reserve(order.size());
  for (const int row : order) {
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = rows.bytes(row, kKey + static_cast<int>(i));
    claim.rescued += rows.flag(row, kRescued) ? 1 : 0;
    Job& job =
        claim.jobs->emplace_back(Job{.vectorizer = claim.request.vectorizer,
                                     .lease = claim.request.lease,
                                     .key = pg::encode_key(key),
                                     .attempt = static_cast<int>(rows.integer(row, kAttempt)),
                                     .task = task_of(rows.integer(row, kTask), definition.store.has_value()),
                                     .text = std::string(rows.bytes(row, kText)),
                                     .text_hash = rows.integer(row, kHash),
                                     .rescued = rows.flag(row, kRescued)});
    if (job.task == Task::refused)
      job.refusal =
          std::make_shared<const Error>(refusal_of(static_cast<ClaimCode>(rows.integer(row, kTask)),
                                                   std::exchange(job.text, {}), definition, keep_messages));
    if (job.task == Task::cut) {
      job.cut_from = {.characters = rows.integer(row, kCutCharacters),
                      .chunks = static_cast<std::int32_t>(rows.integer(row, kCutChunks)),
                      .state = std::string(rows.bytes(row, kCutState))};
      job.cut_ends = rows.flag(row, kCutEnds);
      job.whole_bytes = static_cast<std::uint64_t>(rows.integer(row, kWholeBytes));
    }
    if (!rows.is_null(row, kAge)) job.age = age_of(static_cast<double>(rows.integer(row, kAge)) / 1e6);
  }
  if (order.empty()) return {};
  claim.more = rows.flag(0, kFull) || rows.integer(0, kDue) > rows.size();
  return {.reached =
              QueueHead{.live = rows.integer(0, kLiveReached), .backfill = rows.integer(0, kBackfillReached)},
          .wasted = rows.flag(0, kWasted)};
}

}  // namespace embedd::queue
