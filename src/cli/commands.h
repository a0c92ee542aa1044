/// Every command, one file each. A command prints its result and returns its exit code. run() prints the
/// error that a command returns, as one line on stderr.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/chunk.h"
#include "app/from_pgai.h"
#include "app/traces.h"
#include "app/vector_index.h"
#include "base/error.h"
#include "cli/change_arguments.h"
#include "cli/context.h"
#include "cli/declare_arguments.h"
#include "cli/index_arguments.h"
#include "cli/money_arguments.h"
#include "cli/search_arguments.h"
#include "schema/vectorizers.h"

namespace embedd::cli {

struct ChunkArguments {
  std::string file;
  app::ChunkRequest request;
};

struct DeadArguments {
  std::string vectorizer, key, kind, older_than, newer_than;
  bool all = false;
  int limit = 100;
};

struct GrantsArguments {
  std::string role;
  bool apply = false;
};

struct CheckArguments {
  bool probe = false;
};

struct WorkerArguments {
  bool once = false;
  bool traces = false;  ///< first adopt the table `traces`, as soon as it exists
  bool serve = false;   ///< answer searches too
};

struct McpArguments {
  bool write = false;       ///< agents may add traces
  std::string contributor;  ///< whose traces these are: a uuid, or empty
};

struct StatusArguments {
  bool watch = false;
};

Result<int> migrate(Context& context);
Result<int> vectorizer_create(Context& context, const schema::VectorizerSpec& spec);
Result<int> vectorizer_list(Context& context);
Result<int> vectorizer_show(Context& context, const std::string& name);
Result<int> vectorizer_pause(Context& context, const std::string& name);
Result<int> vectorizer_resume(Context& context, const std::string& name);
Result<int> vectorizer_drop(Context& context, const std::string& name);
Result<int> vectorizer_change(Context& context, const ChangeArguments& arguments);
Result<int> vectorizer_compare(Context& context, const CompareArguments& arguments);
Result<int> vectorizer_switch(Context& context, const SwitchArguments& arguments);
Result<int> vectorizer_prune(Context& context, const std::string& name);
Result<int> vectorizer_verify(Context& context, const app::VerifyRequest& request);
Result<int> vectorizer_reindex(Context& context, const app::ReindexRequest& request);
Result<int> vectorizer_defer_index(Context& context, const DeferIndexArguments& arguments);
Result<int> vectorizer_text_search(Context& context, const TextSearchArguments& arguments);
Result<int> vectorizer_score(Context& context, const ScoreArguments& arguments);
Result<int> vectorizer_budget(Context& context, const BudgetArguments& arguments);
Result<int> worker(Context& context, const WorkerArguments& arguments);
Result<int> status(Context& context, const StatusArguments& arguments);
Result<int> usage(Context& context, const UsageArguments& arguments);
Result<int> dead_list(Context& context, const DeadArguments& arguments);
Result<int> dead_retry(Context& context, const DeadArguments& arguments);
Result<int> dead_purge(Context& context, const DeadArguments& arguments);
Result<int> search(Context& context, const SearchArguments& arguments);
Result<int> serve(Context& context);
Result<int> serve_mcp(Context& context, const McpArguments& arguments);
Result<int> traces_init(Context& context, const app::TracesRequest& request);
Result<int> from_pgai(Context& context, const app::FromPgaiRequest& request);
Result<int> check(Context& context, const CheckArguments& arguments);
Result<int> grants(Context& context, const GrantsArguments& arguments);
Result<int> apply(Context& context, const ApplyArguments& arguments);
Result<int> export_vectorizers(Context& context);
Result<int> uninstall(Context& context, const UninstallArguments& arguments);
Result<int> estimate(Context& context, const std::string& name);
Result<int> chunk(Context& context, const ChunkArguments& arguments);

}  // namespace embedd::cli
