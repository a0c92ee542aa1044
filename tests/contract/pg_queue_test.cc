// The Queue contract on PostgreSQL. Names are mixed-case and need quotes, as users' names do.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <charconv>

#include "contract/queue_contract.h"
#include "contract/store_contract.h"
#include "queue/pg_queue.h"
#include "schema/migrate.h"
#include "schema/successor.h"
#include "schema/switch.h"
#include "schema/vectorizers.h"
#include "support/private_postgres.h"
#include "support/queue_turn.h"

namespace embedd::test {
namespace {

class PgWorld : public QueueWorld {
 public:
  /// Claims read the queue from its beginning, or go on where the last one ended, as where that is slow.
  enum class Claims { from_the_beginning, going_on };

  explicit PgWorld(Claims claims)
      : PgWorld(claims, {.name = "notes",
                         .table = "\"Notes\"",
                         .text = "{Body}",
                         .column = "embedding",
                         .model_id_column = "model_id",
                         .model_version_column = "model_version"}) {}

  PgWorld(Claims claims, const schema::VectorizerSpec& spec)
      : claims_(claims), db_(database_.connect()), user_(database_.connect()) {
    pg::Connection embedd = database_.connect_embedd();
    CHECK(schema::migrate(embedd).has_value(), "migrate");
    run(db_,
        "CREATE TABLE \"Notes\" (\"Id\" integer PRIMARY KEY, \"Body\" text, embedding vector(3), model_id "
        "text, "
        "model_version text)");
    const auto created = schema::create_vectorizer(embedd, spec);
    CHECK(created.has_value(), "{}", created.error().message);
    id_ = created->id;
    const Duration slow = claims == Claims::going_on ? Duration{} : std::chrono::hours(1);
    queue_.emplace(queue::PgQueueOptions{.database = Secret(database_.worker_url()),
                                         .worker = {7},
                                         .thorough_polls = true,
                                         .addresses = {{"openai", "here"}},
                                         .slow_reading = slow},
                   clock_, [] {});
    wait_for(*queue_, [&]() -> std::optional<bool> {
      (void)queue_->take_claims();
      (void)queue_->take_receipts();
      return queue_->ready() ? std::optional(true) : std::nullopt;
    });
    poll();  // loads the declarations
  }

  Queue& queue() override { return *queue_; }
  [[nodiscard]] VectorizerId vectorizer() const override { return id_; }
  [[nodiscard]] Key key_of(int row) const override {
    std::string column;
    pg::append_number(column, static_cast<std::int32_t>(row));
    const std::string_view columns[] = {column};
    return pg::encode_key(columns);
  }

  void put_row(int row, std::optional<std::string> text, Capture capture) override {
    as_user(capture, "INSERT INTO \"Notes\" (\"Id\", \"Body\") VALUES ($1, $2)",
            {std::to_string(row), std::move(text)});
  }
  void update_text(int row, std::optional<std::string> text, Capture capture) override {
    as_user(capture, "UPDATE \"Notes\" SET \"Body\" = $2 WHERE \"Id\" = $1",
            {std::to_string(row), std::move(text)});
  }
  void put_vector(int row, std::optional<std::vector<float>> vector, Capture capture) override {
    pg::Param value;
    if (vector) value = fmt::format("[{}]", fmt::join(*vector, ","));
    as_user(capture, "UPDATE \"Notes\" SET embedding = $2::vector WHERE \"Id\" = $1",
            {std::to_string(row), value});
  }
  void delete_row(int row) override {
    as_user(Capture::seen, "DELETE FROM \"Notes\" WHERE \"Id\" = $1", {std::to_string(row)});
  }

  void hold_row(int row, std::optional<std::string> text) override {
    run(user_, "BEGIN");
    if (text)
      run(user_, "UPDATE \"Notes\" SET \"Body\" = $2 WHERE \"Id\" = $1",
          {std::to_string(row), std::move(text)});
    else
      run(user_, "SELECT FROM \"Notes\" WHERE \"Id\" = $1 FOR UPDATE", {std::to_string(row)});
  }
  void release() override { run(user_, "COMMIT"); }

  VectorizerId begin_change() override {
    pg::Connection owner = database_.connect_embedd();
    const auto living = schema::find_vectorizer(owner, "notes");
    CHECK(living.has_value(), "{}", living.error().message);
    const auto spec = schema::successor_spec(*living, {.text = "{Body} next"});
    CHECK(spec.has_value(), "{}", spec.error().message);
    const auto declared = schema::begin_change(owner, *living, *spec);
    if (!declared) return 0;
    database_.grant_worker();
    return declared->info.id;
  }
  bool switch_places(Switch how) override {
    pg::Connection owner = database_.connect_embedd();
    return schema::switch_vectorizer(
               owner, "notes", {.back = how == Switch::back, .incomplete = how != Switch::when_complete})
        .has_value();
  }
  bool cancel_change() override {
    pg::Connection owner = database_.connect_embedd();
    return schema::cancel_change(owner, "notes").has_value();
  }
  bool prune() override {
    pg::Connection owner = database_.connect_embedd();
    return schema::prune_vectorizer(owner, "notes").has_value();
  }

  void set_budget(const Budget& budget) override {
    const auto text = [](const auto& limit) {
      return limit ? pg::Param(std::to_string(*limit)) : pg::Param();
    };
    run(db_,
        "UPDATE embedd.vectorizers SET budget_tokens_per_day = $1, budget_usd_per_day = $2::numeric / 1e9",
        {text(budget.tokens), text(budget.nano_usd)});
  }
  void next_day() override { run(db_, "UPDATE embedd.spending SET day = day - 1"); }

  std::optional<std::vector<float>> vector_of(int row, const std::string& ending) override {
    const std::string text = value_of(
        db_, "SELECT embedding" + ending + "::text FROM \"Notes\" WHERE \"Id\" = $1", {std::to_string(row)});
    if (text == "NULL" || text.empty()) return std::nullopt;
    std::vector<float> out;
    for (const char* at = text.data() + 1; at < text.data() + text.size();) {
      float value = 0;
      at = std::from_chars(at, text.data() + text.size(), value).ptr + 1;
      out.push_back(value);
    }
    return out;
  }
  std::size_t jobs() override { return count("embedd.queue_" + std::to_string(id_)); }
  std::size_t dead_letters() override { return count("embedd.dead_letters"); }

  void advance(Duration duration) override {
    const std::string seconds = std::to_string(to_seconds(duration));
    for (const std::string& queue : queues())
      run(db_,
          "UPDATE " + queue +
              " SET run_at = run_at - $1 * interval '1 s', kept_at = kept_at - $1 * interval '1 s'",
          {seconds});
    run(db_, "UPDATE embedd.wasted SET wasted_at = wasted_at - $1 * interval '1 s'", {seconds});
    run(db_, "UPDATE embedd.learned_limits SET learned_at = learned_at - $1 * interval '1 s'", {seconds});
    run(db_,
        "UPDATE embedd.vectorizers SET walked_at = walked_at - $1 * interval '1 s', walk_until "
        "= walk_until - $1 * interval '1 s', created_at = created_at - $1 * interval '1 s', "
        "walk_put_off_at = walk_put_off_at - $1 * interval '1 s'",
        {seconds});
    // Jobs that are moved in time are found by a poll at the latest.
    if (claims_ == Claims::going_on) poll();
  }
  void turn() override { test::turn(*queue_); }
  [[nodiscard]] bool knows_history() override {
    return value_of(db_, "SELECT current_setting('server_version_num')::int >= 150000") == "t";
  }

 protected:
  void poll() {
    queue_->send_poll({});
    const Poll poll = wait_for(*queue_, [&] { return queue_->take_poll(); });
    CHECK(poll.has_value() && !poll->empty(), "the vectorizer is listed");
  }
  void as_user(Capture capture, const std::string& sql, std::initializer_list<pg::Param> params) {
    if (capture == Capture::unseen) run(db_, "SET session_replication_role = replica");
    run(db_, sql, params);
    run(db_, "RESET session_replication_role");
    if (knows_history()) run(db_, "SELECT pg_stat_force_next_flush()");
  }
  [[nodiscard]] virtual std::vector<std::string> queues() const {
    return {"embedd.queue_" + std::to_string(id_)};
  }
  pg::Connection& db() { return db_; }
  std::size_t count(const std::string& table) {
    return std::stoul(value_of(db_, "SELECT count(*) FROM " + table));
  }

 private:
  const Claims claims_;
  TestDatabase database_;
  pg::Connection db_;
  pg::Connection user_;
  SystemClock clock_;
  VectorizerId id_ = 0;
  std::optional<queue::PgQueue> queue_;
};

class PgStoreWorld final : public PgWorld, public StoreWorld {
 public:
  PgStoreWorld()
      : PgWorld(Claims::from_the_beginning, {.name = "notes",
                                             .table = "\"Notes\"",
                                             .text = "{Body}",
                                             .store = "chunks",
                                             .chunk = "recursive:32",
                                             .dimensions = 3}) {}

  [[nodiscard]] VectorizerId chunks_vectorizer() const override { return vectorizer() + 1; }
  [[nodiscard]] std::size_t window() const override { return queue::kWindowCharacters; }

  void change_key(int row, int new_row) override {
    as_user(Capture::seen, "UPDATE \"Notes\" SET \"Id\" = $2 WHERE \"Id\" = $1",
            {std::to_string(row), std::to_string(new_row)});
  }
  void put_vector_of_chunk(int row, int chunk, const std::vector<float>& vector, Capture capture) override {
    as_user(capture, "UPDATE chunks SET embedding = $3::vector WHERE \"Id\" = $1 AND chunk_seq = $2",
            {std::to_string(row), std::to_string(chunk), fmt::format("[{}]", fmt::join(vector, ","))});
  }
  void delete_chunk(int row, int chunk, Capture capture) override {
    as_user(capture, "DELETE FROM chunks WHERE \"Id\" = $1 AND chunk_seq = $2",
            {std::to_string(row), std::to_string(chunk)});
  }

  std::vector<std::string> stored(int row, const std::string& ending) override {
    const auto rows = db().exec("SELECT chunk || '=' || (embedding::real[])[1] FROM chunks" + ending +
                                    " WHERE \"Id\" = $1 ORDER BY chunk_seq",
                                {std::to_string(row)});
    CHECK(rows.has_value(), "{}", rows.error().message);
    std::vector<std::string> out;
    for (int i = 0; i < rows->size(); ++i) out.emplace_back(rows->view(i, 0));
    return out;
  }
  std::size_t staged() override { return count("embedd.staged_" + std::to_string(vectorizer())); }
  std::size_t waiting() override { return count("embedd.chunks_" + std::to_string(vectorizer())); }

 protected:
  [[nodiscard]] std::vector<std::string> queues() const override {
    return {"embedd.queue_" + std::to_string(vectorizer()),
            "embedd.queue_" + std::to_string(chunks_vectorizer())};
  }
};

std::unique_ptr<QueueWorld> make_pg_world() {
  return std::make_unique<PgWorld>(PgWorld::Claims::from_the_beginning);
}
std::unique_ptr<QueueWorld> make_pg_world_whose_claims_go_on() {
  return std::make_unique<PgWorld>(PgWorld::Claims::going_on);
}

std::unique_ptr<QueueWorld> make_pg_store_world() { return std::make_unique<PgStoreWorld>(); }

/// The worker may be gone when the last answers come: what it handed over is the queue's. Under
/// AddressSanitizer a reference into the worker would be found.
TEST(PgQueueAtItsEnd, ReadsAnswersToSettlementsThatNobodyElseHolds) {
  auto world = std::make_unique<PgWorld>(PgWorld::Claims::from_the_beginning);
  Queue& queue = world->queue();
  for (int row = 1; row <= 2; ++row) world->put_row(row, "text", Capture::seen);
  queue.send_claim({.vectorizer = world->vectorizer(),
                    .lease = {1},
                    .lease_time = std::chrono::minutes(5),
                    .max_rows = 2,
                    .max_text_bytes = 1 << 20});
  std::vector<Claim> claims;
  while (claims.empty()) {
    world->turn();
    claims = queue.take_claims();
  }
  ASSERT_TRUE(claims.front().jobs.has_value());

  Settlement settlement{.vectorizer = world->vectorizer(),
                        .action = Action::discard,
                        .model_id = "model",
                        .model_version = "model-1",
                        .requests = 1,
                        .tokens = 5,
                        .message = "of no use"};
  for (const Job& job : *claims.front().jobs)
    settlement.jobs.push_back({.key = job.key, .lease = job.lease, .text_hash = job.text_hash, .slot = -1});
  queue.send_settlement(std::make_shared<const Settlement>(std::move(settlement)));
  while (world->jobs() > 0) {
  }
  world.reset();  // the answer is there, unread
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Postgres, QueueContract, testing::Values(&make_pg_world));
INSTANTIATE_TEST_SUITE_P(Postgres, StoreContract, testing::Values(&make_pg_store_world));
INSTANTIATE_TEST_SUITE_P(PostgresGoingOn, QueueContract, testing::Values(&make_pg_world_whose_claims_go_on));

}  // namespace embedd::test
