/// What every Queue must do for a vectorizer with a store, as one suite that runs on the real PgQueue and on
/// the simulation's fake.
///
/// A world's one vectorizer cuts the texts of its rows, and puts their chunks into a store. A test says
/// itself what a text is cut into. The world is a QueueWorld, too (contract/queue_contract.h).
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "contract/queue_contract.h"
#include "core/job.h"
#include "core/queue.h"

namespace embedd::test {

class StoreWorld {
 public:
  virtual ~StoreWorld() = default;
  /// The internal vectorizer of the chunks that wait for vectors.
  [[nodiscard]] virtual VectorizerId chunks_vectorizer() const = 0;
  /// Characters of a text that a claim brings at most.
  [[nodiscard]] virtual std::size_t window() const = 0;

  /// What users do, each in a transaction of its own that commits at once.
  virtual void change_key(int row, int new_row) = 0;
  virtual void put_vector_of_chunk(int row, int chunk, const std::vector<float>& vector,
                                   Capture capture = Capture::seen) = 0;
  virtual void delete_chunk(int row, int chunk, Capture capture = Capture::seen) = 0;

  /// The row's chunks in the store, in order, as "text=first value of the vector". `ending`: as of
  /// QueueWorld::vector_of.
  [[nodiscard]] virtual std::vector<std::string> stored(int row, const std::string& ending = "") = 0;
  /// Chunks that are on their way into the store, of all rows.
  [[nodiscard]] virtual std::size_t staged() = 0;
  /// Chunks that wait for vectors, or have them and are not in the store yet.
  [[nodiscard]] virtual std::size_t waiting() = 0;
};

class StoreContract : public QueueContract {
 protected:
  [[nodiscard]] StoreWorld& store() { return dynamic_cast<StoreWorld&>(world()); }

  /// Stages what the job's text is cut into; `rest`: the text goes on after so many characters.
  Settlement staging(const Job& job, const std::vector<std::string>& chunks, std::int64_t rest = 0);
  Outcome stage(const Job& job, const std::vector<std::string>& chunks, std::int64_t rest = 0);
  /// Puts the row and stages its chunks.
  void stage_row(int row, const std::string& text, const std::vector<std::string>& chunks);
  /// Claims all chunks that are due; their texts.
  std::vector<std::string> claim_chunks();
  /// Buys the chunks of the last claim_chunks(): the first value of a vector is the number of bytes of its
  /// text.
  std::vector<Outcome> buy_chunks();
  /// Claims and buys all chunks that are due; their texts.
  std::vector<std::string> buy_all();
  /// Swaps the one row that is due.
  Outcome swap();
  /// Puts the row, and has its chunks in the store.
  void store_row(int row, const std::string& text, const std::vector<std::string>& chunks);
  /// "2 jobs, 1 chunk jobs, 1 waiting, 3 staged"
  std::string left_over();

 private:
  std::vector<Job> chunk_jobs_;
};

}  // namespace embedd::test
