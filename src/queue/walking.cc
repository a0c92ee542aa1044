// PgQueue's walks: how they begin, go on page by page, and are handed over.
#include <algorithm>
#include <chrono>
#include <utility>

#include "queue/messages.h"
#include "queue/pg_queue.h"

namespace embedd::queue {
namespace {

constexpr std::size_t kFirstPageRows = 500, kMostPageRows = 5000, kLeastPageRows = 50;
/// While a queue has this many jobs, a walk waits.
constexpr std::int64_t kLongQueue = 20'000;

}  // namespace

PgQueue::Walk& PgQueue::walk_of(VectorizerId vectorizer) {
  const WritePace::Bounds bounds{
      .first = kFirstPageRows,
      .least = kLeastPageRows,
      .most = kMostPageRows,
      .aim = std::min(options_.longest_page, WritePace::kAim),
  };
  return walks_.try_emplace(vectorizer, Walk{.pace = WritePace(bounds)}).first->second;
}

void PgQueue::send_walk(VectorizerId vectorizer, const Key& cursor) {
  const auto known = find(vectorizer);
  if (!known) {
    walked_.push_back({.vectorizer = vectorizer, .progress = std::unexpected(unknown(vectorizer))});
    return;
  }
  if (!cursor.empty()) return send_page(known, cursor);
  pg::Params params;
  params.integer(kLongQueue).real(to_seconds(options_.walk_every)).uuid(options_.worker);
  claims_.send(known->sql.begin_walk, params,
               [this, known](const Result<pg::BinaryRows>& rows) { on_walk_begin(known, rows); });
}

/// Sends the first page at once.
void PgQueue::on_walk_begin(const std::shared_ptr<const Known>& known, const Result<pg::BinaryRows>& rows) {
  WalkPage page{.vectorizer = known->definition.vectorizer.id, .progress = WalkPage::Progress{}};
  if (!rows) {
    page.progress = std::unexpected(rows.error());
  } else {
    WalkPage::Progress& progress = *page.progress;
    progress.deferred = !rows->empty() && rows->flag(0, kDeferred);
    progress.put_off = !rows->empty() && rows->flag(0, kPutOff) && !progress.deferred;
    progress.finished = rows->empty() || progress.put_off;
    if (!progress.finished && !progress.deferred && !closing_) {
      Walk& walk = walk_of(page.vectorizer);
      walk.routine = rows->flag(0, kRoutine);
      walk.begun = true;
      const Key left_at(rows->is_null(0, kCursor) ? std::string_view() : rows->bytes(0, kCursor));
      const bool sound = pg::split_key(left_at, known->definition.key_columns.size()).has_value();
      return send_page(known, sound ? left_at : Key());
    }
  }
  walked_.push_back(std::move(page));
}

void PgQueue::send_page(const std::shared_ptr<const Known>& known, const Key& cursor) {
  const std::size_t page_rows = walk_of(known->definition.vectorizer.id).pace.rows();
  pg::Params params;
  params.integer(static_cast<std::int64_t>(page_rows))
      .integer(kLongQueue)
      .uuid(options_.worker)
      .real(to_seconds(options_.walk_every));
  if (!cursor.empty()) {
    params.bytes(pg::Bytes(cursor));
    for (const std::string_view column : pg::decode_key(cursor, known->definition.key_columns.size()))
      params.bytes(pg::Bytes(column));
  }
  const auto statement = [first = cursor.empty()](const QueueStatements& sql) -> const pg::Statement& {
    return first ? sql.walk_page_first : sql.walk_page;
  };
  send(
      claims_, known, false, statement, [params] { return params; },
      [this, known, cursor, page_rows](const Result<pg::BinaryRows>& rows) {
        on_page(*known, cursor, page_rows, rows);
      });
}

void PgQueue::on_page(const Known& known, const Key& cursor, std::size_t page_rows,
                      const Result<pg::BinaryRows>& rows) {
  enum Column { kWalking, kDeferred, kScanned, kEnqueued, kLast, kReplaced, kDisputed, kSeconds, kKey };
  WalkPage page{.vectorizer = known.definition.vectorizer.id, .progress = WalkPage::Progress{}};
  Walk& walk = walk_of(page.vectorizer);
  const bool first = std::exchange(walk.begun, false);
  if (!rows) {
    if (rows.error().kind == ErrorKind::canceled) walk.pace.canceled(page_rows);
    if (first) release_walk(page.vectorizer, rows.error().kind);
    page.progress = std::unexpected(rows.error());
  } else {
    WalkPage::Progress& progress = *page.progress;
    progress.scanned = static_cast<std::uint64_t>(rows->integer(0, kScanned));
    progress.enqueued = static_cast<std::uint64_t>(rows->integer(0, kEnqueued));
    progress.finished = !rows->flag(0, kWalking) || rows->flag(0, kLast);
    progress.deferred = !progress.finished && rows->flag(0, kDeferred);
    progress.replaced = static_cast<std::uint64_t>(rows->integer(0, kReplaced));
    progress.disputed = static_cast<std::uint64_t>(rows->integer(0, kDisputed));
    progress.routine = walk.routine;
    progress.took =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(rows->real(0, kSeconds)));
    progress.next = cursor;
    if (!progress.deferred && !rows->is_null(0, kKey)) {
      std::vector<std::string_view> key;
      for (std::size_t i = 0; i < known.definition.key_columns.size(); ++i)
        key.push_back(rows->bytes(0, kKey + static_cast<int>(i)));
      progress.next = pg::encode_key(key);
      // The page was full, so these are the rows that were read, or the proofs of rows that are gone.
      walk.pace.wrote(page_rows, progress.took);
    }
  }
  walked_.push_back(std::move(page));
}

/// Releases a walk whose first page failed, so that no worker waits for it. The cursor may be the cause.
void PgQueue::release_walk(VectorizerId vectorizer, ErrorKind why) {
  if (closing_ || why == ErrorKind::unavailable || why == ErrorKind::in_doubt) return;
  const bool blameless = why == ErrorKind::conflict || why == ErrorKind::canceled;
  pg::Params params;
  params.integer(vectorizer).uuid(options_.worker).flag(blameless);
  claims_.send(walk_release_statement(), params, [](const auto&) {});
}

std::vector<WalkPage> PgQueue::take_walked() {
  claims_.pump();
  return std::exchange(walked_, {});
}

}  // namespace embedd::queue
