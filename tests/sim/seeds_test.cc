// Random days: every fault there is, at random moments, on a seed. EMBEDD_SIM_SEEDS says how many days (1,000
// unless told), EMBEDD_SIM_SEED replays one; ./dev sim sets both.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "support/sim_articles.h"
#include "support/sim_world.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class Day {
 public:
  Day(std::uint64_t seed, bool tells) : world(seed), chance_(seed ^ 0xDA1), money_(seed ^ 0xB0D6E7) {
    world.tells = tells;
  }

  /// "" if every promise was kept.
  std::string run() {
    set_the_stage();
    things_happen_for(5min);
    // An outage of hours comes in the midst of it all, and leaves everything as it found it.
    if (one_in(25)) {
      the_provider_is_down_for_hours();
      things_happen_for(2min);
    }
    all_faults_end();
    const bool calm = everything_settles();
    if (!world.violations.empty()) return world.violations.front();
    if (!calm && world.database.jobs() == 0) return "G1: a walk never finished";
    return world.verdict();
  }

  [[nodiscard]] bool has_stores() const {
    return std::ranges::any_of(tables_, [this](VectorizerId id) { return is_store(id); });
  }
  [[nodiscard]] int switches() const { return switches_; }

  World world;

 private:
  void things_happen_for(Duration length) {
    for (Duration at{}; at < length; at += milliseconds(50 + below(900)))
      world.after(at, [this] { something_happens(); });
    run_for(length);
  }
  /// The day ends where a promise breaks, so that its story does, too.
  bool run_until(const std::function<bool()>& done, Duration at_most) {
    return world.run_until([&] { return !world.violations.empty() || done(); }, at_most);
  }
  void run_for(Duration length) {
    run_until([] { return false; }, length);
  }

  bool everything_settles() {
    return run_until([this] { return world.database.jobs() == 0 && walked(); }, 3h);
  }

  std::uint64_t below(std::uint64_t bound) { return chance_.below(bound); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  void set_the_stage() {
    thrifty_ = one_in(3);
    kills_ = !thrifty_ && one_in(2);
    changes_ = one_in(6);
    const auto tables = changes_ ? 1 : 1 + below(3);
    for (std::uint64_t i = 0; i < tables; ++i) {
      if (one_in(3))
        tables_.push_back(world.add_store(fmt::format("s{}", i), static_cast<int>(below(60))));
      else
        tables_.push_back(world.add_table(fmt::format("t{}", i), static_cast<int>(below(120))));
    }
    world.provider.mood.latency = milliseconds(10 + below(500));
    world.provider.mood.jitter = milliseconds(below(2000));
    if (one_in(3)) world.provider.mood.random_faults = 0.1;
    if (!thrifty_ && one_in(4)) world.provider.mood.slow_answers = 0.05;
    world.answers_may_be_lost = !thrifty_;
    const auto workers = 1 + below(4);
    if (money_.below(3) == 0) set_budgets();
    for (std::uint64_t i = 0; i < workers; ++i) start_worker();
  }

  /// Days pass quickly for budgets, which are reached, raised, lowered and taken away.
  void set_budgets() {
    world.database.day = seconds(30 + money_.below(300));
    world.provider.bills_tokens = true;
    world.options.prices.set("openai", "sim", 2.0);
    change_a_budget();
    for (Duration at{}; at < 5min; at += seconds(5 + money_.below(60)))
      world.after(at, [this] { change_a_budget(); });
  }
  void change_a_budget() {
    const auto tokens = static_cast<std::int64_t>(50 + money_.below(4000));
    Budget budget;
    if (money_.below(2) == 0) budget.tokens = tokens;
    if (money_.below(2) == 0) budget.nano_usd = 2000 * tokens;
    if (money_.below(2) == 0)
      world.set_budget(world.provider, "openai", budget);
    else
      world.set_budget(tables_[money_.below(tables_.size())], budget);
  }

  VectorizerId some_table() { return tables_[below(tables_.size())]; }
  [[nodiscard]] bool is_store(VectorizerId id) const { return world.database.tables.at(id).chunks != 0; }
  std::string some_key() { return fmt::format("{:04}", below(130)); }
  /// Of a store's row: the row's text, edited, or another one.
  std::string some_text(VectorizerId id, const std::string& key) {
    if (!is_store(id)) return some_text();
    const auto& rows = world.database.tables.at(id).rows;
    const auto row = rows.find(key);
    return articles_.next(row == rows.end() ? "" : row->second.text, thrifty_);
  }
  std::string some_text() {
    const auto kind = below(40);
    if (kind == 0) return fmt::format("poison {}", ++texts_);
    if (kind == 1) return fmt::format("long {} {}", ++texts_, std::string(300 + below(600), 'z'));
    if (kind < 4) return "";
    if (kind < 8 && !thrifty_) return "a common text";
    return fmt::format("text {}", ++texts_);
  }
  void start_worker() {
    world.start_worker();
    ++workers_;
  }
  int some_worker() { return static_cast<int>(below(workers_)); }

  void something_happens() {
    const VectorizerId id = some_table();
    const std::string key = some_key();
    if (changes_ && one_in(20)) return the_owner_acts(id);
    switch (below(27)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5: return put(id, key, some_text(id, key));
      case 6: return remove(id, key);
      case 7: return change_behind_the_triggers(id, key);
      case 8:
      case 9: return hold_a_row(id, key);
      case 10: return provider_fails();
      case 11: return provider_recovers();
      case 12: return world.cut_connection(some_worker());
      case 13:
        return one_in(8) ? world.restart_database(milliseconds(100 + below(thrifty_ ? 10'000 : 40'000)))
                         : void();
      case 14: return a_worker_dies();
      case 15: return refuse_the_vector(some_vectorizer_over(id), key);
      case 16: return pause_or_drop(some_vectorizer_over(id));
      case 17: return key_vanishes_for_a_while();
      case 18: return one_in(20) && !thrifty_ ? clock_jumps() : void();
      case 19: return one_in(5) ? a_worker_freezes() : void();
      case 20: return rename(id, key, some_key());
      case 21: return one_in(10) ? lock_the_table(id) : void();
      case 22: return one_in(10) && !thrifty_ ? read_texts_differently(some_vectorizer_over(id)) : void();
      case 23:
      case 24: return replace_the_vector(some_vectorizer_over(id), key);
      default: return bulk_load(id);
    }
  }

  void put(VectorizerId id, const std::string& key, const std::string& text) {
    world.tell("user puts {} {} '{:.20}'", world.table_name(id), key, text);
    world.database.put(id, key, text, world.database_now());
  }
  void remove(VectorizerId id, const std::string& key) {
    world.tell("user deletes {} {}", world.table_name(id), key);
    world.database.remove(id, key);
  }
  void rename(VectorizerId id, const std::string& key, const std::string& new_key) {
    // What is in flight or dead under the old key is bought again under the new one.
    const auto is_bought_again = [&](VectorizerId each) {
      const Table& table = world.database.tables.at(each);
      return (!is_store(each) && table.queue.contains(key)) || table.dead.contains(key);
    };
    if (thrifty_ && std::ranges::any_of(world.database.family(id), is_bought_again)) return;
    world.tell("user changes the key {0} {1} to {0} {2}", world.table_name(id), key, new_key);
    world.database.rename(id, key, new_key, world.database_now());
  }
  void change_behind_the_triggers(VectorizerId id, const std::string& key) {
    const std::string text = some_text(id, key);
    world.tell("behind the triggers {} {} becomes '{:.20}'", world.table_name(id), key, text);
    world.database.update_behind_triggers(id, key, text);
  }
  void replace_the_vector(VectorizerId id, const std::string& key) {
    if (is_store(id)) return write_to_the_store(id, key);
    const bool seen = thrifty_ || one_in(2);
    // What is dead, and what nobody saw, is bought again.
    if (thrifty_ && world.database.tables.at(id).dead.contains(key)) return;
    world.tell("user {}writes another vector to {} {}", seen ? "" : "behind the triggers ",
               world.table_name(id), key);
    const auto vector = one_in(3) ? std::optional(vector_of(some_text())) : std::nullopt;
    if (seen)
      world.database.replace_vector(id, key, vector, world.database_now());
    else
      world.database.replace_vector_behind_triggers(id, key, vector);
  }
  void write_to_the_store(VectorizerId id, const std::string& key) {
    if (thrifty_) return;  // what is gone is bought again
    const bool seen = one_in(2);
    const auto number = static_cast<int>(below(6));
    world.tell("user {}writes to chunk {} of {} {}", seen ? "" : "behind the triggers ", number,
               world.table_name(id), key);
    std::optional<StoredChunk> chunk;
    if (one_in(2)) chunk = StoredChunk{.chunk = "somebody's", .vector = vector_of(some_text())};
    if (seen)
      world.database.write_to_store(id, key, number, std::move(chunk), world.database_now());
    else
      world.database.write_to_store_behind_triggers(id, key, number, std::move(chunk));
  }
  void refuse_the_vector(VectorizerId id, const std::string& key) {
    world.tell("from now on the database refuses a vector for {} {}", world.table_name(id), key);
    world.database.tables.at(id).refused_keys.insert(key);
  }

  /// A user's transaction: of another column, or of the text, or a deletion; committed, or rolled back.
  void hold_a_row(VectorizerId id, const std::string& key) {
    const bool changes_text = one_in(2);
    if (!world.database.lock_row(id, key, changes_text)) return;
    world.tell("user holds {} {}{}", world.table_name(id), key, changes_text ? ", rewriting its job" : "");
    const bool deletes = changes_text && one_in(5);
    const std::optional<std::string> text =
        changes_text && one_in(2) ? std::optional(some_text(id, key)) : std::nullopt;
    // A lease cannot be extended while a user's transaction rewrites its job; outliving the lease and then
    // rolling back is the one way in which a user makes us pay twice.
    const std::uint64_t longest = changes_text && thrifty_ ? 25'000 : 90'000;
    world.after(milliseconds(10 + below(longest)), [=, this, before = waited_for_] {
      if (waited_for_ != before) return;  // the owner has waited for its end
      const std::string name = world.table_name(id);
      if (deletes) {
        world.tell("user commits the deletion of {} {}", name, key);
        return world.database.finish_by_removing(id, key);
      }
      world.tell("user lets go of {} {}{}", name, key, text ? fmt::format(", now '{:.20}'", *text) : "");
      world.database.finish(id, key, text, world.database_now());
    });
  }

  /// A migration's ACCESS EXCLUSIVE: every statement on the table runs into its lock timeout.
  void lock_the_table(VectorizerId id) {
    world.tell("a migration locks {}", world.table_name(id));
    for (const VectorizerId each : world.database.family(id)) world.database.tables.at(each).locked = true;
    world.after(milliseconds(below(thrifty_ ? 5'000 : 60'000)), [=, this] {
      for (const VectorizerId each : world.database.family(id)) world.database.tables.at(each).locked = false;
    });
  }

  /// Session settings differ: whatever is bought is thrown away when it is to be stored.
  void read_texts_differently(VectorizerId id) {
    world.tell("texts of {} read differently from now on", world.table_name(id));
    Table& table = world.database.tables.at(id);
    (one_in(2) ? table.reads_differently : table.rewrites_texts) = true;
    world.after(milliseconds(below(120'000)), [=, this] {
      world.tell("texts of {} read as they are", world.table_name(id));
      Table& table = world.database.tables.at(id);
      table.reads_differently = table.rewrites_texts = false;
    });
  }

  void a_worker_freezes() {
    const bool clock_stops = one_in(2);
    if (clock_stops) world.budgets_are_strict = false;
    world.freeze_worker(some_worker(), milliseconds(below(thrifty_ ? 3'000 : 150'000)), clock_stops);
  }

  void the_provider_is_down_for_hours() {
    provider_fails();
    if (world.provider.mood.fault->kind == ErrorKind::invalid_answer)
      world.provider.mood.fault = Error{ErrorKind::unavailable, "503"};
    outage_until_ = world.now() + minutes(60 + below(180));
    world.tell("the provider stays down for {:.0f} minutes", to_seconds(outage_until_ - world.now()) / 60);
    run_for(outage_until_ - world.now());
    provider_recovers();
  }

  void provider_fails() {
    if (world.now() < outage_until_) return;
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
    world.tell("provider answers {} from now on", world.provider.mood.fault->message);
    world.after(length, [this] { provider_recovers(); });
  }

  void provider_recovers() {
    if (world.now() < outage_until_) return;
    if (world.provider.mood.fault) world.tell("provider recovers");
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
    world.after(milliseconds(below(10'000)), [this] { start_worker(); });
  }

  void pause_or_drop(VectorizerId id) {
    Table& table = world.database.tables.at(id);
    if (one_in(10) && world.database.family(id).size() == 1) {
      world.tell("{} is dropped", world.table_name(id));
      table.dropped = true;
      return;
    }
    table.vectorizer.stopped = !table.vectorizer.stopped;
    world.tell("{} is {}", world.table_name(id), table.vectorizer.stopped ? "paused" : "resumed");
  }

  VectorizerId some_vectorizer_over(VectorizerId source) {
    const std::vector<VectorizerId> all = world.database.family(source);
    return all.empty() ? source : all[below(all.size())];
  }
  /// Begins a change, or goes on with it, or back. What is refused, the owner leaves.
  void the_owner_acts(VectorizerId source) {
    Database& database = world.database;
    const VectorizerId living = database.living(source);
    if (living == 0) return;
    // The owner waits for the table's lock until all users have let go, or in vain.
    if (!one_in(5)) {
      ++waited_for_;
      for (const auto& [key, row] : database.tables.at(source).rows)
        database.finish(source, key, std::nullopt, world.database_now());
    }
    const std::string name = world.table_name(living);
    const bool next = database.related(living, &Table::next_of) != 0;
    const bool old = database.related(living, &Table::old_of) != 0;
    if (!next && (!old || one_in(4))) {
      if (database.begin_change(living, fmt::format(" ~{}", ++templates_)) != 0)
        world.tell("the owner begins a change of {}", name);
    } else if (next && one_in(6)) {
      if (database.cancel_change(living)) world.tell("the owner gives the change of {} up", name);
    } else if (old && (next || one_in(3))) {
      if (database.prune(living)) world.tell("the owner drops what {} has replaced", name);
    } else if (database.switch_places(living, old, one_in(2))) {
      ++switches_;
      world.tell("the owner switches {}{}", name, old ? " back" : "");
    }
  }

  void key_vanishes_for_a_while() {
    world.tell("the key vanishes for a while");
    world.provider.key = KeyState::missing;
    world.after(milliseconds(below(20'000)), [this] {
      world.provider.key = KeyState::present;
      ++world.provider.key_version;
    });
  }

  /// Of the database, that is: a worker's own clock cannot be set, it only stands still while its machine
  /// sleeps.
  void clock_jumps() {
    const auto by = seconds(below(600));
    world.budgets_are_strict = false;
    world.set_database_clock(one_in(2) ? by : -by);
  }

  void bulk_load(VectorizerId id) {
    for (int i = 0; i < 40; ++i) {
      const std::string key = fmt::format("b{:03}", below(400));
      put(id, key, some_text(id, key));
    }
  }

  void all_faults_end() {
    world.tell("all faults end");
    provider_recovers();
    world.provider.limits.budget = {};
    for (auto& [id, table] : world.database.tables) table.budget = {};
    world.provider.mood.random_faults = world.provider.mood.slow_answers = 0;
    world.provider.key = KeyState::present;
    ++world.provider.key_version;
    for (auto& [id, table] : world.database.tables) {
      table.vectorizer.stopped = false;
      table.walked = table.locked = table.reads_differently = table.rewrites_texts = false;
      walks_before_[id] = table.walks_begun;
      for (auto& [key, row] : table.rows) world.database.finish(id, key, std::nullopt, world.database_now());
    }
    start_worker();
  }

  /// By a walk that began when all faults were over: what changed unseen behind an earlier one is the next
  /// one's to find.
  bool walked() const {
    for (const auto& [id, table] : world.database.tables)
      if (!table.dropped && table.walk_finished <= walks_before_.at(id)) return false;
    return true;
  }

  std::map<VectorizerId, std::uint64_t> walks_before_;  ///< when all faults ended
  std::vector<VectorizerId> tables_;                    ///< that users write to
  Random chance_;
  Random money_;  ///< of its own, so that budgets change nothing else of a day
  Articles articles_{chance_};
  bool thrifty_ =
      false;  ///< no fault that loses a paid answer, and every text unique: each is paid once (G12)
  bool kills_ = false;
  bool changes_ = false;
  int waited_for_ = 0;  ///< how often users' transactions had to end for the owner
  int switches_ = 0;
  int templates_ = 0;
  std::uint64_t workers_ = 0;
  Instant outage_until_{};
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
  std::uint64_t with_stores = 0;
  int switches = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    Day day(seed, one != 0);
    const std::string wrong = day.run();
    with_stores += day.has_stores() ? 1 : 0;
    switches += day.switches();
    if (one != 0) std::cerr << day.world.story(100'000);
    if (wrong.empty()) continue;
    Day again(seed, true);  // the same day, told this time
    EXPECT_EQ(again.run(), wrong);
    FAIL() << wrong << "\nseed " << seed << "; replay with ./dev sim --seed " << seed << "\n"
           << again.world.story(200);
  }
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::cerr << fmt::format("{} seeds, {} of them with stores, {} switches, in {:.1f} s: {:.0f} a minute\n",
                           seeds, with_stores, switches, elapsed, 60 * static_cast<double>(seeds) / elapsed);
}

}  // namespace
}  // namespace embedd::sim
