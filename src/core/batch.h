/// Leased jobs in this worker's memory, and how they are packed into one provider request.
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

/// A part of a text that is one input of a request.
struct Piece {
  std::size_t begin = 0, size = 0;  ///< bytes
  std::size_t tokens = 0;
};

/// A request that was refused, and whose jobs are asked for again in smaller requests.
struct Refusal {
  std::uint32_t inputs = 0;
  std::size_t jobs = 0;  ///< jobs that were not accepted yet
};

class EqualJobs;

/// A leased job, with what this worker knows of the job beyond the queue.
struct LeasedJob {
  Job job;
  std::optional<Instant> changed_at;        ///< when a user changed the text; none if no user did
  Instant lapses_at{};                      ///< the earliest end of the lease
  std::size_t max_tokens = 0;               ///< upper bound of the text's tokens
  bool counted = false;                     ///< max_tokens is the tokenizer's count
  std::vector<Piece> pieces;                ///< of a text that is too long for one input; empty: not divided
  bool narrowed = false;                    ///< the text has fewer pieces than were refused
  std::uint32_t wasted = 0;                 ///< purchases in vain under this lease
  std::uint32_t max_company = kAnyCompany;  ///< most jobs that may travel in the same request
  std::shared_ptr<Refusal> refusal;         ///< the last refused request that had this job
  unsigned heeded = 0;                      ///< refusals by whose numbers the text was cut
  std::shared_ptr<EqualJobs> equals;        ///< jobs with the same vector, while each is asked for alone
  static constexpr std::uint32_t kAnyCompany = std::numeric_limits<std::uint32_t>::max();
  /// True if a request with this job was refused before.
  [[nodiscard]] bool suspect() const { return max_company != kAnyCompany; }
};

/// The job without its text, for a settlement.
inline SettledJob settled(const LeasedJob& leased) {
  return {.key = leased.job.key,
          .lease = leased.job.lease,
          .text_hash = leased.job.text_hash,
          .wasted = leased.wasted};
}

/// The claimed jobs of a lane that are in no request yet: fresh jobs, and suspects, which were refused
/// before. Each kind is first in, first out. Requests are made of fresh jobs and of suspects in turn, so that
/// many bad rows delay no other row (G6).
class JobBuffer {
 public:
  JobBuffer() = default;
  JobBuffer(const JobBuffer&) = delete;
  JobBuffer& operator=(const JobBuffer&) = delete;

  /// Puts the job behind the others of its kind. A text that a user has just changed goes before texts of a
  /// backfill.
  void push_back(LeasedJob job) {
    text_bytes_ += job.job.text.size();
    if (job.suspect()) return suspects_.push_back(std::move(job));
    if (!job.changed_at) return fresh_.push_back(std::move(job));
    fresh_.insert(fresh_.begin() + static_cast<std::ptrdiff_t>(changes_), std::move(job));
    ++changes_;
  }
  /// Puts back what pop_front() took.
  void push_front(LeasedJob job) {
    text_bytes_ += job.job.text.size();
    if (chosen_ == &fresh_ && job.changed_at) ++changes_;
    chosen_->push_front(std::move(job));
  }
  /// Chooses the kind of the next request: pop_front() takes jobs of this kind until the next choice. The
  /// buffer must not be empty.
  void choose() { chosen_ = suspects_are_next() ? &suspects_ : &fresh_; }
  /// The kind that choose() would choose.
  std::deque<LeasedJob>& next() { return suspects_are_next() ? suspects_ : fresh_; }
  [[nodiscard]] bool chosen_empty() const { return chosen_->empty(); }
  LeasedJob pop_front() {
    LeasedJob job = std::move(chosen_->front());
    chosen_->pop_front();
    if (chosen_ == &fresh_ && changes_ > 0) --changes_;
    text_bytes_ -= job.job.text.size();
    return job;
  }
  std::vector<LeasedJob> take_all() {
    std::vector<LeasedJob> all;
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
      std::erase_if(*jobs, [&](const LeasedJob& leased) {
        if (!gone(leased)) return false;
        text_bytes_ -= leased.job.text.size();
        return true;
      });
    const auto changed = [](const LeasedJob& leased) { return leased.changed_at.has_value(); };
    changes_ = static_cast<std::size_t>(std::ranges::count_if(fresh_, changed));
  }
  [[nodiscard]] bool empty() const { return fresh_.empty() && suspects_.empty(); }
  [[nodiscard]] std::size_t size() const { return fresh_.size() + suspects_.size(); }
  [[nodiscard]] std::size_t bytes() const { return text_bytes_ + size() * sizeof(LeasedJob); }
  std::deque<LeasedJob>& fresh() { return fresh_; }
  std::deque<LeasedJob>& suspects() { return suspects_; }
  [[nodiscard]] const std::deque<LeasedJob>& fresh() const { return fresh_; }
  [[nodiscard]] const std::deque<LeasedJob>& suspects() const { return suspects_; }

 private:
  [[nodiscard]] bool suspects_are_next() const {
    return fresh_.empty() || (!suspects_.empty() && chosen_ == &fresh_);
  }

  std::deque<LeasedJob> fresh_, suspects_;
  std::deque<LeasedJob>* chosen_ = &fresh_;
  std::size_t changes_ = 0;  ///< how many jobs at the front of `fresh_` a user has just changed
  std::size_t text_bytes_ = 0;
};

/// Divides a text into pieces of up to `max_tokens` each.
void cut_into_pieces(LeasedJob& leased, std::size_t max_tokens, const Tokenizer& tokenizer);
/// The longest input that the text makes; a view into the text.
std::string_view longest_input(const LeasedJob& leased);

struct BatchLimits {
  std::uint32_t max_inputs = 0;
  std::size_t max_tokens = 0;
  std::size_t bytes_per_value = kLeastBytesPerValue;  ///< of the answer
  bool exact = false;  ///< count tokens, because a bound by bytes wastes a part of the limit
};

/// A text that no provider can object to. Whether the provider accepts this text tells bad rows from a bad
/// declaration.
inline constexpr std::string_view kCanary = "canary";

/// The jobs of one request. Equal texts share their inputs, so each is paid once (G12).
struct Batch {
  struct Input {
    std::size_t job = 0;  ///< index of the job whose text travels
    Piece piece;
  };

  std::uint64_t id = 0;
  Vectorizer vectorizer;  ///< as it was when the request was made
  std::vector<LeasedJob> jobs;
  std::vector<std::int32_t> slots;  ///< per job, the index of its first input
  std::vector<Input> travelling;
  std::size_t max_tokens = 0;  ///< upper bound over all inputs
  std::size_t bytes = 0;       ///< memory reserved: texts, the answer as received, its vectors
  Instant started_at{};
  std::uint32_t most_inputs = 1;  ///< inputs that the request could have had if the pace set no bound
  std::uint32_t company = 1;  ///< most requests in flight at the endpoint at once, this request among them
  std::size_t inputs_in_flight = 1;  ///< at the endpoint when the request started, this request's among them
  Instant heard_at{};                ///< the last sign of life of the endpoint that counts for this request
  Duration patience{};               ///< how long after `heard_at` the request is given up
  bool given_up = false;
  bool counted = false;  ///< max_tokens is the tokenizer's count
  bool canary = false;   ///< the request has no jobs, and kCanary is its one input

  /// When the request is given up unless the endpoint gives another sign of life.
  [[nodiscard]] Instant silent_at() const { return heard_at + patience; }
  [[nodiscard]] std::size_t input_count() const { return canary ? 1 : travelling.size(); }
  /// The request's inputs; views into `jobs`.
  [[nodiscard]] std::vector<std::string_view> inputs() const;
};

/// The request whose one input is kCanary.
Batch canary_batch(const Vectorizer& vectorizer, std::size_t bytes_per_value);

/// Takes jobs from `buffer` (not empty), oldest first, until no more fit; at least one. A job that is too
/// long for the room left stays in the buffer, first in line for the next request.
Batch pack(JobBuffer& buffer, const Vectorizer& vectorizer, const BatchLimits& limits,
           const Tokenizer& tokenizer);

/// Tokens of the batch that pack() would make, at most about `limits.max_tokens`. Counts the texts of the
/// jobs that pack() would take.
std::size_t tokens_ahead(JobBuffer& buffer, const BatchLimits& limits, const Tokenizer& tokenizer);

/// Replaces the vectors of a text's pieces by their mean, weighted by tokens and normalised. Returns, per
/// job, the slot of its vector.
std::vector<std::int32_t> join_pieces(const Batch& batch, Embeddings& vectors);

}  // namespace embedd
