/// Turns what the worker reports into log lines: stable event names, and few of them.
///
/// The volume is bounded. Stored rows are summed into one `batch_completed` a second and vectorizer. States
/// are logged when they change. Every other line that can repeat passes a filter that lets one line through
/// per interval, and says how many lines it left out.
#pragma once

#include <map>
#include <string>

#include "core/embedder.h"
#include "core/io.h"
#include "core/job.h"
#include "core/observer.h"
#include "core/queue.h"

namespace embedd::observe {

/// Lets one line through per key and interval; remembers at most kMost keys.
class RepeatFilter {
 public:
  static constexpr std::size_t kMost = 256;
  /// How many lines were left out since the last one that passed; nothing if this line is left out too.
  std::optional<std::uint64_t> pass(const std::string& key, Instant now, Duration interval);

 private:
  struct Entry {
    Instant last{};
    std::uint64_t suppressed = 0;
  };
  std::map<std::string, Entry> entries_;
};

class EventLog final : public PartialObserver {
 public:
  /// `clock` must outlive the log. Without `summaries` there is no batch_completed: a progress bar shows the
  /// same.
  explicit EventLog(const Clock& clock, bool summaries = true) : clock_(clock), summaries_(summaries) {}

  /// Writes the sums so far; call at the end.
  void flush();

  void claimed(const Vectorizer& vectorizer, std::size_t jobs, std::size_t rescued) override;
  void request_finished(const Vectorizer& vectorizer, const Reply& reply) override;
  void settled(const Vectorizer& vectorizer, const Settlement& settlement, Outcome outcome,
               std::size_t jobs) override;
  void rescheduled(const Vectorizer& vectorizer, ErrorKind kind, std::size_t jobs, bool charged) override;
  void discarded(const Vectorizer& vectorizer, ErrorKind kind, const std::string& message) override;
  void truncated(const Vectorizer& vectorizer, std::size_t tokens) override;
  void cut_silently(const Vectorizer& vectorizer, std::size_t tokens, std::size_t most) override;
  void equal_vectors(const Vectorizer& vectorizer, std::size_t texts, bool refused) override;
  void braked(const Vectorizer& vectorizer, std::size_t jobs, const std::string& why) override;
  void unbooked(const Unbooked& entry) override;
  void abandoned(const Vectorizer& vectorizer, std::size_t inputs, Duration silence) override;
  void endpoint_changed(const std::string& endpoint, EndpointState state, const std::string& message,
                        Duration pause) override;
  void vectorizer_resting(const Vectorizer& vectorizer, const std::string& message, Duration pause) override;
  void budget_changed(const BudgetNews& news) override;
  void polled(const std::vector<VectorizerState>& states) override;
  void walked(const Vectorizer& vectorizer, const WalkPage::Progress& progress) override;
  void database_error(std::string_view what, const Error& error) override;
  void turned() override;

 private:
  struct Sum {
    std::string vectorizer;
    std::uint64_t rows = 0, cleared = 0, kept = 0, stale = 0, requests = 0, tokens = 0;
    Instant written_at{};
    [[nodiscard]] bool empty() const { return rows + cleared + kept + stale == 0; }
  };
  struct Walk {
    std::uint64_t scanned = 0, enqueued = 0, replaced = 0, disputed = 0;
  };
  void write(Sum& sum, Instant now);
  void disbelieve(const Vectorizer& vectorizer, const EmbedAnswer& answer);
  void note_drift(const Vectorizer& vectorizer, const EmbedAnswer& answer);

  const Clock& clock_;
  const bool summaries_;
  RepeatFilter repeats_;
  std::map<VectorizerId, Sum> sums_;
  std::map<VectorizerId, Walk> walks_;
  std::map<VectorizerId, std::uint64_t> braked_;    ///< jobs since the vectorizer's last line
  std::map<VectorizerId, std::string> resting_;     ///< message last logged
  std::map<std::string, EndpointState> endpoints_;  ///< state last logged
  std::map<VectorizerId, std::string> served_;      ///< the model that the last answer named
  bool database_failing_ = false;
};

}  // namespace embedd::observe
