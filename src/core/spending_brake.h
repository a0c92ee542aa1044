/// Decides when a row may be bought again, whatever its queue says (G12).
///
///   if (const auto wait = brake.wait(job, now); wait.length > Duration{}) …give the job back for that long…
///   brake.bought(job, now);  // its text goes out with a request
///   brake.refunded(job);     // … that cannot have cost anything
///
/// Purchases are counted, and forgotten at an even rate: eight an hour of the same text of a row, sixty of
/// all texts of a row. A text whose count is below eight is bought: four times at once, then after 1, 2, 4
/// and 8 seconds, then as its purchases are forgotten. So in any hour the same text is bought at most
/// kSameTextAnHour times, and a row at most kAnyTextAnHour times. A row that a user edits without end waits a
/// minute at most.
///
/// Every purchase counts, whatever came of it: a row whose vector was stored does not come back, so only
/// failures come back. Purchases in vain by other workers count too, as far as the queue remembers them
/// (Job::wasted).
///
/// Memory is fixed: of the rows of the last hour, those with the highest counts are remembered, then the
/// latest.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/job.h"

namespace embedd {

class SpendingBrake {
 public:
  static constexpr unsigned kAtOnce = 4;  ///< purchases of a text without a pause
  static constexpr unsigned kSameText = 8, kAnyText = 60;
  static constexpr unsigned kSameTextAnHour = 2 * kSameText, kAnyTextAnHour = 2 * kAnyText;
  static constexpr double kForgottenASecond = kSameText / 3600.0;  ///< purchases of the same text
  static constexpr Duration kLongestPause = seconds(3600 / kSameText);
  static constexpr std::size_t kRows = 16'384;  ///< rows remembered: 640 KiB

  explicit SpendingBrake(std::size_t rows = kRows);

  struct Wait {
    Duration length{};    ///< from now; not positive: the job's text may be bought
    bool edited = false;  ///< the row was bought too often, with many texts
  };
  [[nodiscard]] Wait wait(const Job& job, Instant now) const;
  void bought(const Job& job, Instant now);
  /// The last purchase cost nothing for certain, because the request was refused.
  void refunded(const Job& job);
  /// The last purchase failed at the provider.
  void failed(const Job& job);
  /// True if the job's text fails again and again, so that it should not make other texts fail.
  [[nodiscard]] bool travels_alone(const Job& job) const;

 private:
  struct Purchases {
    std::uint64_t row = 0;  ///< fingerprint; 0: none
    std::int64_t text = 0;  ///< hash of the last one
    Instant last{};         ///< the last purchase, and the time of the counts
    float same = 0;         ///< count of the last text
    float any = 0;
    bool failed = false;  ///< at the provider
  };
  [[nodiscard]] const Purchases* find(const Job& job) const;
  [[nodiscard]] Purchases* find(const Job& job) {
    return const_cast<Purchases*>(std::as_const(*this).find(job));
  }
  Purchases& make_room(std::uint64_t row, Instant now);

  std::vector<Purchases> purchases_;  ///< in sets; the row's fingerprint chooses the set
};

/// The number by which workers name a row to each other: the same in every worker and every release.
std::uint64_t fingerprint_of(const Key& key);

/// Why the same texts are bought again and again.
enum class WasteReason {
  unknown,
  stale,   ///< the text read differently when its vector was to be stored
  failed,  ///< the provider's answers were no good
  lapsed,  ///< workers died, or took longer than their leases
  edited,  ///< not in vain: the row has a new text each time
};
/// The reason in a sentence, for a person.
std::string explain(WasteReason reason);

}  // namespace embedd
