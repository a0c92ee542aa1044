#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "base/version.h"
#include "cli/change_arguments.h"
#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/declare_arguments.h"
#include "cli/index_arguments.h"
#include "cli/money_arguments.h"
#include "cli/output.h"
#include "cli/search_arguments.h"
#include "cli/settings.h"
#include "cli/slips.h"

namespace embedd::cli {

namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 failure, 2 usage, 3 rows remain unembedded, or verified vectors differ.\n"
    "Every setting is also a flag and a variable: embedd --help-settings";

/// Declares the commands. CLI11 writes the values while it parses, and the command reads them later, so both
/// share structs.
class Parser {
 public:
  explicit Parser(Arguments& arguments) : arguments_(arguments) {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.footer(kFooter);
    app_.set_version_flag("-V,--version", fmt::format("embedd {}", version()));
    app_.add_flag("--help-settings", help_settings_, "List every setting: name, variable, default");
    app_.add_flag("--json", arguments_.json, "Print JSON; may also follow the command");
    add_setting_flags();
    add_migrate();
    add_vectorizer();
    add_worker();
    add_status();
    add_usage();
    add_dead();
    add_search();
    add_serve();
    add_mcp();
    add_traces();
    add_from_pgai();
    add_check();
    add_declare_commands([this](const char* name, const char* help, Action action, bool json) {
      return add(&app_, name, help, std::move(action), json);
    });
    add_named(&app_, "estimate", "Estimate the rows, tokens and cost still to come; spends nothing",
              estimate);
    add_chunk();
  }

  void parse(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == kCompleteWord) {
      arguments_.exit_code = kDone;
      return print(offers(app_, std::vector<std::string>(argv + 2, argv + argc)));
    }
    const std::vector<std::string> words = spell_out(app_, {argv + std::min(argc, 1), argv + argc});
    try {
      // CLI11 takes the words from the back.
      app_.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::ParseError& error) {
      fail(error, words);
    }
  }

 private:
  using Action = std::function<Result<int>(Context&)>;

  /// Hidden in --help, which they would flood; --help-settings lists them.
  void add_setting_flags() {
    for (const Setting& setting : all_settings()) {
      if (setting.type == SettingType::secret) continue;
      app_.add_option_function<std::string>(
              flag_of(setting),
              [this, name = std::string(setting.name)](const std::string& text) {
                arguments_.flags.emplace_back(name, text);
              },
              std::string(setting.help))
          ->group("");
    }
  }

  CLI::App* add(CLI::App* parent, const char* name, const char* help, Action action, bool json = true) {
    CLI::App* command = parent->add_subcommand(name, help);
    if (json) command->add_flag("--json", arguments_.json, "Print JSON");
    command->callback([this, action = std::move(action)] { arguments_.command = action; });
    return command;
  }

  CLI::App* add_group(const char* name, const char* help) {
    CLI::App* group = app_.add_subcommand(name, help);
    group->require_subcommand(1);
    group->fallthrough();
    return group;
  }

  void add_migrate() { add(&app_, "migrate", "Create or update the schema 'embedd'", migrate); }

  void add_vectorizer() {
    CLI::App* group = add_group("vectorizer", "Declare which column holds the embedding of which text");
    auto create = std::make_shared<schema::VectorizerSpec>();
    create->model.clear();  // empty: the endpoint's model
    CLI::App* command = add(group, "create", "Declare a vectorizer; existing rows are embedded too",
                            [create](Context& context) { return vectorizer_create(context, *create); });
    add_source_options(*command, create);
    add_model_options(*command, create);
    add_new_budget_options(*command, create);
    auto adopt = std::make_shared<schema::VectorizerSpec>(*create);
    adopt->adopt_existing = true;
    command = add(group, "adopt", "Declare a vectorizer over vectors that are there: create --adopt-existing",
                  [adopt](Context& context) { return vectorizer_create(context, *adopt); });
    add_source_options(*command, adopt);
    add_model_options(*command, adopt);
    add_new_budget_options(*command, adopt);
    add(group, "list", "List the vectorizers", vectorizer_list);
    add_named(group, "show", "Show one vectorizer", vectorizer_show);
    add_named(group, "pause", "Stop embedding; changes are still recorded", vectorizer_pause);
    add_named(group, "resume", "Go on embedding", vectorizer_resume);
    add_named(group, "drop", "Remove triggers, queue and declaration; vectors stay", vectorizer_drop);
    add_changes(group);
    add_indexes(group);
    add_budget(group);
    add_search_settings(group);
  }

  void add_search_settings(CLI::App* group) {
    const auto words = std::make_shared<TextSearchArguments>();
    add_text_search_options(
        *add(group, "text-search", "Let searches find words too: store the configuration and build the index",
             [words](Context& context) { return vectorizer_text_search(context, *words); }),
        words);
    const auto score = std::make_shared<ScoreArguments>();
    add_score_options(*add(group, "score", "Let an expression of yours order what searches find",
                           [score](Context& context) { return vectorizer_score(context, *score); }),
                      score);
  }

  static void add_source_options(CLI::App& command, const std::shared_ptr<schema::VectorizerSpec>& create) {
    command.add_option("NAME", create->name, "The vectorizer's name")->required();
    command.add_option("--table", create->table, "Source table, such as notes or app.notes")->required();
    command
        .add_option(
            "--text", create->text,
            R"(Template, such as '{title}\n{body}'; '{?title}Title: {title}\n{/}{body}' leaves the label out )"
            "where title is empty; '{meta->title}' takes a key of a jsonb column")
        ->required();
    command.add_option("--column", create->column, "Destination column, of type vector or halfvec");
    command
        .add_option_function<std::string>(
            "--store", [create](const std::string& table) { create->store = table; },
            "Destination table in place of a column, made unless --adopt-existing: chunks with their vectors "
            "[TABLE_embedding_store]")
        ->expected(0, 1)
        ->option_text("[TABLE]");
    command
        .add_option_function<std::string>(
            "--view", [create](const std::string& name) { create->view = name; },
            "Also create a view that joins a store with its table [TABLE_embedding]")
        ->expected(0, 1)
        ->option_text("[NAME]");
    command.add_option("--chunk", create->chunk,
                       "How a store's texts are cut: none, tokens:SIZE[,OVERLAP], recursive:SIZE[,OVERLAP], "
                       "markdown:SIZE[,OVERLAP]");
    command.add_option("--chunk-template", create->chunk_template,
                       R"(What is embedded of a chunk, such as '{headings}\n{chunk}' [the chunk])");
    command.add_flag("--halfvec", create->halfvec, "A store's vectors have half precision");
    command.add_option("--key", create->key, "Key columns; default: the primary key")->delimiter(',');
    command.add_option("--where", create->where, "SQL condition on the row: which rows are covered");
    command.add_option("--score", create->score,
                       "SQL over similarity and the row's columns: the order of what searches find, such as "
                       "'similarity * ln(greatest(votes, 0) + 2)'");
    command
        .add_option_function<std::string>(
            "--capture", [create](const std::string& how) { create->capture_rows = how == "rows"; },
            "How changes are noticed: statements, or rows: with row triggers alone, which cost more, and "
            "without NOTIFY [statements]")
        ->check(CLI::IsMember({"statements", "rows"}));
  }

  static void add_model_options(CLI::App& command, const std::shared_ptr<schema::VectorizerSpec>& create) {
    command.add_option("--endpoint", create->endpoint, "Endpoint of the workers' configuration [openai]");
    command.add_option("--model", create->model,
                       "Model [the endpoint's: its `model` in embedd.toml, else text-embedding-3-small "
                       "for openai and local-hashing-v1 for local]");
    command.add_option("--dimensions", create->dimensions, "Dimensions of the vectors [those of the column]")
        ->check(whole_number(1, 16'000));
    command.add_flag_callback(
        "--send-dimensions", [create] { create->send_dimensions = true; },
        "Name the dimensions in requests [only if OpenAI's model has others]");
    command.add_flag("--adopt-existing", create->adopt_existing,
                     "Keep existing vectors whose --model-id-column names the model, or the chunks of a "
                     "store that exists [all rows are "
                     "embedded again, unless the same declaration was dropped before]");
    command.add_flag("--trust-all", create->trust_all,
                     "With --adopt-existing: also keep vectors whose model no column names");
    command.add_option("--model-id-column", create->model_id_column, "Column that gets the model's name");
    command.add_option("--model-version-column", create->model_version_column,
                       "Column that gets the model's name as the server reports it");
    command
        .add_option("--long-texts", create->long_texts,
                    "A text longer than the model takes: truncate, average (of its pieces), discard")
        ->check(CLI::IsMember({"truncate", "average", "discard"}));
    command
        .add_option("--index", create->index,
                    "Vector index, built by `vectorizer reindex` when the backlog is done: hnsw, halfvec "
                    "(half precision, up to 4,000 dimensions), ivfflat [none]")
        ->check(CLI::IsMember({"hnsw", "halfvec", "ivfflat", "none"}));
  }

  void add_changes(CLI::App* group) {
    const auto command = [&]<typename A>(const char* name, const char* help,
                                         const std::shared_ptr<A>& arguments,
                                         Result<int> (*run)(Context&, const A&)) -> CLI::App& {
      return *add(group, name, help, [arguments, run](Context& context) { return run(context, *arguments); });
    };
    const auto change = std::make_shared<ChangeArguments>();
    add_change_options(
        command("change", "Fill a successor with another model, text or rule, beside the living one", change,
                vectorizer_change),
        change);
    const auto compare = std::make_shared<CompareArguments>();
    add_compare_options(
        command("compare", "Compare what a vectorizer and its successor find", compare, vectorizer_compare),
        compare);
    const auto exchange = std::make_shared<SwitchArguments>();
    add_switch_options(
        command("switch", "Put the successor into the living one's place, or back; for the table's owner",
                exchange, vectorizer_switch),
        exchange);
    add_named(group, "prune", "Drop what a switch replaced, with its vectors", vectorizer_prune);
    const auto verify = std::make_shared<app::VerifyRequest>();
    add_verify_options(
        command("verify", "Embed a sample again: is the model still what it was?", verify, vectorizer_verify),
        verify);
  }

  void add_indexes(CLI::App* group) {
    const auto build = std::make_shared<app::ReindexRequest>();
    add_reindex_options(
        *add(group, "reindex",
             "Wait until the backlog is done, then build the vector index; for the table's owner",
             [build](Context& context) { return vectorizer_reindex(context, *build); }),
        build);
    const auto drop = std::make_shared<DeferIndexArguments>();
    add_defer_index_options(*add(group, "defer-index",
                                 "Drop the column's vector index until `vectorizer reindex` builds it again",
                                 [drop](Context& context) { return vectorizer_defer_index(context, *drop); }),
                            drop);
  }

  void add_budget(CLI::App* group) {
    const auto arguments = std::make_shared<BudgetArguments>();
    add_budget_options(*add(group, "budget", "Show or change what may be bought in a day",
                            [arguments](Context& context) { return vectorizer_budget(context, *arguments); }),
                       arguments);
  }

  void add_usage() {
    const auto arguments = std::make_shared<UsageArguments>();
    add_usage_options(*add(&app_, "usage", "Show what was bought: requests, rows, tokens, dollars",
                           [arguments](Context& context) { return usage(context, *arguments); }),
                      arguments);
  }

  void add_named(CLI::App* group, const char* name, const char* help,
                 Result<int> (*command)(Context&, const std::string&)) {
    auto vectorizer = std::make_shared<std::string>();
    add(group, name, help, [vectorizer, command](Context& context) { return command(context, *vectorizer); })
        ->add_option("NAME", *vectorizer, "The vectorizer")
        ->required();
  }

  void add_worker() {
    auto arguments = std::make_shared<WorkerArguments>();
    CLI::App* command = add(&app_, "worker", "Apply migrations, then keep the vectors true until stopped",
                            [arguments](Context& context) { return worker(context, *arguments); });
    CLI::Option* once =
        command->add_flag("--once", arguments->once,
                          "Stop when nothing is due: exit 0, or 3 if rows remain unembedded. Waits at most a "
                          "minute for a database that is down");
    command->add_flag("--traces", arguments->traces,
                      "First run `traces init --adopt-only`, as soon as the table exists");
    command->add_option_function<std::string>(
        "--http", [this](const std::string& text) { arguments_.flags.emplace_back("http", text); },
        "Serve /livez, /readyz and /metrics at this address:port (port 0: any)");
    command
        ->add_flag("--serve", arguments->serve,
                   "Answer searches too, as `embedd serve` does, at the same address [127.0.0.1:8080]")
        ->excludes(once);
  }

  void add_status() {
    auto arguments = std::make_shared<StatusArguments>();
    add(&app_, "status", "Show queues, freshness, rates, spend and workers", [arguments](Context& context) {
      return status(context, *arguments);
    })->add_flag("--watch", arguments->watch, "Show it again every two seconds");
  }

  void add_dead() {
    CLI::App* group = add_group("dead", "Rows that can never be embedded as they are, with the reason");
    auto list = std::make_shared<DeadArguments>();
    add_dead_command(group, "list", "List dead letters, newest first", dead_list, list)
        ->add_option("--limit", list->limit, "At most this many [100]")
        ->check(whole_number(1, 100'000));
    auto retry = std::make_shared<DeadArguments>();
    add_dead_command(group, "retry", "Put dead letters back into the queue; name a vectorizer, or say --all",
                     dead_retry, retry)
        ->add_flag("--all", retry->all, "Dead letters of every vectorizer");
    auto purge = std::make_shared<DeadArguments>();
    add_dead_command(group, "purge",
                     "Delete dead letters; their rows do not change; name a vectorizer, or say --all",
                     dead_purge, purge)
        ->add_flag("--all", purge->all, "Dead letters of every vectorizer");
  }

  CLI::App* add_dead_command(CLI::App* group, const char* name, const char* help,
                             Result<int> (*command)(Context&, const DeadArguments&),
                             const std::shared_ptr<DeadArguments>& arguments) {
    CLI::App* added = add(group, name, help,
                          [arguments, command](Context& context) { return command(context, *arguments); });
    added->add_option("VECTORIZER", arguments->vectorizer, "Only dead letters of this vectorizer");
    added->add_option("--key", arguments->key, R"(Only this row: 5, or '{"id": 5}')");
    added->add_option("--kind", arguments->kind, "Only this kind, such as rejected");
    added->add_option("--older-than", arguments->older_than,
                      "Only rows that failed longer ago than this, such as 7d");
    added->add_option("--newer-than", arguments->newer_than, "Only rows that failed since, such as 12h");
    return added;
  }

  void add_search() {
    auto arguments = std::make_shared<SearchArguments>();
    add_search_options(*add(&app_, "search", "Find rows by meaning, by words, or by both",
                            [arguments](Context& context) { return search(context, *arguments); }),
                       arguments);
  }

  void add_serve() {
    add(&app_, "serve", "Answer searches over HTTP until stopped", serve, false)
        ->add_option_function<std::string>(
            "--http", [this](const std::string& text) { arguments_.flags.emplace_back("http", text); },
            "Listen at this address:port (port 0: any) [127.0.0.1:8080]");
  }

  void add_mcp() {
    auto arguments = std::make_shared<McpArguments>();
    const auto run = [arguments](Context& context) { return serve_mcp(context, *arguments); };
    CLI::App* command = add(
        &app_, "mcp", "Let an agent search: the Model Context Protocol over stdin and stdout", run, false);
    CLI::Option* write = command->add_flag("--write", arguments->write, "Let the agent add traces, too");
    command->add_option("--contributor", arguments->contributor, "Their contributor_id, a uuid")
        ->needs(write);
  }

  void add_chunk() {
    auto arguments = std::make_shared<ChunkArguments>();
    CLI::App* command =
        add(&app_, "chunk", "Show what a text is cut into; asks no database, and spends nothing",
            [arguments](Context& context) { return chunk(context, *arguments); });
    command->add_option("FILE", arguments->file, "A text in UTF-8; - for standard input")->required();
    command->add_option("--chunk", arguments->request.rule,
                        "How: none, tokens:SIZE[,OVERLAP], recursive:SIZE[,OVERLAP], markdown:SIZE[,OVERLAP] "
                        "[recursive:400]");
    command->add_option("--model", arguments->request.model, "Whose tokens count [text-embedding-3-small]");
    command->add_option("--template", arguments->request.form,
                        R"(What is sent of a chunk, such as '{headings}\n{chunk}' [the chunk])");
  }

  void add_traces() {
    auto arguments = std::make_shared<app::TracesRequest>();
    CLI::App* command = add(add_group("traces", "A knowledge base of problems and solutions"), "init",
                            "Create its tables, index and vectorizer, or adopt a 'traces' table",
                            [arguments](Context& context) { return traces_init(context, *arguments); });
    command->add_option("--endpoint", arguments->endpoint, "Endpoint of the vectorizer [openai]");
    command->add_option("--model", arguments->model, "Model [the endpoint's]");
    command->add_flag("--adopt-only", arguments->adopt_only,
                      "Fail if there is no table 'traces', instead of creating one");
    command->add_flag("--full", arguments->full,
                      "Also keep the vectors of solutions and of contexts: solution_embedding, "
                      "context_embedding");
  }

  void add_from_pgai() {
    auto arguments = std::make_shared<app::FromPgaiRequest>();
    CLI::App* command =
        add(&app_, "from-pgai", "Take over pgai's vectorizers with the vectors that they have stored",
            [arguments](Context& context) { return from_pgai(context, *arguments); });
    command->add_flag("--dry-run", arguments->dry_run, "Say what would be declared, and change nothing");
    command->add_flag(
        "--remove", arguments->remove,
        "Remove those that are taken over from pgai: triggers, queues, declaration; chunks and view stay");
  }

  void add_check() {
    auto arguments = std::make_shared<CheckArguments>();
    CLI::App* command =
        add(&app_, "check", "Check that everything is in place; spends nothing without --probe",
            [arguments](Context& context) { return check(context, *arguments); });
    command->preparse_callback([this](std::size_t) { arguments_.reports_bad_config = true; });
    command->add_flag("--probe", arguments->probe,
                      "Also send one short request to each endpoint and model in use");
  }

  void fail(const CLI::ParseError& error, const std::vector<std::string>& words) {
    arguments_.exit_code = error.get_exit_code() == 0 ? kDone : kUsage;
    if (help_settings_) {
      arguments_.exit_code = kDone;
      return print(settings_help());
    }
    if (error.get_exit_code() == 0) {
      app_.exit(error);  // --help, --version: prints to stdout
      return;
    }
    const Slip slip = explain_slip(app_, error, words);
    print_error(slip.message);
    print_error(fmt::format("see {} --help", slip.command));
  }

  Arguments& arguments_;
  CLI::App app_{"Keeps pgvector columns true: every row's vector is the embedding of its current text.",
                "embedd"};
  bool help_settings_ = false;
};

}  // namespace

Arguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  Parser(arguments).parse(argc, argv);
  return arguments;
}

}  // namespace embedd::cli
