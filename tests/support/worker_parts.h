/// The state of a worker on quiet ports, for tests of the parts that share the state (core/worker_state.h).
///
///   class Keeping : public WorkerParts {…};
///   keeper.buffer(notes, jobs({"a", "b"}), now);
///   EXPECT_THAT(settled(), ElementsAre("reschedule a b"));
///
/// A quiet port keeps what it is sent, and answers only what the test puts there.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/embedder.h"
#include "core/job.h"
#include "core/job_keeper.h"
#include "core/observer.h"
#include "core/queue.h"
#include "core/worker_state.h"
#include "support/bar_chunker.h"
#include "support/byte_tokens.h"

namespace embedd::test {

class QuietQueue final : public Queue {
 public:
  bool connected = true;
  std::vector<std::shared_ptr<const Settlement>> settlements;
  std::vector<Reservation> reservations;
  std::vector<BudgetRequest> budget_requests;
  std::vector<LimitsRecord> limits;
  std::vector<Receipt> receipts;  ///< the next take_receipts() returns these

  void send_poll(const Heartbeat&) override {}
  std::optional<Poll> take_poll() override { return std::nullopt; }
  std::vector<VectorizerId> take_hints() override { return {}; }
  void send_claim(const ClaimRequest&) override {}
  std::vector<Claim> take_claims() override { return {}; }
  void send_settlement(std::shared_ptr<const Settlement> settlement) override {
    settlements.push_back(std::move(settlement));
  }
  std::vector<Receipt> take_receipts() override { return std::exchange(receipts, {}); }
  void send_walk(VectorizerId, const Key&) override {}
  std::vector<WalkPage> take_walked() override { return {}; }
  void send_reservation(const Reservation& reservation) override { reservations.push_back(reservation); }
  std::vector<Reserved> take_reserved() override { return {}; }
  void send_budget_request(const BudgetRequest& request) override { budget_requests.push_back(request); }
  std::vector<BudgetAnswer> take_budget_answers() override { return {}; }
  void send_limits(const LimitsRecord& record) override { limits.push_back(record); }
  [[nodiscard]] bool ready() const override { return connected; }
};

class QuietEmbedder final : public Embedder {
 public:
  struct Request {
    std::uint64_t id = 0;
    std::string endpoint;
    std::vector<std::string> texts;
  };
  std::vector<Request> requests;
  std::vector<std::uint64_t> given_up;
  EndpointLimits endpoint_limits{.max_in_flight = 4};
  std::map<std::pair<std::string, std::string>, LeftOut> without;  ///< by endpoint and model

  void start(const EmbedRequest& request) override {
    requests.push_back({request.id, request.endpoint, {request.inputs.begin(), request.inputs.end()}});
  }
  std::vector<Reply> take_replies() override { return {}; }
  void give_up(std::uint64_t id) override { given_up.push_back(id); }
  void cancel_all() override {}
  KeyState key_state(const std::string&) override { return KeyState::present; }
  [[nodiscard]] EndpointLimits limits(const std::string&) const override { return endpoint_limits; }
  [[nodiscard]] LeftOut left_out(const std::string& endpoint, const std::string& model) const override {
    const auto found = without.find({endpoint, model});
    return found == without.end() ? LeftOut{} : found->second;
  }
  void leave_out(const std::string& endpoint, const std::string& model, LeftOut which) override {
    without[{endpoint, model}] = which;
  }
};

/// Keeps what it is told of rows, in words.
class Told final : public PartialObserver {
 public:
  std::vector<std::string> events;

  void rescheduled(const Vectorizer& vectorizer, ErrorKind kind, std::size_t jobs, bool charged) override;
  void discarded(const Vectorizer& vectorizer, ErrorKind kind, const std::string& message) override;
  void truncated(const Vectorizer& vectorizer, std::size_t tokens) override;
  void braked(const Vectorizer& vectorizer, std::size_t jobs, const std::string& why) override;
  void abandoned(const Vectorizer& vectorizer, std::size_t inputs, Duration silence) override;
  void equal_vectors(const Vectorizer& vectorizer, std::size_t texts, bool refused) override;
  void vectorizer_resting(const Vectorizer& vectorizer, const std::string& message, Duration pause) override;
  void budget_changed(const BudgetNews& news) override;
};

/// As the tests compare settlements: "complete a=0 b=1", "reschedule a b after 60 s", "charge a for rejected:
/// no", "discard a for rejected: no", "extend a b", "stage a, 0 on: x y, then from 4". A purchase in vain is
/// told as "a (1 in vain)".
std::string words_of(const Settlement& settlement);

/// A worker that serves the vectorizer "notes" at the endpoint "openai".
class WorkerParts : public testing::Test {
 protected:
  explicit WorkerParts(const WorkerOptions& options = {});

  Lane& add_lane(VectorizerId id, const std::string& name, const std::string& endpoint = "openai");
  EndpointGate& gate(const std::string& endpoint = "openai") { return state.endpoints.gate(endpoint); }

  /// A job whose lease was taken just now. Without a text, its text is "text of " and its key.
  LeasedJob job(const Key& key, std::string text = "");
  std::vector<LeasedJob> jobs(const std::vector<Key>& keys);
  /// The job's row has been bought so often that it waits now.
  void wear_out(const LeasedJob& leased);
  /// Has the jobs in flight in one request; returns its id.
  std::uint64_t in_flight(Lane& lane, std::vector<LeasedJob> jobs);
  /// The keys of the fresh jobs, then of the suspects.
  static std::vector<Key> buffered(const Lane& lane);

  /// Settlements that were sent since the last call, in words.
  std::vector<std::string> settled();
  /// Requests that were sent since the last call: their texts, with a space between them.
  std::vector<std::string> asked();
  /// What the observer was told since the last call.
  std::vector<std::string> told() { return std::exchange(observer.events, {}); }

  QuietQueue queue;
  QuietEmbedder embedder;
  ByteTokens tokens;
  BarChunker chunker;
  Told observer;
  WorkerState state;
  JobKeeper keeper{state};
  Lane& notes;
  Instant now{seconds(1'000'000)};
};

}  // namespace embedd::test
