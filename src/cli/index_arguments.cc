#include "cli/index_arguments.h"

#include "cli/slips.h"

namespace embedd::cli {

void add_reindex_options(CLI::App& command, const std::shared_ptr<app::ReindexRequest>& arguments) {
  command.add_option("NAME", arguments->name, "The vectorizer")->required();
  command
      .add_option("--index", arguments->index, "Build this kind from now on: hnsw, halfvec, ivfflat, none")
      ->check(CLI::IsMember({"hnsw", "halfvec", "ivfflat", "none"}));
  command
      .add_option("--wait", arguments->wait_seconds,
                  "Seconds to wait for the backlog, then exit with code 3 [as long as it takes]")
      ->check(not_negative());
  command.add_flag("--now", arguments->now, "Build although rows wait to be embedded");
  command
      .add_option("--memory-mib", arguments->build.memory_mib,
                  "maintenance_work_mem of the build [the server's, at least 256]")
      ->check(whole_number(1, 1'048'576));
  command
      .add_option("--workers", arguments->build.workers,
                  "max_parallel_maintenance_workers of the build [the server's]")
      ->check(whole_number(0, 64));
}

void add_defer_index_options(CLI::App& command, const std::shared_ptr<DeferIndexArguments>& arguments) {
  command.add_option("NAME", arguments->name, "The vectorizer")->required();
  command
      .add_option("--drop", arguments->drop,
                  "Name of the index to drop; may be repeated. Without it: show which could be dropped")
      ->expected(1);
}

}  // namespace embedd::cli
