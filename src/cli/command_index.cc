#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdio>

#include "app/vector_index.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "schema/vector_index.h"

namespace embedd::cli {

namespace {

constexpr seconds kBetweenLines{10};

/// Reports progress on stderr: on a terminal in place, elsewhere as a line now and then.
class Ticker {
 public:
  ~Ticker() { clear(); }

  /// `share` negative: unknown.
  void tell(const std::string& text, double share = -1) {
    const Instant now = std::chrono::steady_clock::now();
    if (terminal_) {
      const std::string line =
          share < 0 ? "\r\x1b[K" + text
                    : fmt::format("\r\x1b[K{} {:3.0f} %  {}", progress_bar(share), share * 100, text);
      std::fwrite(line.data(), 1, line.size(), stderr);
      visible_ = true;
    } else if (told_at_ == Instant{} || now - told_at_ >= kBetweenLines) {
      told_at_ = now;
      print_note(share < 0 ? text : fmt::format("{}, {:.0f} %", text, share * 100));
    }
  }
  void clear() {
    if (!visible_) return;
    visible_ = false;
    constexpr std::string_view kClear = "\r\x1b[K";
    std::fwrite(kClear.data(), 1, kClear.size(), stderr);
  }

 private:
  const bool terminal_ = stderr_is_terminal();
  bool visible_ = false;
  Instant told_at_{};
};

std::string describe(const schema::Backlog& backlog, const std::string& name) {
  std::string out = !backlog.walked
                        ? fmt::format("{}: not all rows have been looked at yet", name)
                        : fmt::format("{}: {} rows wait to be embedded", name, human_count(backlog.jobs));
  if (backlog.paused) return out + "; it is paused: embedd vectorizer resume " + name;
  if (!backlog.worker_running) out += "; no worker is running: embedd worker";
  return out;
}

std::string human_size(std::int64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (bytes < static_cast<std::int64_t>(kMiB)) return fmt::format("{:.0f} kB", size / kKiB);
  return fmt::format("{:.1f} MB", size / kMiB);
}

void show(const Context& context, const std::vector<schema::BuiltIndex>& indexes) {
  if (context.json) {
    JsonWriter json;
    json.array();
    for (const schema::BuiltIndex& index : indexes)
      json.object()
          .key("index")
          .value(index.name)
          .key("built")
          .value(index.built)
          .key("serially")
          .value(index.serially)
          .key("seconds")
          .value(index.seconds)
          .key("bytes")
          .value(index.bytes)
          .end();
    return print(json.end().str() + "\n");
  }
  for (const schema::BuiltIndex& index : indexes)
    print(index.built
              ? fmt::format("{} built in {:.1f} s, {}\n", printable(index.name), index.seconds,
                            human_size(index.bytes))
              : fmt::format("{} exists already, {}\n", printable(index.name), human_size(index.bytes)));
}

}  // namespace

Result<int> vectorizer_reindex(Context& context, const app::ReindexRequest& request) {
  Ticker ticker;
  const app::ReindexHooks hooks{
      .waiting =
          [&ticker](const schema::VectorizerInfo& info, const schema::Backlog& backlog) {
            ticker.tell(describe(backlog, printable(info.name)) + "; waiting");
          },
      .building =
          [&ticker](const schema::BuildProgress& progress) {
            ticker.tell(fmt::format("{}: {}", printable(progress.index),
                                    progress.phase.empty() ? "building" : printable(progress.phase)),
                        progress.share);
          },
  };
  const auto done = app::reindex(context.config, request, hooks);
  ticker.clear();
  if (!done) return std::unexpected(done.error());
  if (done->gave_up) {
    print_error(describe(done->backlog, printable(done->info.name)) +
                ". Wait for longer (--wait), or build the index now (--now)");
    return kRowsRemain;
  }
  const std::vector<schema::BuiltIndex>& built = done->built;
  show(context, built);
  for (const schema::BuiltIndex& index : built)
    if (index.serially)
      print_note(
          fmt::format("note: {} was built by one process, because the server's shared memory (/dev/shm) is "
                      "too small for more: give a container a larger --shm-size, or lower --memory-mib",
                      printable(index.name)));
  return kDone;
}

namespace {

/// No index was dropped, so this is no failure.
void show_droppable(const Context& context, const app::Deferral& deferral) {
  const schema::VectorizerInfo& info = deferral.info;
  const std::vector<std::string>& there = deferral.droppable;
  if (context.json) {
    JsonWriter json;
    json.object().key("name").value(info.name).key("dropped").array().end().key("droppable").array();
    for (const std::string& name : there) json.value(name);
    print(json.end().end().str() + "\n");
  } else if (!there.empty()) {
    print(
        fmt::format("this would drop {0}, and searches would read the whole table until: embedd vectorizer "
                    "reindex {1}. To do it: embedd vectorizer defer-index {1} --drop {2}\n",
                    printable(fmt::format("{}", fmt::join(there, ", "))), info.name,
                    printable(fmt::format("{}", fmt::join(there, " --drop ")))));
  } else if (info.deferred_indexes.empty()) {
    print(fmt::format("the column '{}' has no vector index: there is nothing to defer\n",
                      printable(info.destination_column)));
  } else {
    print(fmt::format("already deferred: {}; to build it again: embedd vectorizer reindex {}\n",
                      printable(fmt::format("{}", fmt::join(info.deferred_indexes, ", "))), info.name));
  }
}

}  // namespace

Result<int> vectorizer_defer_index(Context& context, const DeferIndexArguments& arguments) {
  const auto deferral = TRY(app::defer_indexes(context.config, arguments.name, arguments.drop));
  if (arguments.drop.empty()) {
    show_droppable(context, deferral);
    return kDone;
  }
  if (context.json) {
    JsonWriter json;
    json.object().key("name").value(arguments.name).key("dropped").array();
    for (const std::string& name : arguments.drop) json.value(name);
    print(json.end().end().str() + "\n");
    return kDone;
  }
  for (const std::string& name : arguments.drop) print(fmt::format("{} dropped\n", printable(name)));
  print_note(fmt::format("once the backlog is done, build it again with: embedd vectorizer reindex {}",
                         arguments.name));
  return kDone;
}

}  // namespace embedd::cli
