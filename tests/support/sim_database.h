/// A database in memory with the semantics of embedd's schema: source rows, triggers, queue, ledger, dead
/// letters, stores of chunks, and vectorizers that change places.
///
/// Statements are functions that run at one simulated instant, as one transaction each. Users' open
/// transactions hold rows; what they changed becomes visible when they commit. The rules here mirror the SQL
/// of src/pg; the contract suite (tests/contract/queue_contract.h) holds both to the same behaviour.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/job.h"
#include "core/queue.h"
#include "support/sim_chunks.h"

namespace embedd::sim {

std::int64_t hash_of(const std::string& text);
/// What the simulated model makes of a text: four finite floats, never all zero.
std::vector<float> vector_of(const std::string& text);
/// No text at all, or nothing but white space: such a row has no vector.
bool blank(const std::string& text);

struct Row {
  std::string text;
  std::optional<std::vector<float>> vector;
  bool held = false;          ///< by a user's open transaction
  bool text_pending = false;  ///< that transaction has changed the text (its job is locked too)
  bool operator==(const Row&) const = default;
};

struct QueuedJob {
  Instant run_at{};
  int attempt = 0;
  int priority = 0;
  std::optional<LeaseToken> lease;
  std::optional<std::vector<float>> kept;
  std::int64_t kept_hash = 0;
  Instant kept_at{};
  Instant changed_at{};
  // Of a row that is cut: how far, and of which text.
  ChunkCursor cut{};
  std::int64_t cut_hash = 0;
  bool cut_through = false;  ///< all of the row's chunks are staged
  bool operator==(const QueuedJob&) const = default;
};

struct DeadLetter {
  ErrorKind kind{};
  std::string message;
  std::int64_t text_hash = 0;
  bool operator==(const DeadLetter&) const = default;
};

/// That a row's vector, or its chunks in the store, are of its text.
struct Proof {
  std::int64_t text_hash = 0;
  std::vector<float> vector;
  StoredChunks chunks{};
  int repairs = 0;  ///< since the text changed: by walks that found another vector
  bool operator==(const Proof&) const = default;
};

struct Contents {
  std::map<std::string, Row> rows;
  std::map<std::string, QueuedJob> queue;
  std::map<std::string, Proof> ledger;
  std::map<std::string, DeadLetter> dead;
  std::map<std::string, StoredChunks> store;  ///< by key
  bool operator==(const Contents&) const = default;
};

/// A vectorizer with its source's rows as its template shows them. Vectorizers over one source have the same
/// rows, each with texts and vectors of its own.
struct Table : Contents {
  Vectorizer vectorizer;
  VectorizerId source = 0;  ///< the first vectorizer over these rows: its texts are the users' own
  std::string label;        ///< the template's: behind the first word of each part of the users' text
  std::string destination;  ///< the name of the column, or of the store
  VectorizerId next_of = 0, old_of = 0;
  bool dropped = false;
  bool refuses_writes = false;         ///< every complete fails: privileges were revoked
  bool refuses_walks = false;          ///< every page of a walk fails: a privilege is missing
  bool locked = false;                 ///< under a migration's ACCESS EXCLUSIVE: statements time out
  std::size_t takes_rows = 1'000'000;  ///< at a time; more take so long that they are canceled
  bool reads_differently = false;      ///< a text has another hash when it is to be stored than when claimed
  std::set<std::string> unlike_keys;   ///< the same, for these rows
  bool rewrites_texts = false;         ///< a trigger of the user's, whenever a vector is stored
  bool extends = true;                 ///< leases, if asked to; else the statements time out
  std::set<std::string> refused_keys;  ///< a user's constraint or trigger refuses these rows' vectors
  bool walked = false;
  Instant walked_at{};
  std::uint64_t walks_begun = 0;
  std::uint64_t walk_finished = 0;  ///< which of them it was
  Instant walk_until{};
  int walker = -1;            ///< the worker that walks
  bool walk_routine = false;  ///< the walk under way was due by the clock
  std::optional<Contents> walk_began_with,
      walked_with;  ///< as of when that walk, and the last complete one, began
  Instant walk_put_off_at{};
  // With a store only:
  ChunksOfRows<StagedChunk> staged;
  ChunksOfRows<PlacedChunk> placed;
  VectorizerId chunks = 0;           ///< the vectorizer of what waits for vectors; 0: no store
  std::size_t window = 40;           ///< characters of a text that are cut at a time
  std::set<std::string> written_to;  ///< rows whose chunks somebody else has written to
  Budget budget;
};

class Database {
 public:
  /// Told of every change that the invariants care about.
  struct Witness {
    std::function<void(const Table&, const std::string& key, const std::string& text)> stored;
    std::function<void(const Table&, const std::string& key, ErrorKind)> charged;
    /// The row's chunks have come into the store.
    std::function<void(const Table&, const std::string& key)> swapped;
  };

  std::map<VectorizerId, Table> tables;
  struct Account {
    Instant requests_at{}, tokens_at{};
  };
  std::map<std::string, Account> accounts;  ///< by name
  struct Spending {
    std::int64_t day = 0;
    Cost reserved;
  };
  std::map<std::string, Spending> budgets_spent;  ///< by name
  Duration day = std::chrono::hours(24);          ///< shorter, where a test wants many
  struct Limits {
    LearnedLimits limits;
    Instant at{};
  };
  std::map<std::tuple<std::string, std::string, int>, Limits> limits;  ///< by endpoint, model, dimensions
  struct WastedRow {
    double level = 0;
    Instant at{};
  };
  std::map<std::pair<VectorizerId, std::string>, WastedRow> wasted;  ///< by row
  bool forgets_waste = false;  ///< somebody empties the table all the time
  std::map<std::string, std::set<std::pair<VectorizerId, std::string>>>
      owners;  ///< of each text, rows that ever had it
  Witness witness;
  Duration walk_every = std::chrono::hours(1);
  Duration page_takes = milliseconds(1);  ///< of a walk
  Duration walking{};                     ///< all pages together

  // What users do. Each is a committed transaction unless it says otherwise; a row that another transaction
  // holds is left alone. What they do to a row is seen by each vectorizer over the row's source.
  void put(VectorizerId id, const std::string& key, const std::string& text, Instant now);
  void update_behind_triggers(VectorizerId id, const std::string& key, const std::string& text);
  /// Writes to the vector itself, as an ORM does that saves whole rows.
  void replace_vector(VectorizerId id, const std::string& key, std::optional<std::vector<float>> vector,
                      Instant now);
  void replace_vector_behind_triggers(VectorizerId id, const std::string& key,
                                      std::optional<std::vector<float>> vector);
  /// Writes to a chunk in the store; nullopt deletes the chunk. Nothing happens if there is no such chunk.
  void write_to_store(VectorizerId id, const std::string& key, int number, std::optional<StoredChunk> chunk,
                      Instant now);
  void write_to_store_behind_triggers(VectorizerId id, const std::string& key, int number,
                                      std::optional<StoredChunk> chunk);
  void remove(VectorizerId id, const std::string& key);
  /// Changes a row's key; nothing happens if there is no such row, or another has the new key.
  void rename(VectorizerId id, const std::string& key, const std::string& new_key, Instant now);
  /// Opens a transaction that holds the row, with or without a change of its text.
  bool lock_row(VectorizerId id, const std::string& key, bool changes_text);
  /// Ends that transaction: commits `new_text`, or rolls back (or had changed something else only).
  void finish(VectorizerId id, const std::string& key, const std::optional<std::string>& new_text,
              Instant now);
  /// Ends that transaction with the row's deletion.
  void finish_by_removing(VectorizerId id, const std::string& key);

  // What the owner does (sim_successors.cc): one transaction each, which takes the table's lock. What is
  // refused, or finds a user's transaction on the table, changes nothing.
  /// Declares a successor of the vectorizer, with another template; 0: refused.
  VectorizerId begin_change(VectorizerId living, const std::string& label);
  /// The vectorizer and its successor, or (`back`) what it has replaced, change their places.
  bool switch_places(VectorizerId living, bool back, bool incomplete);
  bool cancel_change(VectorizerId living);
  bool prune(VectorizerId living);
  /// Which vectorizer has this one as its next_of or old_of; 0: none.
  [[nodiscard]] VectorizerId related(VectorizerId living, VectorizerId Table::* relation) const;
  /// The vectorizer over this source that has the name; 0: it is dropped.
  [[nodiscard]] VectorizerId living(VectorizerId source) const;
  /// The vectorizers over the same source that are not dropped, this one among them.
  [[nodiscard]] std::vector<VectorizerId> family(VectorizerId id) const;

  // What the adapter does: one statement each. `called`: the destination's name when the worker last polled.
  Claim claim(const ClaimRequest& request, const std::string& called, Instant now);
  Receipt settle(const Settlement& settlement, const std::string& called, Instant now);
  std::vector<VectorizerState> poll(Instant now);
  /// The destinations' names, which a poll tells, too.
  [[nodiscard]] std::map<VectorizerId, std::string> destinations() const;
  WalkPage walk(VectorizerId id, const Key& cursor, int worker, const std::string& called, Instant now);
  /// Until what is reserved may be used.
  Duration reserve(const Reservation& reservation, Instant now);
  BudgetAnswer::Part spend(const BudgetRequest& request, Instant now);
  void remember(const LimitsRecord& record, Instant now);
  [[nodiscard]] std::int64_t day_of(Instant now) const;

  [[nodiscard]] std::size_t jobs() const;
  /// The vector of what waits, or of what was placed and still stands in the store; null: nobody has bought
  /// it.
  [[nodiscard]] const std::vector<float>* vector_of_chunk(const Table& table, const std::string& sent) const;

 private:
  std::uint64_t rewritten_ = 0;
  std::uint64_t asked_ = 0;
  /// Dropped ones, too.
  template <typename What>
  void each_over(VectorizerId id, What what) {
    const VectorizerId source = tables.at(id).source;
    for (auto& [other, table] : tables)
      if (table.source == source) what(table);
  }
  void tell_budget(const Table& table, Instant now, VectorizerState& state) const;
  void put_one(Table& table, const std::string& key, const std::string& users_text, Instant now);
  void remove_one(Table& table, const std::string& key);
  void rename_one(Table& table, const std::string& key, const std::string& new_key, Instant now);
  /// What a statement made for this name writes to. Null: it fails, since its vectorizer's destination has
  /// another name by now.
  Table* destination(Table& table, const std::string& called);
  [[nodiscard]] bool in_use(VectorizerId id) const;
  [[nodiscard]] bool lacks_rows(const Table& coming, const Table& living) const;
  void rename_vectorizer(Table& table, const std::string& name);
  bool drop_with_vectors(VectorizerId id);
  void enqueue(Table& table, const std::string& key, int priority, Instant now);
  bool begin_walk(Table& table, int worker, Instant now, WalkPage::Progress& progress);
  Job lease(Table& table, const std::string& key, QueuedJob& queued, const ClaimRequest& request,
            Instant now);
  // `at`: where it is written.
  Outcome settle_one(Table& table, Table& at, const Settlement& settlement, const SettledJob& job,
                     Instant now);
  Outcome complete_one(Table& table, Table& at, const Settlement& settlement, const SettledJob& job,
                       QueuedJob& queued, Instant now);
  Outcome clear_one(Table& table, Table& at, const SettledJob& job, QueuedJob& queued, Instant now);

  // Stores (sim_store.cc).
  void lease_of_store(const Table& table, const std::string& text, const QueuedJob& queued, Job& job) const;
  [[nodiscard]] bool all_known(const Table& table, const std::string& key) const;
  Outcome stage_one(Table& table, const SettledJob& job, QueuedJob& queued, Instant now);
  Outcome swap_one(Table& table, Table& at, const Settlement& settlement, const SettledJob& job,
                   QueuedJob& queued, Instant now);
  void ask_for(const Table& table, const std::string& sent, Instant now);
  /// Of these chunks, those that no row has staged any more.
  void unask(const Table& table, const std::set<std::string>& sent);
  void unstage(Table& table, const std::string& key);
  void set_aside(Table& table, const std::string& key);
  /// The chunk has its vector: rows that wait for no other chunk are due.
  void arrived(Table& table, const std::string& sent, Instant now);
  void forget_chunks(Table& table, const std::string& key);
  void move_chunks(Table& table, const std::string& key, const std::string& new_key);
  /// What a page of a walk clears away.
  void sweep(Table& table);
};

/// What the vectorizer's template makes of a user's text.
std::string templated(const Table& table, const std::string& users_text);

// What sim_database.cc, sim_store.cc, sim_successors.cc and sim_walks.cc share.

std::unexpected<Error> no_such_table();
std::unexpected<Error> lock_timeout();
/// The row has a vector, or its chunks in the store.
bool stores(const Table& table, const std::string& key);
/// What is stored for the row was computed of this text.
bool is_proven(const Table& table, const std::string& key, std::int64_t text_hash);
/// Nobody else has written what is stored for the row.
bool is_as_proven(const Table& table, const std::string& key);
/// Every chunk that was placed for the row stands in the store.
bool has_chunks(const Table& table, const std::string& key);
/// A worker comes back to a job that it could not carry out since `kept_at`.
void give_back(QueuedJob& queued, Instant now);

}  // namespace embedd::sim
