/// The statement with which a walk over a vectorizer's table begins: takes the duty, and puts the walk off
/// where nothing has happened to the table.
///
/// What has happened is what PostgreSQL's cumulative statistics count: rows inserted, updated and deleted, of
/// the table and whatever inherits from it, of its queue and its ledger. They are read before any page is:
/// what is committed later than a page's snapshot, and so escapes the walk, is counted later, too, and keeps
/// the next walk from being put off. A backend tells of its changes when its outermost statement has ended, a
/// second later at most, or a minute on a busy server; until then they look as if they had not been.
#pragma once

#include "pg/pipeline.h"
#include "queue/statements.h"

namespace embedd::queue {

/// $1 jobs in the queue beyond which it is deferred bigint, $2 seconds between walks float8, $3 the worker
/// uuid → columns of WalkBegin; no row: somebody else has the duty.
pg::Statement walk_begin_statement(const Definition& definition);

enum WalkBegin {
  kDeferred,  ///< the queue is long: the duty was not taken
  kPutOff,    ///< it ends before it has begun
  kRoutine,   ///< it is due by the clock alone
  kCursor,    ///< where somebody left it behind; NULL: it begins at the beginning
};

/// For a walk whose first page failed: $1 vectorizer bigint, $2 the worker uuid, $3 whether whoever is next
/// may go on where this one was to.
const pg::Statement& walk_release_statement();

}  // namespace embedd::queue
