#include "cli/change_arguments.h"

#include "cli/slips.h"

namespace embedd::cli {

void add_change_options(CLI::App& command, const std::shared_ptr<ChangeArguments>& arguments) {
  const auto text = [&](const char* flag, std::optional<std::string> schema::Change::* field,
                        const char* help) {
    return command.add_option_function<std::string>(
        flag, [arguments, field](const std::string& value) { arguments->change.*field = value; }, help);
  };
  command.add_option("NAME", arguments->name, "The vectorizer")->required();
  text("--model", &schema::Change::model, "Another model");
  command
      .add_option_function<int>(
          "--dimensions", [arguments](int value) { arguments->change.dimensions = value; },
          "Other dimensions [the model's]")
      ->check(whole_number(1, 16'000));
  command.add_flag_callback(
      "--send-dimensions", [arguments] { arguments->change.send_dimensions = true; },
      "Name the dimensions in requests [only if OpenAI's model has others]");
  text("--endpoint", &schema::Change::endpoint, "Another endpoint of the workers' configuration");
  text("--text", &schema::Change::text, "Another template");
  text("--where", &schema::Change::where, "Another condition; '' for every row");
  text("--chunk", &schema::Change::chunk, "Another rule for a store's chunks");
  text("--chunk-template", &schema::Change::chunk_template, "Another template for a store's chunks");
  command.add_flag_function(
      "--halfvec,!--no-halfvec", [arguments](std::int64_t value) { arguments->change.halfvec = value > 0; },
      "Vectors of half precision, or not");
  text("--long-texts", &schema::Change::long_texts,
       "A text longer than the model takes: truncate, average (of its pieces), discard")
      ->check(CLI::IsMember({"truncate", "average", "discard"}));
  text("--index", &schema::Change::index, "Vector index [of the kind that there is]")
      ->check(CLI::IsMember({"hnsw", "halfvec", "ivfflat", "none"}));
  command.add_flag("--cancel", arguments->cancel, "Give the change up: drop the successor with its vectors");
}

void add_compare_options(CLI::App& command, const std::shared_ptr<CompareArguments>& arguments) {
  command.add_option("NAME", arguments->request.name, "The vectorizer")->required();
  auto* queries = command
                      .add_option("--queries", arguments->queries,
                                  "File with one query a line, - for standard input; buys their vectors")
                      ->option_text("FILE");
  command
      .add_option("--sample", arguments->request.sample,
                  "Ask with the vectors of this many rows, which costs nothing [100]")
      ->check(whole_number(1, 10'000))
      ->excludes(queries);
  command.add_option("-k,--limit", arguments->request.hits, "How many of the nearest rows count [10]")
      ->check(whole_number(1, 100));
}

void add_switch_options(CLI::App& command, const std::shared_ptr<SwitchArguments>& arguments) {
  command.add_option("NAME", arguments->name, "The vectorizer")->required();
  command.add_flag("--back", arguments->back, "Back to the vectors of before");
  command.add_flag("--incomplete", arguments->incomplete,
                   "Although rows wait for their new vectors, or were refused");
}

void add_verify_options(CLI::App& command, const std::shared_ptr<app::VerifyRequest>& arguments) {
  command.add_option("NAME", arguments->name, "The vectorizer")->required();
  command.add_option("--sample", arguments->sample, "How many rows, or chunks of a store [100]")
      ->check(whole_number(1, 10'000));
  command
      .add_option("--tolerance", arguments->tolerance,
                  "Exit with code 3 if 1 - cosine is more than this for any of them [0.001]")
      ->check(CLI::Range(0.0, 2.0));
}

void add_text_search_options(CLI::App& command, const std::shared_ptr<TextSearchArguments>& arguments) {
  command.add_option("NAME", arguments->name, "The vectorizer")->required();
  command
      .add_option("CONFIG", arguments->configuration, "A text search configuration, such as english; or none")
      ->required();
  command.add_flag_callback("--no-index", [arguments] { arguments->build = false; }, "Build no index");
}

void add_score_options(CLI::App& command, const std::shared_ptr<ScoreArguments>& arguments) {
  command.add_option("NAME", arguments->name, "The vectorizer")->required();
  command
      .add_option("EXPRESSION", arguments->expression,
                  "SQL over similarity and the row's columns, such as 'similarity * ln(greatest(votes, 0) + "
                  "2)'; or none")
      ->required();
}

}  // namespace embedd::cli
