#include "core/requests_in_flight.h"

#include <algorithm>
#include <cmath>

namespace embedd {

namespace {

/// If answers take less, the inputs in flight still grow, and a trial would show nothing.
constexpr Duration kLong = milliseconds(1900);
/// If answers take less, it does no harm to try again what did not help.
constexpr Duration kPrompt = seconds(1);
/// Twice as many requests are worth it if they bring this much more.
constexpr double kWorthIt = 0.2;
/// A third more requests are kept if they bring this part of a third more.
constexpr double kWorthKeeping = 0.35;
/// If the inputs in flight grow by more than kMoreInFlight, they must bring kWorthMoreInFlight of that
/// growth. A worker that takes more of a shared server gains at most the other tenth.
constexpr double kMoreInFlight = 1.2, kWorthMoreInFlight = 0.9;
/// Beyond these ratios the server has become slower or faster meanwhile.
constexpr double kLeastRatio = 0.7, kMostRatio = 1.25, kMuchLonger = 3;
/// How many answers to compare: as many as requests are in flight, and at least these.
constexpr double kLeastAnswers = 3;
/// Compare until the mean is known this well, or until there are this many answers.
constexpr double kKnown = 0.05, kEnoughRounds = 4, kEnoughAnswers = 16;
/// Inputs in flight always go up and down a little; requests follow only a fall by this factor.
constexpr double kFewer = 1.25;
constexpr Duration kLongestRest = minutes(5);

}  // namespace

void RequestsInFlight::Sample::add(const Answered& answer) {
  ++answers_;
  const auto inputs = static_cast<double>(answer.inputs);
  const double seen = to_seconds(answer.took) / inputs;
  const double off = seen - seconds_per_input_;
  seconds_per_input_ += off / answers_;
  squares_ += off * (seen - seconds_per_input_);
  took_ += (to_seconds(answer.took) - took_) / answers_;
  inputs_ += (inputs - inputs_) / answers_;
}

bool RequestsInFlight::Sample::enough(std::uint32_t requests) const {
  if (answers_ < std::max<double>(requests, kLeastAnswers)) return false;
  if (answers_ >= std::max(kEnoughRounds * requests, kEnoughAnswers)) return true;
  return std::sqrt(squares_ / (answers_ - 1) / answers_) <= kKnown * seconds_per_input_;
}

std::uint32_t RequestsInFlight::count(std::uint32_t most) const {
  const std::uint32_t count = trying() ? trial_ : slow_ ? found_ : std::max(found_, full_);
  return std::clamp(count, 1U, std::max(most, 1U));
}

void RequestsInFlight::answered(const Answered& answer, double full, std::uint32_t most, Instant now) {
  follow(full, most, now);
  if (trying()) {
    const bool endless = ++trial_answers_ > 2 * kEnoughRounds * count_ + kEnoughAnswers;
    if (endless || to_seconds(answer.took) > kMuchLonger * here_.took()) return give_up_trial(now);
  }
  // Only answers with the expected number in flight count: for want of jobs or of memory fewer may be in
  // flight.
  if (answer.started_at < since_ || answer.company != count_) return;
  Sample& sample = trying() ? there_ : here_;
  sample.add(answer);
  if (!sample.enough(count_)) return;
  if (trying()) return judge(most, now);
  enough_here(most, now);
}

/// Follows the inputs in flight, or the configuration, which may have changed the number.
void RequestsInFlight::follow(double full, std::uint32_t most, Instant now) {
  if (full >= full_ + 1.0 || full_ >= kFewer * full)
    full_ = static_cast<std::uint32_t>(std::clamp(full, 1.0, 1e6));
  const std::uint32_t wanted = count(most);
  if (wanted == count_) return;
  count_ = wanted;
  since_ = now;
  here_ = Sample();
}

void RequestsInFlight::enough_here(std::uint32_t most, Instant now) {
  const double took = here_.took();
  if (now >= rests_until_ && took >= to_seconds(kLong)) {
    found_ = count_;
    slow_ = true;
    return try_more(most, now);
  }
  if (now >= rests_until_ && took < to_seconds(kPrompt)) slow_ = false;
  here_ = Sample();  // a trial is compared with the answers just before
}

void RequestsInFlight::try_more(std::uint32_t most, Instant now) {
  const std::uint32_t more = std::min(2 * found_, std::max(most, 1U));
  if (more == found_) return try_fewer(now);
  begin_trial(more, now);
}

void RequestsInFlight::try_fewer(Instant now) {
  if (found_ == 1) return rest(now);
  begin_trial(found_ - std::max(1U, found_ / 4), now);
}

void RequestsInFlight::begin_trial(std::uint32_t requests, Instant now) {
  trial_ = count_ = requests;
  trial_answers_ = 0;
  there_ = Sample();
  since_ = now;
}

void RequestsInFlight::judge(std::uint32_t most, Instant now) {
  if (disturbed()) return give_up_trial(now);
  const bool more = trial_ > found_, found = more_are_worth_it() == more;
  if (found) {
    found_ = trial_;
    here_ = there_;
    rest_ = kFirstRest;
  }
  if (more && found) return try_more(most, now);
  if (more || found) return try_fewer(now);
  rest(now);
}

bool RequestsInFlight::disturbed() const {
  const double requests = static_cast<double>(trial_) / found_;
  const double ratio = there_.rate(trial_) / here_.rate(found_);
  return requests > 1 ? ratio < kLeastRatio || ratio > kMostRatio * requests
                      : ratio > 1 / kLeastRatio || ratio < requests / kMostRatio;
}

/// True if the larger of the two numbers is worth it.
bool RequestsInFlight::more_are_worth_it() const {
  const bool more = trial_ > found_;
  const double few = more ? here_.rate(found_) : there_.rate(trial_);
  const double many = more ? there_.rate(trial_) : here_.rate(found_);
  const double gained = many / few - 1;
  const double at_best = static_cast<double>(std::max(found_, trial_)) / std::min(found_, trial_) - 1;
  const double here = found_ * here_.inputs(), there = trial_ * there_.inputs();
  const double in_flight = more ? there / here : here / there;
  if (in_flight > kMoreInFlight) return gained >= kWorthMoreInFlight * std::min(in_flight - 1, at_best);
  return gained >= (more ? kWorthIt : kWorthKeeping) * at_best;
}

void RequestsInFlight::give_up_trial(Instant now) {
  trial_ = 0;
  here_ = Sample();
  since_ = now;
}

void RequestsInFlight::rest(Instant now) {
  give_up_trial(now);
  rests_until_ = now + rest_;
  rest_ = std::min(2 * rest_, kLongestRest);
}

void RequestsInFlight::too_much(std::uint32_t requests, Instant now) {
  give_up_trial(now);
  found_ = full_ = std::max(1U, requests / 2);
  slow_ = false;
  rest_ = kFirstRest;
  rests_until_ = now + kFirstRest;
}

}  // namespace embedd
