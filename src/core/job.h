/// A vectorizer and its jobs as the worker sees them, and the vectors that an embedder computes for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/recycling_allocator.h"
#include "base/units.h"

namespace embedd {

using VectorizerId = std::int64_t;

/// The key columns of one source row, in the Queue's own form. The worker compares keys and hashes them.
using Key = std::string;

/// The fence: a random value, new for every claim. A job may be settled only while the queue still has this
/// token for it.
using LeaseToken = std::array<std::uint8_t, 16>;

/// What to do with a text that is longer than the model takes.
enum class LongTexts {
  truncate,  ///< embed the beginning of the text
  average,   ///< embed the whole text in pieces, and store the mean of their vectors
  discard,   ///< make the job a dead letter
};

std::string_view name_of(LongTexts policy);
std::optional<LongTexts> long_texts_named(std::string_view name);

/// What the worker needs to know of a vectorizer; the SQL side stays in the Queue.
struct Vectorizer {
  VectorizerId id = 0;
  std::string name;
  std::string endpoint;          ///< names an endpoint of the worker's configuration
  std::string model;             ///< as sent to the provider, and stored as the model id
  int dimensions = 0;            ///< of every vector to be stored; > 0
  bool send_dimensions = false;  ///< whether the request names `dimensions`
  bool stopped = false;          ///< paused by a person, or kept from work by a problem
  LongTexts long_texts = LongTexts::truncate;
  /// How texts are cut into chunks (text/chunk_rule.h), and what is sent of each. Empty: a row is one text,
  /// with one vector.
  std::string chunk_rule, chunk_template;
  VectorizerId rows = 0;  ///< not 0: the texts are chunks of that vectorizer's rows
  [[nodiscard]] bool cuts() const { return !chunk_rule.empty(); }
  bool operator==(const Vectorizer&) const = default;
};

/// What to do with a claimed job.
enum class Task {
  embed,       ///< buy a vector for `text`
  clear,       ///< the row is gone or not covered, or its text is empty: remove the row's vector, if any
  current,     ///< the stored vector is already that of the current text: delete the job
  store_kept,  ///< the vector was paid for and is kept in the queue: store it now
  refused,     ///< the filter or the text of the row cannot be evaluated: discard the job for `refusal`
  cut,         ///< `text` is a window of the row's text: cut it into chunks
  wait,        ///< the row is cut, and not all of its chunks have vectors yet
};

/// How far a row's text has been cut into chunks. `state` is the chunker's.
struct ChunkCursor {
  std::int64_t characters = 0;
  std::int32_t chunks = 0;
  std::string state;
  bool operator==(const ChunkCursor&) const = default;
};

/// How often a row was bought in vain, by all workers, as the queue remembers.
struct Waste {
  double level = 0;  ///< purchases in vain, at the last one; earlier ones count less (SpendingBrake)
  Duration ago{};    ///< since the last purchase in vain
};

/// One source row that waits, leased by this worker.
struct Job {
  VectorizerId vectorizer = 0;
  LeaseToken lease{};
  Key key;
  int attempt = 0;  ///< attempts consumed so far
  Task task = Task::embed;
  std::string text;             ///< UTF-8, cut to the Queue's limit; empty unless task is embed or cut
  std::int64_t text_hash = 0;   ///< of `text`, as the Queue computes it; handed back when storing
  std::optional<Duration> age;  ///< since the text changed; none for a job that a walk made
  std::shared_ptr<const Error> refusal{};  ///< task == refused only
  ChunkCursor cut_from{};                  ///< task == cut only: where in the row's text `text` begins
  bool cut_ends = true;                    ///< task == cut only: the row's text ends where `text` does
  std::uint64_t whole_bytes = 0;           ///< task == cut only: of the row's text
  bool rescued = false;  ///< the lease of another worker has lapsed; that worker may have bought the text
  Waste wasted{};
};

/// Vectors of one answer: `count() × dimensions` float32, native byte order, contiguous.
struct Embeddings {
  std::uint32_t dimensions = 0;
  std::vector<float, RecyclingAllocator<float>> values;
  [[nodiscard]] std::size_t count() const { return dimensions == 0 ? 0 : values.size() / dimensions; }
};

}  // namespace embedd
