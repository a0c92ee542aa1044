#include "cli/declare_arguments.h"

#include <memory>

#include "cli/commands.h"

namespace embedd::cli {
namespace {

void add_apply(const AddCommand& add) {
  auto arguments = std::make_shared<ApplyArguments>();
  CLI::App* command = add(
      "apply", "Make the vectorizers those of a file, without buying or dropping vectors",
      [arguments](Context& context) { return apply(context, *arguments); }, true);
  command->add_option("-f,--file", arguments->file,
                      "The file with [[vectorizer]] tables; - for standard input [embedd.toml]");
  command->add_flag("--dry-run", arguments->dry_run, "Say what would be done, and change nothing");
  command->add_flag("--prune", arguments->prune, "Drop vectorizers that are not in the file; vectors stay");
}

void add_grants(const AddCommand& add) {
  auto arguments = std::make_shared<GrantsArguments>();
  CLI::App* command = add(
      "grants", "Print the GRANTs that a role lacks to run the worker",
      [arguments](Context& context) { return grants(context, *arguments); }, true);
  command->add_option("ROLE", arguments->role, "A role that exists; it needs to own nothing")->required();
  command->add_flag("--apply", arguments->apply, "Run them");
}

void add_uninstall(const AddCommand& add) {
  auto arguments = std::make_shared<UninstallArguments>();
  CLI::App* command = add(
      "uninstall", "Remove all that embedd has put into the database",
      [arguments](Context& context) { return uninstall(context, *arguments); }, true);
  command->add_flag("--keep-vectors", arguments->options.keep_vectors,
                    "Leave columns, stores, views and indexes");
  command->add_flag("--with-traces", arguments->options.with_traces,
                    "Also drop tables of `traces init` that have rows");
  command->add_flag("--dry-run", arguments->dry_run, "Say what would be removed, and change nothing");
  command->add_flag("--yes", arguments->yes, "Do not ask");
}

}  // namespace

void add_declare_commands(const AddCommand& add) {
  add_apply(add);
  add("export", "Write the vectorizers as the file that `apply` reads", export_vectorizers, false);
  add_grants(add);
  add_uninstall(add);
}

}  // namespace embedd::cli
