/// The arguments of the commands that change a vectorizer in use.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "app/change.h"

namespace embedd::cli {

struct ChangeArguments {
  std::string name;
  schema::Change change;
  bool cancel = false;
};

struct CompareArguments {
  app::CompareRequest request;
  std::string queries;  ///< a file; - is standard input
};

struct SwitchArguments {
  std::string name;
  bool back = false, incomplete = false;
};

struct TextSearchArguments {
  std::string name, configuration;
  bool build = true;
};

struct ScoreArguments {
  std::string name, expression;
};

void add_change_options(CLI::App& command, const std::shared_ptr<ChangeArguments>& arguments);
void add_compare_options(CLI::App& command, const std::shared_ptr<CompareArguments>& arguments);
void add_switch_options(CLI::App& command, const std::shared_ptr<SwitchArguments>& arguments);
void add_verify_options(CLI::App& command, const std::shared_ptr<app::VerifyRequest>& arguments);

void add_text_search_options(CLI::App& command, const std::shared_ptr<TextSearchArguments>& arguments);
void add_score_options(CLI::App& command, const std::shared_ptr<ScoreArguments>& arguments);

}  // namespace embedd::cli
