#include "core/batch.h"

#include <algorithm>
#include <unordered_map>

#include "base/check.h"

namespace embedd {

std::vector<std::string_view> Batch::inputs() const {
  if (canary) return {kCanary};
  std::vector<std::string_view> texts;
  texts.reserve(carriers.size());
  for (const std::size_t carrier : carriers) texts.emplace_back(jobs[carrier].job.text);
  return texts;
}

namespace {

/// Gives every distinct text one slot, in order of first appearance.
void assign_slots(Batch& batch) {
  std::unordered_map<std::string_view, std::int32_t> slot_of;
  for (std::size_t i = 0; i < batch.jobs.size(); ++i) {
    const auto next = static_cast<std::int32_t>(batch.carriers.size());
    const auto [found, fresh] = slot_of.try_emplace(batch.jobs[i].job.text, next);
    if (fresh) batch.carriers.push_back(i);
    batch.slots.push_back(found->second);
  }
}

}  // namespace

Batch canary_batch(const Vectorizer& vectorizer) {
  Batch batch;
  batch.vectorizer = vectorizer;
  batch.canary = true;
  batch.max_tokens = kCanary.size();
  batch.bytes = answer_bytes(1, vectorizer.dimensions);
  return batch;
}

Batch pack(JobBuffer& buffer, const Vectorizer& vectorizer, const BatchLimits& limits) {
  CHECK(!buffer.empty(), "nothing to pack for {}", vectorizer.name);
  Batch batch;
  batch.vectorizer = vectorizer;
  std::size_t company = std::max<std::uint32_t>(limits.max_inputs, 1);
  std::size_t text_bytes = 0;
  buffer.choose();
  while (!buffer.chosen_empty()) {
    const HeldJob& next = buffer.front();
    company = std::min<std::size_t>(company, next.max_company);
    if (!batch.jobs.empty() &&
        (batch.jobs.size() >= company || batch.max_tokens + next.max_tokens > limits.max_tokens))
      break;
    batch.max_tokens += next.max_tokens;
    text_bytes += next.job.text.size();
    batch.jobs.push_back(buffer.pop_front());
  }
  assign_slots(batch);
  // The texts are held once here and once more in the request's body.
  batch.bytes = 2 * text_bytes + answer_bytes(batch.carriers.size(), vectorizer.dimensions);
  return batch;
}

}  // namespace embedd
