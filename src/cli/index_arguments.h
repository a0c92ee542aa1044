/// The arguments of the commands that build and drop vector indexes.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/vector_index.h"

namespace embedd::cli {

struct DeferIndexArguments {
  std::string name;
  std::vector<std::string> drop;
};

void add_reindex_options(CLI::App& command, const std::shared_ptr<app::ReindexRequest>& arguments);
void add_defer_index_options(CLI::App& command, const std::shared_ptr<DeferIndexArguments>& arguments);

}  // namespace embedd::cli
