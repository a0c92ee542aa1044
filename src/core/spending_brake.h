/// Says when a row may be bought again, whatever its queue says of it (G12).
///
///   if (const auto wait = brake.wait(job, now); wait.length > Duration{}) …give the job back for that long…
///   brake.bought(job, now);  // its text goes out with a request
///   brake.refunded(job);     // … that cannot have cost anything
///
/// Purchases are counted and forgotten evenly: eight an hour of the same text of a row, sixty of all its
/// texts. The same text is bought while it counts for less than eight: four times at once, then after 1, 2, 4
/// and 8 seconds, then as its purchases are forgotten. So it is bought at most kSameTextAnHour times in any
/// hour, and a row at most kAnyTextAnHour times; a row that a user edits without end waits for a minute at
/// most.
///
/// No outcome is believed in: what was stored is not bought again, so that only what went wrong comes back.
/// What was bought in vain by other workers counts, too, as far as the queue tells (Job::wasted).
///
/// Memory is fixed: of the rows of the last hour, those that count for most are remembered, then the latest.
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
  static constexpr std::size_t kRows = 16'384;  ///< remembered: 640 KiB

  explicit SpendingBrake(std::size_t rows = kRows);

  struct Wait {
    Duration length{};    ///< from now on; not positive: the job's text may be bought
    bool edited = false;  ///< it is the row that was bought too often, in many texts
  };
  [[nodiscard]] Wait wait(const Job& job, Instant now) const;
  void bought(const Job& job, Instant now);
  /// The last purchase cost nothing for certain: the request was refused.
  void refunded(const Job& job);
  /// The last purchase failed at the provider.
  void failed(const Job& job);
  /// Its text fails again and again, and should not take others along.
  [[nodiscard]] bool travels_alone(const Job& job) const;

 private:
  struct Purchases {
    std::uint64_t row = 0;  ///< fingerprint; 0: nobody's
    std::int64_t text = 0;  ///< hash of the last one
    Instant last{};         ///< purchase; the counts are as of then
    float same = 0;         ///< of the last text
    float any = 0;
    bool failed = false;  ///< at the provider
  };
  [[nodiscard]] const Purchases* find(const Job& job) const;
  [[nodiscard]] Purchases* find(const Job& job) {
    return const_cast<Purchases*>(std::as_const(*this).find(job));
  }
  Purchases& make_room(std::uint64_t row, Instant now);

  std::vector<Purchases> purchases_;  ///< in sets; a row is in the set that its fingerprint says
};

/// By which workers know a row among themselves: the same in each of them, and in each release.
std::uint64_t fingerprint_of(const Key& key);

/// Why the same texts are bought again and again.
enum class WasteReason {
  unknown,
  stale,   ///< thrown away when they were to be stored: the text read differently
  failed,  ///< the provider's answers were no good
  lapsed,  ///< workers died, or took longer than their leases
  edited,  ///< not in vain: the text is another each time
};
/// For a person.
std::string explain(WasteReason reason);

}  // namespace embedd
