/// Jobs under lease in this worker's memory, and how they are packed into one provider request.
#pragma once

#include <algorithm>
#include <deque>
#include <iterator>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "core/answer_size.h"
#include "core/job.h"
#include "core/queue.h"
#include "core/tokenizer.h"

namespace embedd {

/// A stretch of a text that is one input of a request.
struct Piece {
  std::size_t begin = 0, size = 0;  ///< bytes
  std::size_t tokens = 0;
};

/// A request that was refused, whose jobs are asked for in smaller ones.
struct Refusal {
  std::uint32_t inputs = 0;
  std::size_t jobs = 0;  ///< not accepted yet
};

class EqualJobs;

/// A claimed job, with what this worker knows of it beyond the queue.
struct HeldJob {
  Job job;
  std::optional<Instant> changed_at;        ///< when its text changed, if a user did it
  Instant lapses_at{};                      ///< when our lease ends, at the earliest
  std::size_t max_tokens = 0;               ///< upper bound of the text's tokens
  bool counted = false;                     ///< max_tokens is what the tokenizer counts
  std::vector<Piece> pieces;                ///< of a text too long for one input; empty: it travels whole
  bool narrowed = false;                    ///< with fewer pieces than were refused
  std::uint32_t wasted = 0;                 ///< purchases in vain under this lease
  std::uint32_t max_company = kAnyCompany;  ///< most jobs it may travel with
  std::shared_ptr<Refusal> refusal;         ///< the last that it was part of
  unsigned heeded = 0;                      ///< refusals whose numbers it was cut by
  std::shared_ptr<EqualJobs> equals;        ///< those whose vector it had, while they are asked for alone
  static constexpr std::uint32_t kAnyCompany = std::numeric_limits<std::uint32_t>::max();
  /// It was refused before, with others or alone.
  [[nodiscard]] bool suspect() const { return max_company != kAnyCompany; }
};

/// The job without its text, for a settlement.
inline SettledJob settled(const HeldJob& held) {
  return {
      .key = held.job.key, .lease = held.job.lease, .text_hash = held.job.text_hash, .wasted = held.wasted};
}

/// Fresh jobs, and suspects: those that were refused before, with others or alone. Each first in, first out,
/// and requests are made of one and the other in turn, so that a bulk of bad rows holds nobody up (G6).
class JobBuffer {
 public:
  JobBuffer() = default;
  JobBuffer(const JobBuffer&) = delete;
  JobBuffer& operator=(const JobBuffer&) = delete;

  /// Behind its like; a text that a user has just changed goes before those of a backfill.
  void push_back(HeldJob job) {
    text_bytes_ += job.job.text.size();
    if (job.suspect()) return suspects_.push_back(std::move(job));
    if (!job.changed_at) return fresh_.push_back(std::move(job));
    fresh_.insert(fresh_.begin() + static_cast<std::ptrdiff_t>(changes_), std::move(job));
    ++changes_;
  }
  /// Puts back what pop_front() took.
  void push_front(HeldJob job) {
    text_bytes_ += job.job.text.size();
    if (turn_ == &fresh_ && job.changed_at) ++changes_;
    turn_->push_front(std::move(job));
  }
  /// Whose turn it is: pop_front() takes from there until the next choice. Not empty.
  void choose() { turn_ = suspects_are_next() ? &suspects_ : &fresh_; }
  /// What choose() would choose.
  std::deque<HeldJob>& next_turn() { return suspects_are_next() ? suspects_ : fresh_; }
  [[nodiscard]] bool chosen_empty() const { return turn_->empty(); }
  HeldJob pop_front() {
    HeldJob job = std::move(turn_->front());
    turn_->pop_front();
    if (turn_ == &fresh_ && changes_ > 0) --changes_;
    text_bytes_ -= job.job.text.size();
    return job;
  }
  std::vector<HeldJob> take_all() {
    std::vector<HeldJob> all;
    all.reserve(size());
    for (auto* jobs : {&fresh_, &suspects_}) {
      std::move(jobs->begin(), jobs->end(), std::back_inserter(all));
      jobs->clear();
    }
    text_bytes_ = changes_ = 0;
    return all;
  }
  /// Removes every job for which `gone` is true.
  template <typename Predicate>
  void erase_if(Predicate gone) {
    for (auto* jobs : {&fresh_, &suspects_})
      std::erase_if(*jobs, [&](const HeldJob& held) {
        if (!gone(held)) return false;
        text_bytes_ -= held.job.text.size();
        return true;
      });
    const auto changed = [](const HeldJob& held) { return held.changed_at.has_value(); };
    changes_ = static_cast<std::size_t>(std::ranges::count_if(fresh_, changed));
  }
  [[nodiscard]] bool empty() const { return fresh_.empty() && suspects_.empty(); }
  [[nodiscard]] std::size_t size() const { return fresh_.size() + suspects_.size(); }
  [[nodiscard]] std::size_t bytes() const { return text_bytes_ + size() * sizeof(HeldJob); }
  std::deque<HeldJob>& fresh() { return fresh_; }
  std::deque<HeldJob>& suspects() { return suspects_; }
  [[nodiscard]] const std::deque<HeldJob>& fresh() const { return fresh_; }
  [[nodiscard]] const std::deque<HeldJob>& suspects() const { return suspects_; }

 private:
  [[nodiscard]] bool suspects_are_next() const {
    return fresh_.empty() || (!suspects_.empty() && turn_ == &fresh_);
  }

  std::deque<HeldJob> fresh_, suspects_;
  std::deque<HeldJob>* turn_ = &fresh_;
  std::size_t changes_ = 0;  ///< how many of the first of `fresh_` a user has just changed
  std::size_t text_bytes_ = 0;
};

/// Divides a text into pieces of up to `max_tokens` each.
void cut_into_pieces(HeldJob& held, std::size_t max_tokens, const Tokenizer& tokenizer);
/// The longest input that the text makes; a view into it.
std::string_view longest_input(const HeldJob& held);

struct BatchLimits {
  std::uint32_t max_inputs = 0;
  std::size_t max_tokens = 0;
  std::size_t bytes_per_value = kLeastBytesPerValue;  ///< of the answer
  bool exact = false;  ///< count every text: where tokens are scarce, the bound by bytes wastes them
};

/// A text that no provider can object to. Whether it is accepted tells bad rows from a bad declaration.
inline constexpr std::string_view kCanary = "canary";

/// The jobs of one request. Equal texts share their inputs: paid once (G12).
struct Batch {
  struct Input {
    std::size_t job = 0;  ///< the one whose text travels
    Piece piece;
  };

  std::uint64_t id = 0;
  Vectorizer vectorizer;  ///< as it was when the request was made
  std::vector<HeldJob> jobs;
  std::vector<std::int32_t> slots;  ///< per job, its first input
  std::vector<Input> travelling;
  std::size_t max_tokens = 0;  ///< upper bound over all inputs
  std::size_t bytes = 0;       ///< memory reserved: texts, the answer on the wire, its vectors
  Instant started_at{};
  std::uint32_t most_inputs = 1;     ///< that it could have had if the endpoint's pace were no object
  std::uint32_t company = 1;         ///< requests in flight at the endpoint, itself among them, at most
  std::size_t inputs_in_flight = 1;  ///< at the endpoint when it started, its own among them
  Instant heard_at{};                ///< the endpoint's last sign of life that counts for it
  Duration patience{};               ///< since then, before it is given up
  bool given_up = false;
  bool counted = false;  ///< max_tokens is what the tokenizer counts
  bool canary = false;   ///< no jobs: the one input is kCanary

  /// When it is given up unless its endpoint gives a sign of life before.
  [[nodiscard]] Instant silent_at() const { return heard_at + patience; }
  [[nodiscard]] std::size_t input_count() const { return canary ? 1 : travelling.size(); }
  /// The request's inputs; views into `jobs`.
  [[nodiscard]] std::vector<std::string_view> inputs() const;
};

/// The request that asks about kCanary.
Batch canary_batch(const Vectorizer& vectorizer, std::size_t bytes_per_value);

/// Takes jobs from `buffer` (not empty), oldest first, until no more fit; at least one. A job that is too
/// long for the room that is left stays where it is, first in line for the next request.
Batch pack(JobBuffer& buffer, const Vectorizer& vectorizer, const BatchLimits& limits,
           const Tokenizer& tokenizer);

/// Tokens of the batch that pack() would make, at most about `limits.max_tokens`. Counts what it looks at.
std::size_t tokens_ahead(JobBuffer& buffer, const BatchLimits& limits, const Tokenizer& tokenizer);

/// Replaces the vectors of a text that travelled in pieces by their mean, weighted by tokens and normalised.
/// Returns, per job, the slot of its vector.
std::vector<std::int32_t> join_pieces(const Batch& batch, Embeddings& vectors);

}  // namespace embedd
