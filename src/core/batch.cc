#include "core/batch.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"

namespace embedd {

namespace {

/// How many jobs in a row may be passed over because they are too long for the room left.
constexpr std::size_t kLookAhead = 64;

void count(LeasedJob& leased, const Tokenizer& tokenizer) {
  if (leased.counted) return;
  leased.max_tokens = std::min(leased.max_tokens, tokenizer.count(leased.job.text));
  leased.counted = true;
}

/// A batch that is being made.
class Packer {
 public:
  Packer(Batch& batch, const BatchLimits& limits, const Tokenizer& tokenizer)
      : batch_(batch), limits_(limits), tokenizer_(tokenizer) {}

  [[nodiscard]] bool full() const {
    return batch_.jobs.size() >= company_ || batch_.travelling.size() >= limits_.max_inputs;
  }
  /// Whether `next` fits into the batch.
  bool fits(LeasedJob& next);
  void add(LeasedJob next);

 private:
  Batch& batch_;
  const BatchLimits& limits_;
  const Tokenizer& tokenizer_;
  std::size_t company_ = std::numeric_limits<std::size_t>::max();
  std::unordered_map<std::string_view, std::int32_t> slot_of_;  ///< by text, in the jobs of the batch
};

bool Packer::fits(LeasedJob& next) {
  if (limits_.exact) count(next, tokenizer_);
  if (batch_.jobs.empty()) return true;
  if (batch_.jobs.size() >= std::min<std::size_t>(company_, next.max_company)) return false;
  if (slot_of_.contains(next.job.text)) return true;
  const std::size_t inputs = std::max<std::size_t>(1, next.pieces.size());
  if (batch_.travelling.size() + inputs > limits_.max_inputs) return false;
  return batch_.max_tokens + next.max_tokens <= limits_.max_tokens;
}

void Packer::add(LeasedJob next) {
  company_ = std::min<std::size_t>(company_, next.max_company);
  batch_.jobs.push_back(std::move(next));  // there is capacity: the texts that slot_of_ views stay in place
  const LeasedJob& leased = batch_.jobs.back();
  const auto first = static_cast<std::int32_t>(batch_.travelling.size());
  const auto [found, fresh] = slot_of_.try_emplace(leased.job.text, first);
  batch_.slots.push_back(found->second);
  if (!fresh) return;
  const std::size_t job = batch_.jobs.size() - 1;
  if (leased.pieces.empty())
    batch_.travelling.push_back(
        {job, {.begin = 0, .size = leased.job.text.size(), .tokens = leased.max_tokens}});
  for (const Piece& piece : leased.pieces) batch_.travelling.push_back({job, piece});
  batch_.max_tokens += leased.max_tokens;
}

}  // namespace

void cut_into_pieces(LeasedJob& leased, std::size_t max_tokens, const Tokenizer& tokenizer) {
  const std::string_view text = leased.job.text;
  leased.pieces.clear();
  leased.max_tokens = 0;
  leased.counted = true;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::string_view rest = text.substr(begin);
    // The least step is one byte, so that the loop ends. No token is larger than the limit in fact.
    const std::size_t size = std::max<std::size_t>(1, tokenizer.prefix_bytes(rest, max_tokens));
    const std::size_t tokens = std::min(max_tokens, tokenizer.count(rest.substr(0, size)));
    leased.pieces.push_back({.begin = begin, .size = size, .tokens = tokens});
    leased.max_tokens += tokens;
    begin += size;
  }
}

std::string_view longest_input(const LeasedJob& leased) {
  if (leased.pieces.empty()) return leased.job.text;
  const Piece& longest = *std::ranges::max_element(leased.pieces, {}, &Piece::size);
  return std::string_view(leased.job.text).substr(longest.begin, longest.size);
}

std::vector<std::string_view> Batch::inputs() const {
  if (canary) return {kCanary};
  std::vector<std::string_view> texts;
  texts.reserve(travelling.size());
  for (const Input& input : travelling)
    texts.push_back(std::string_view(jobs[input.job].job.text).substr(input.piece.begin, input.piece.size));
  return texts;
}

Batch canary_batch(const Vectorizer& vectorizer, std::size_t bytes_per_value) {
  Batch batch;
  batch.vectorizer = vectorizer;
  batch.canary = true;
  batch.max_tokens = kCanary.size();
  batch.bytes = answer_bytes(1, vectorizer.dimensions, bytes_per_value);
  return batch;
}

Batch pack(JobBuffer& buffer, const Vectorizer& vectorizer, const BatchLimits& limits,
           const Tokenizer& tokenizer) {
  CHECK(!buffer.empty(), "nothing to pack for {}", vectorizer.name);
  Batch batch;
  batch.vectorizer = vectorizer;
  batch.jobs.reserve(buffer.size());
  Packer packer(batch, limits, tokenizer);
  std::vector<LeasedJob> passed_over;
  buffer.choose();
  while (!buffer.chosen_empty() && !packer.full() && passed_over.size() < kLookAhead) {
    LeasedJob next = buffer.pop_front();
    if (packer.fits(next))
      packer.add(std::move(next));
    else
      passed_over.push_back(std::move(next));
  }
  for (; !passed_over.empty(); passed_over.pop_back()) buffer.push_front(std::move(passed_over.back()));
  std::size_t text_bytes = 0;
  for (const LeasedJob& leased : batch.jobs) text_bytes += leased.job.text.size();
  // Each text takes memory here, and once more in the request's body.
  batch.bytes =
      2 * text_bytes + answer_bytes(batch.travelling.size(), vectorizer.dimensions, limits.bytes_per_value);
  return batch;
}

std::size_t tokens_ahead(JobBuffer& buffer, const BatchLimits& limits, const Tokenizer& tokenizer) {
  std::size_t tokens = 0, jobs = 0, inputs = 0;
  std::size_t company = LeasedJob::kAnyCompany;
  std::unordered_set<std::string_view> seen;
  for (LeasedJob& leased : buffer.next()) {
    company = std::min<std::size_t>(company, leased.max_company);
    if (jobs > 0 && jobs >= company) break;
    ++jobs;
    if (!seen.insert(leased.job.text).second) continue;
    count(leased, tokenizer);
    inputs += std::max<std::size_t>(1, leased.pieces.size());
    if (jobs > 1 && (tokens + leased.max_tokens > limits.max_tokens || inputs > limits.max_inputs)) break;
    tokens += leased.max_tokens;
  }
  return tokens;
}

namespace {

/// Appends the mean of `count` vectors from `first` on.
std::int32_t append_mean(Embeddings& vectors, const Batch& batch, std::size_t first, std::size_t count) {
  const std::size_t dimensions = vectors.dimensions;
  std::vector<double> sum(dimensions);
  for (std::size_t i = first; i < first + count; ++i)
    for (std::size_t d = 0; d < dimensions; ++d)
      sum[d] += static_cast<double>(batch.travelling[i].piece.tokens) * vectors.values[i * dimensions + d];
  double squares = 0;
  for (const double value : sum) squares += value * value;
  // Pieces that cancel each other out have no mean direction, so the text gets the vector of the first piece.
  if (squares == 0) return static_cast<std::int32_t>(first);
  const double length = std::sqrt(squares);
  for (const double value : sum) vectors.values.push_back(static_cast<float>(value / length));
  return static_cast<std::int32_t>(vectors.count() - 1);
}

}  // namespace

std::vector<std::int32_t> join_pieces(const Batch& batch, Embeddings& vectors) {
  std::vector<std::int32_t> slots = batch.slots;
  std::map<std::int32_t, std::int32_t> joined;  // first input → mean
  for (std::size_t i = 0; i < slots.size(); ++i) {
    // Of equal texts one job's travels, and only that job's pieces say which vectors came back.
    const std::size_t owner = batch.travelling[static_cast<std::size_t>(slots[i])].job;
    const std::size_t count = batch.jobs[owner].pieces.size();
    if (count < 2) continue;
    const auto [found, fresh] = joined.try_emplace(slots[i], 0);
    if (fresh) found->second = append_mean(vectors, batch, static_cast<std::size_t>(slots[i]), count);
    slots[i] = found->second;
  }
  return slots;
}

}  // namespace embedd
