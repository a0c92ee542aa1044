// Random days: every fault there is, at random moments, on a seed. EMBEDD_SIM_SEEDS says how many days (1,000
// unless told), EMBEDD_SIM_SEED replays one; ./dev sim sets both.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "support/sim_world.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class Day {
 public:
  explicit Day(std::uint64_t seed) : world(seed), chance_(seed ^ 0xDA1) {}

  /// "" if every promise was kept.
  std::string run() {
    set_the_stage();
    const Duration length = 5min;
    for (Duration at{}; at < length; at += milliseconds(50 + below(900)))
      world.at(at, [this] { something_happens(); });
    world.run_for(length);
    all_faults_end();
    const bool calm = everything_settles();
    if (!world.violations.empty()) return world.violations.front();
    if (!calm && world.database.jobs() == 0) return "G1: reconcile never finished";
    return world.verdict();
  }

  World world;

 private:
  bool everything_settles() {
    return world.run_until([this] { return world.database.jobs() == 0 && reconciled(); }, 3h);
  }

  std::uint64_t below(std::uint64_t bound) { return chance_.below(bound); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  void set_the_stage() {
    thrifty_ = one_in(3);
    kills_ = !thrifty_ && one_in(2);
    const auto tables = 1 + below(3);
    for (std::uint64_t i = 0; i < tables; ++i)
      world.add_table(fmt::format("t{}", i), static_cast<int>(below(120)));
    world.provider.mood.latency = milliseconds(10 + below(500));
    world.provider.mood.jitter = milliseconds(below(2000));
    if (one_in(3)) world.provider.mood.random_faults = 0.1;
    world.answers_may_be_lost = !thrifty_;
    const auto workers = 1 + below(4);
    for (std::uint64_t i = 0; i < workers; ++i) world.start_worker();
  }

  VectorizerId some_table() { return static_cast<VectorizerId>(1 + below(world.database.tables.size())); }
  std::string some_key() { return fmt::format("{:04}", below(130)); }
  std::string some_text() {
    const auto kind = below(40);
    if (kind == 0) return fmt::format("poison {}", ++texts_);
    if (kind == 1) return fmt::format("long {} {}", ++texts_, std::string(300 + below(600), 'z'));
    if (kind < 4) return "";
    if (kind < 8 && !thrifty_) return "a common text";
    return fmt::format("text {}", ++texts_);
  }
  int some_worker() { return static_cast<int>(below(static_cast<std::uint64_t>(workers_started()))); }
  int workers_started() {
    int started = 0;
    for (;; ++started) try {
        (void)world.alive(started);
      } catch (const std::out_of_range&) {
        return started;
      }
  }

  void something_happens() {
    const VectorizerId id = some_table();
    const std::string key = some_key();
    Database& database = world.database;
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5: return database.put(id, key, some_text(), world.now());
      case 6: return database.remove(id, key);
      case 7: return database.update_behind_triggers(id, key, some_text());
      case 8:
      case 9: return hold_a_row(id, key);
      case 10: return provider_fails();
      case 11: return provider_recovers();
      case 12: return world.cut_connection(some_worker());
      case 13:
        return one_in(8) ? world.restart_database(milliseconds(100 + below(thrifty_ ? 10'000 : 40'000)))
                         : void();
      case 14: return a_worker_dies();
      case 15: return world.database.tables.at(id).refused_keys.insert(key), void();
      case 16: return pause_or_drop(id);
      case 17: return key_vanishes_for_a_while();
      case 18: return one_in(20) && !thrifty_ ? clock_jumps() : void();
      default: return bulk_load(id);
    }
  }

  void hold_a_row(VectorizerId id, const std::string& key) {
    const bool changes_text = one_in(2);
    if (!world.database.hold(id, key, changes_text)) return;
    const std::optional<std::string> text =
        changes_text && one_in(2) ? std::optional(some_text()) : std::nullopt;
    // A lease cannot be extended while a user's transaction rewrites its job; outliving the lease and then
    // rolling back is the one way in which a user makes us pay twice.
    const std::uint64_t longest = changes_text && thrifty_ ? 25'000 : 90'000;
    world.after(milliseconds(10 + below(longest)),
                [=, this] { world.database.finish(id, key, text, world.now()); });
  }

  void provider_fails() {
    switch (below(6)) {
      case 0:
        world.provider.mood.fault = Error{ErrorKind::rate_limited, "429", milliseconds(100 + below(20'000))};
        break;
      case 1: world.provider.mood.fault = Error{ErrorKind::quota_exhausted, "quota"}; break;
      case 2: world.provider.mood.fault = Error{ErrorKind::unauthenticated, "401"}; break;
      case 3: world.provider.mood.fault = Error{ErrorKind::invalid_answer, "NaN"}; break;
      default:
        world.provider.mood.fault = Error{ErrorKind::unavailable, "503"};
        world.provider.mood.bills_lost_answers = !thrifty_ && one_in(2);
    }
    // Answers that are wrong for everyone would blame the innocent, after enough of them: only for a moment.
    const Duration length = world.provider.mood.fault->kind == ErrorKind::invalid_answer
                                ? milliseconds(below(800))
                                : milliseconds(below(60'000));
    world.after(length, [this] { provider_recovers(); });
  }

  void provider_recovers() {
    world.provider.mood.fault.reset();
    world.provider.mood.bills_lost_answers = false;
  }

  void a_worker_dies() {
    if (!kills_) return;
    const int worker = some_worker();
    if (one_in(2))
      world.kill_worker(worker);
    else
      world.drain_worker(worker);
    world.after(milliseconds(below(10'000)), [this] { world.start_worker(); });
  }

  void pause_or_drop(VectorizerId id) {
    Table& table = world.database.tables.at(id);
    if (one_in(10)) {
      table.dropped = true;
      return;
    }
    table.vectorizer.paused = !table.vectorizer.paused;
  }

  void key_vanishes_for_a_while() {
    world.provider.key = KeyState::missing;
    world.after(milliseconds(below(20'000)), [this] {
      world.provider.key = KeyState::present;
      ++world.provider.key_version;
    });
  }

  /// The monotonic clock cannot go back, but a machine can sleep: everything due in the next hour comes late.
  void clock_jumps() {
    world.trace("the machine sleeps for a while");
    world.restart_database(minutes(2));
  }

  void bulk_load(VectorizerId id) {
    for (int i = 0; i < 40; ++i)
      world.database.put(id, fmt::format("b{:03}", below(400)), some_text(), world.now());
  }

  void all_faults_end() {
    provider_recovers();
    world.provider.mood.random_faults = 0;
    world.provider.key = KeyState::present;
    ++world.provider.key_version;
    for (auto& [id, table] : world.database.tables) {
      table.vectorizer.paused = false;
      table.reconciled = false;
      for (auto& [key, row] : table.rows) world.database.finish(id, key, std::nullopt, world.now());
    }
    world.start_worker();
  }

  bool reconciled() const {
    for (const auto& [id, table] : world.database.tables)
      if (!table.dropped && !table.reconciled) return false;
    return true;
  }

  Random chance_;
  bool thrifty_ =
      false;  ///< no fault that loses a paid answer, and every text unique: each is paid once (G12)
  bool kills_ = false;
  std::uint64_t texts_ = 0;
};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Seeds, EveryPromiseIsKeptOnEveryDay) {
  const std::uint64_t one = number_from("EMBEDD_SIM_SEED", 0);
  const std::uint64_t seeds = one != 0 ? 1 : number_from("EMBEDD_SIM_SEEDS", 1000);
  const std::uint64_t first = one != 0 ? one : number_from("EMBEDD_SIM_FIRST", 1);
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    Day day(seed);
    const std::string wrong = day.run();
    if (one != 0) std::cerr << day.world.story(20'000);
    ASSERT_EQ(wrong, "") << "\nseed " << seed << "; replay with ./dev sim --seed " << seed << "\n"
                         << day.world.story();
  }
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::cerr << fmt::format("{} seeds in {:.1f} s: {:.0f} a minute\n", seeds, elapsed,
                           60 * static_cast<double>(seeds) / elapsed);
}

}  // namespace
}  // namespace embedd::sim
