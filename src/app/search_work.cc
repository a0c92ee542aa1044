#include <utility>

#include "app/search_service.h"

namespace embedd::app {

struct SearchService::Errand {
  std::string vectorizer;
  Instant deadline;
  Work work;
  Finished finished;
  Instant began = std::chrono::steady_clock::now();
  int retries = 0;

  bool may_retry() { return retries++ < kMaxRetries && std::chrono::steady_clock::now() < deadline; }
};

void SearchService::work_on(std::string vectorizer, Instant deadline, Work work, Finished finished) {
  auto errand = std::make_shared<Errand>(Errand{.vectorizer = std::move(vectorizer),
                                                .deadline = deadline,
                                                .work = std::move(work),
                                                .finished = std::move(finished)});
  run(errand);
}

void SearchService::run(const std::shared_ptr<Errand>& errand) {
  const auto job = [this, errand](Result<Lent> lent) {
    if (!lent) return errand->finished(failure_of(std::move(lent.error())));
    auto known = read_known(*lent, errand->vectorizer);
    if (known && !known->subject) return errand->finished(no_vectorizer(errand->vectorizer));
    lent->trip.clear();
    const auto done =
        known ? errand->work(*lent, known->subject) : std::unexpected(failure_of(std::move(known.error())));
    if (done) return errand->finished(std::nullopt);
    if (lent->trip.broken() || !lent->db.usable()) {
      // A connection that was lost while it was idle shows only now.
      pool_.distrust();
      if (errand->may_retry()) return run(errand);
    } else if (known &&
               is_outdated(done.error().error, lent->trip.last_sqlstate(), known->read_at >= errand->began) &&
               errand->may_retry()) {
      lent->trip.forget();
      forget(errand->vectorizer);
      return run(errand);
    }
    errand->finished(done.error());
  };
  pool_.run(job, errand->deadline);
}

}  // namespace embedd::app
