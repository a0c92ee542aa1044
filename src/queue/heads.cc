#include "queue/heads.h"

#include <algorithm>

namespace embedd::queue {
namespace {

/// The part of the time that reading queues from their beginning may take.
constexpr int kOneIn = 10;

void advance(Moment& head, Moment from, Moment reached) {
  // A poll may have found an earlier job meanwhile, which this reader has not seen.
  if (from <= head) head = std::max(head, reached);
}

}  // namespace

QueueHead QueueHeads::of(VectorizerId vectorizer) const {
  const auto found = known_.find(vectorizer);
  return found == known_.end() || !found->second.slow ? QueueHead{} : found->second.head;
}

std::map<VectorizerId, QueueHead> QueueHeads::for_poll(Instant now) const {
  std::map<VectorizerId, QueueHead> heads;
  if (now >= read_all_again_) return heads;
  for (const auto& [vectorizer, known] : known_)
    if (known.slow) heads[vectorizer] = known.head;
  return heads;
}

void QueueHeads::read(VectorizerId vectorizer, QueueHead from, QueueHead reached) {
  const auto found = known_.find(vectorizer);
  if (found == known_.end()) return;
  QueueHead& head = found->second.head;
  advance(head.live, from.live, reached.live);
  advance(head.backfill, from.backfill, reached.backfill);
}

void QueueHeads::read_all(VectorizerId vectorizer, QueueHead head, Duration took) {
  known_[vectorizer] = {.head = head, .slow = took >= slow_};
  reading_ += took;
}

void QueueHeads::polled(Instant now, const std::function<bool(VectorizerId)>& listed) {
  std::erase_if(known_, [&](const auto& known) { return !listed(known.first); });
  read_all_again_ = std::max(read_all_again_, now + reading_ * (kOneIn - 1));
  reading_ = {};
}

}  // namespace embedd::queue
