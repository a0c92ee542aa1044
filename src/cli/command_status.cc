#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "app/status.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/usage_text.h"
#include "cli/wrap.h"
#include "schema/status.h"
#include "serve/status_json.h"

namespace embedd::cli {

namespace {

constexpr seconds kWatchInterval{2};

// Tables fit into 80 columns: these are the widest cells.
constexpr std::size_t kName = 18, kModel = 22, kWorker = 20;

/// Why nothing happens if no worker runs, as far as this process can know.
std::string reason_here(const app::StatusReport& report, const schema::VectorizerStatus& item) {
  const app::EndpointState* endpoint = report.endpoint(item.info.endpoint);
  if (endpoint == nullptr)
    return fmt::format("its endpoint {} is not configured here, and no worker runs",
                       printable(item.info.endpoint));
  if (!endpoint->has_key)
    return fmt::format("no_api_key here, and no worker runs: {}", endpoint->how_to_set_key);
  return "no worker runs: embedd worker";
}

/// The state as one or two words; notes_of() explains it.
std::string state_of(const schema::VectorizerStatus& item, bool workers) {
  const std::string_view condition = app::condition_of(item, workers);
  if (condition == "broken") return paint(Colour::red, condition);
  if (condition == "current") return paint(Colour::green, condition);
  for (const std::string_view stands_still : {"waiting", "no worker", "paused"})
    if (condition == stands_still) return paint(Colour::yellow, condition);
  return std::string(condition);
}

std::string said_by(const schema::ReportedProblem& problem, std::size_t workers) {
  if (problem.stopped_seconds)
    return fmt::format("said a worker that stopped {} ago", human_age(*problem.stopped_seconds));
  return fmt::format("say {} of {} workers", problem.workers, workers);
}

/// What waits, why, and since when: a line each, without the vectorizer's name.
std::vector<std::string> notes_of(const app::StatusReport& report, const schema::VectorizerStatus& item) {
  const std::size_t workers = report.status.workers.size();
  std::vector<std::string> out;
  for (const auto& note : {item.problem, item.note})
    if (note) out.push_back(": " + printable(*note));
  if (item.walked_at && item.walk_put_off_at)
    out.push_back(fmt::format(": walked at {}; put off at {}, since nothing had happened to it",
                              *item.walked_at, *item.walk_put_off_at));
  if (item.walked_at && item.unwalked_rows > 0)
    out.push_back(
        fmt::format(": users hold {} rows without a true vector; a walk looks again within a minute",
                    human_count(item.unwalked_rows)));
  else if (item.unwalked_rows > 0)
    out.push_back(
        fmt::format(": up to {} rows wait to be looked at, since it was created ({})",
                    item.unwalked_rows < schema::kCountLimit ? human_count(item.unwalked_rows) : "all its",
                    item.info.created_at));
  if (!app::waits(item) || item.problem) return out;
  if (item.info.paused)
    out.push_back(
        fmt::format(" waits: paused; to go on: embedd vectorizer resume {}", printable(item.info.name)));
  for (const schema::ReportedProblem& problem : item.reported_problems)
    out.push_back(fmt::format(" waits: {}, {}: {}", printable(problem.state, 40), said_by(problem, workers),
                              printable(problem.message, 300)));
  if (workers == 0) out.push_back(" waits: " + reason_here(report, item));
  if (item.chunks_waiting.value_or(0) > 0)
    out.push_back(fmt::format(" waits: {}{} chunks of its rows have no vector yet",
                              human_count(*item.chunks_waiting),
                              *item.chunks_waiting < schema::kCountLimit ? "" : "+"));
  else if (item.next_try_seconds)
    out.push_back(fmt::format(
        " waits: rows {} are tried again, the next in {}",
        item.chunks_waiting ? "that failed, or whose chunks have just got their vectors," : "that failed",
        human_age(*item.next_try_seconds)));
  return out;
}

std::string waiting_of(const schema::VectorizerStatus& item) {
  if (item.unwalked_rows > item.jobs)
    return "≤" + human_count(item.unwalked_rows) + (item.unwalked_rows < schema::kCountLimit ? "" : "+");
  return (item.jobs_exact ? "" : "~") + human_count(item.jobs);
}

std::string vectorizers_text(const app::StatusReport& report) {
  const schema::Status& status = report.status;
  if (status.vectorizers.empty()) return "no vectorizers yet: embedd vectorizer create --help\n";
  Table table({"vectorizer", "model", "waiting", "oldest", "dead", "state"});
  std::string notes;
  const auto note = [&notes](const std::string& line) {
    notes += (stdout_is_terminal() ? wrapped(line, 80) : line) + "\n";
  };
  for (const schema::VectorizerStatus& item : status.vectorizers) {
    table.add({printable(item.info.name, kName - 1), printable(item.info.model, kModel), waiting_of(item),
               item.oldest_age_seconds ? human_age(*item.oldest_age_seconds) : "-",
               item.dead_letters > 0 ? paint(Colour::red, human_count(item.dead_letters)) : "0",
               state_of(item, app::living(status.workers) > 0)});
    for (const std::string& line : notes_of(report, item)) note(printable(item.info.name) + line);
    if (item.index_wanted)
      note(fmt::format("index_wanted: {}embedd vectorizer reindex {}",
                       app::waits(item) ? "once the backlog is done, run " : "run ",
                       printable(item.info.name)));
  }
  return table.str() + notes;
}

std::string seconds_text(const std::optional<double>& seconds) {
  if (!seconds) return "-";
  return *seconds < 1 ? fmt::format("{:.0f} ms", *seconds * 1000) : human_age(*seconds);
}

/// How far each vectorizer is, how fast it goes, and how fresh the last hour's vectors are.
std::string progress_text(const app::StatusReport& report) {
  if (report.status.vectorizers.empty()) return "";
  Table table({"vectorizer", "embedded", "of", "rows/s", "done in", "fresh in", "99 % in"});
  for (const schema::VectorizerStatus& item : report.status.vectorizers) {
    const auto count = [&](const std::optional<std::int64_t>& rows) {
      return rows ? (item.rows.exact ? "" : "~") + human_count(*rows) : std::string("?");
    };
    const auto rate = report.rate_of(item.info.name);
    table.add({printable(item.info.name, kName - 1), count(item.rows.done), count(item.rows.all),
               rate ? fmt::format("{:.0f}", *rate) : "-", seconds_text(report.seconds_to_finish(item)),
               seconds_text(item.freshness.quantile(0.5)), seconds_text(item.freshness.quantile(0.99))});
  }
  return "\n" + table.str();
}

std::string endpoints_text(const schema::Status& status) {
  if (status.endpoints.empty()) return "";
  Table table({"endpoint", "state", "requests", "of", "texts/s"});
  std::string notes;
  for (const schema::EndpointStatus& item : status.endpoints) {
    table.add({printable(item.name, kName - 1), printable(item.state, 20),
               fmt::format("{:.0f}", item.in_flight), fmt::format("{:.0f}", item.concurrency),
               item.inputs_per_second > 0 ? fmt::format("{:.0f}", item.inputs_per_second) : "-"});
    if (!item.message.empty())
      notes += fmt::format("{} says: {}\n", printable(item.name), printable(item.message, 300));
  }
  return "\n" + table.str() + notes;
}

std::string workers_text(const app::StatusReport& report) {
  const schema::Status& status = report.status;
  if (status.workers.empty()) return "no workers: embedd worker\n";
  Table table({"worker", "up", "rows", "requests", "leases", "heard of"});
  for (const schema::WorkerStatus& item : status.workers)
    table.add({printable(fmt::format("{}:{}", item.hostname, item.pid), kWorker - 1),
               human_age(item.up_seconds), human_count(item.rows_embedded),
               fmt::format("{}", item.requests_in_flight), fmt::format("{}", item.leases),
               fmt::format("{} ago{}", human_age(item.silent_seconds), item.draining ? ", draining" : "")});
  return table.str() +
         (report.rows_per_second ? fmt::format("{:.0f} rows/s\n", *report.rows_per_second) : "");
}

std::string usage_text(const schema::Status& status) {
  std::string out;
  if (!status.usage_total.empty()) {
    Table table({"usage", "model", "rows", "tokens", "USD"});
    const auto add = [&table](std::string_view when, const std::vector<schema::UsageStatus>& usage) {
      for (const schema::UsageStatus& item : usage)
        table.add({fmt::format("{}, {}", printable(item.vectorizer, 10), when), printable(item.model, kModel),
                   human_count(item.rows), human_count(item.tokens),
                   cost_text(item.cost_usd, item.unpriced_tokens)});
    };
    add("today", status.usage_today);
    add("in all", status.usage_total);
    std::int64_t unpriced = 0;
    for (const schema::UsageStatus& item : status.usage_total) unpriced += item.unpriced_tokens;
    out += "\n" + table.str() + unpriced_note(unpriced);
  }
  if (status.original_usd)
    out += fmt::format("this database is a copy; its original had spent USD {:.4f}\n", *status.original_usd);
  return out;
}

}  // namespace

Result<int> status(Context& context, const StatusArguments& arguments) {
  auto reader = TRY(app::StatusReader::open(context.config));
  while (true) {
    const auto report = TRY(reader.read());
    std::string out = context.json
                          ? serve::status_json(report, nullptr) + "\n"
                          : vectorizers_text(report) + progress_text(report) + "\n" + workers_text(report) +
                                endpoints_text(report.status) + usage_text(report.status);
    if (arguments.watch && stdout_is_terminal() && !context.json) out.insert(0, "\x1b[H\x1b[2J");
    print(out);
    if (!arguments.watch) return kDone;
    if (!flush_output()) return kFailed;
    std::this_thread::sleep_for(kWatchInterval);
  }
}

}  // namespace embedd::cli
