#include "app/from_pgai.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "app/database.h"
#include "core/models.h"
#include "pg/quoting.h"
#include "text/chunk_rule.h"

namespace embedd::app {
namespace {

using Outcome = FromPgai::Outcome;

/// pgai counts characters; a token of English has about four.
constexpr std::size_t kCharactersPerToken = 4;

std::size_t number(std::string_view text, std::size_t otherwise) {
  std::size_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Parses a template of Python's string.Template: `$name`, `${name}`, and `$$` for a dollar.
class PythonTemplate {
 public:
  explicit PythonTemplate(std::string_view text) : rest_(text) {}

  /// In embedd's notation, with `chunk` in place of $chunk; none if the text is not such a template.
  std::optional<std::string> translated(std::string_view chunk) {
    std::string out;
    while (!rest_.empty()) {
      const char c = take();
      if (c == '{' || c == '}' || c == '\\')
        out.append(2, c);
      else if (c == '\n')
        out += "\\n";
      else if (c != '$')
        out += c;
      else if (rest_.starts_with('$'))
        out += take();
      else if (const auto name = take_name(); name.empty())
        return std::nullopt;
      else if (name == "chunk")
        out += chunk, ++chunks_;
      else
        out += "{" + std::string(name) + "}", names_headings_ |= name == "headings";
    }
    return out;
  }

  [[nodiscard]] int chunks() const { return chunks_; }
  [[nodiscard]] bool names_headings() const { return names_headings_; }

 private:
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::string_view take_name() {
    const bool braced = rest_.starts_with('{');
    const std::string_view from = rest_.substr(braced ? 1 : 0);
    std::size_t length = 0;
    while (length < from.size() && (is_letter(from[length]) || (length > 0 && is_digit(from[length]))))
      ++length;
    if (braced && (length >= from.size() || from[length] != '}')) return {};
    rest_ = from.substr(length + (braced ? 1 : 0));
    return from.substr(0, length);
  }

  std::string_view rest_;
  int chunks_ = 0;
  bool names_headings_ = false;
};

/// A column's name in embedd's notation.
std::string in_braces(std::string_view column) {
  std::string quoted;
  for (const char c : column) quoted.append(c == '"' ? 2 : 1, c);
  const bool plain = std::ranges::all_of(column, [](char c) { return is_letter(c) || is_digit(c); });
  return plain ? fmt::format("{{{}}}", column) : fmt::format("{{\"{}\"}}", quoted);
}

/// pgai allows a-z, 0-9 and _, and longer names than a vectorizer with a store may have.
std::string name_for(const schema::PgaiVectorizer& pgai) {
  std::string name = pgai.name.empty() ? "pgai_" + pgai.id : pgai.name;
  for (char& c : name)
    if (!is_letter(c) && !is_digit(c) && c != '_') c = '_';
  return name.substr(0, 56);
}

/// The endpoint's name contains no server's name, so that it cannot be confused with another endpoint.
std::string endpoint_of_address(std::string_view url) {
  std::string_view host = url.substr(url.find("://") == std::string_view::npos ? 0 : url.find("://") + 3);
  host = host.substr(0, host.find('/'));
  std::string out;
  for (const char c : host) out += is_letter(c) || is_digit(c) ? c : '-';
  return out.empty() ? "pgai" : out;
}

class Planning {
 public:
  Planning(const Settings& settings, const schema::PgaiVectorizer& pgai) : settings_(settings) {
    plan_.pgai = pgai;
  }

  FromPgai plan() {
    plan_.spec.name = name_for(pgai());
    plan_.spec.table = pg::quote_qualified(pgai().source_schema, pgai().source_table);
    plan_.spec.key = pgai().key;
    plan_.spec.adopt_existing = plan_.spec.trust_all = true;
    plan_.spec.model = pgai().model;
    destination();
    loading();
    chunking();
    formatting();
    embedding();
    note_others();
    if (!pgai().queue_problem.empty())
      lacks(fmt::format(
          "{}, so nobody knows which rows are embedded; create the vectorizer with --adopt-existing",
          pgai().queue_problem));
    if (!plan_.obstacle.empty()) {
      plan_.outcome = Outcome::no_match;
      plan_.notes.clear();
    }
    if (pgai().taken_over_by) plan_.outcome = Outcome::there;
    return std::move(plan_);
  }

 private:
  [[nodiscard]] const schema::PgaiVectorizer& pgai() const { return plan_.pgai; }
  void note(std::string text) { plan_.notes.push_back(std::move(text)); }
  void lacks(std::string what) {
    if (plan_.obstacle.empty()) plan_.obstacle = std::move(what);
  }

  void destination() {
    if (pgai().destination == "table")
      plan_.spec.store = pg::quote_qualified(pgai().target_schema, pgai().target_table);
    else if (pgai().destination == "column" && !pgai().embedding_column.empty())
      plan_.spec.column = pgai().embedding_column;
    else
      lacks(fmt::format("its destination '{}' is neither a table nor a column", pgai().destination));
  }

  void loading() {
    if (pgai().loading != "column" || pgai().loading_column.empty())
      lacks(fmt::format("loading '{}' has no counterpart: embedd embeds what stands in columns",
                        pgai().loading));
    else if (pgai().loading_type == "bytea")
      lacks(fmt::format(
          "its documents in {} are bytea: embedd parses no documents; put their text into a column",
          pgai().loading_column));
    else if (pgai().parsing != "none" && pgai().parsing != "auto")
      lacks(fmt::format("parsing '{}' has no counterpart: embedd parses no documents", pgai().parsing));
  }

  void chunking() {
    const std::string& how = pgai().chunking;
    if (how == "none") return;
    if (how != "recursive_character_text_splitter" && how != "character_text_splitter")
      return lacks(fmt::format("there is no counterpart of its chunker '{}'", how));
    if (!plan_.spec.store) return lacks("chunks need a store, and its destination is a column");
    const std::size_t wished = number(pgai().chunk_size, 800) / kCharactersPerToken;
    const std::size_t size = std::clamp(wished, ChunkRule::kLeastSize, ChunkRule::kMostSize);
    const std::size_t overlap = std::min(number(pgai().chunk_overlap, 0) / kCharactersPerToken, size / 2);
    plan_.spec.chunk =
        overlap > 0 ? fmt::format("recursive:{},{}", size, overlap) : fmt::format("recursive:{}", size);
    note(fmt::format(
        "chunks of {} characters become chunks of up to {} tokens, in rows whose text changes from now on",
        number(pgai().chunk_size, 800), size));
    if (how == "character_text_splitter" || pgai().separators_are_regex == "true")
      note("separators have no counterpart: texts are cut at paragraphs, lines, sentences, words");
  }

  void formatting() {
    const std::string text = in_braces(pgai().loading_column);
    // If a row is one chunk, the store has the text that is sent, as with pgai.
    const bool whole = plan_.spec.chunk == "none";
    plan_.spec.text = text;
    if (pgai().formatting == "chunk_value" || pgai().format.empty()) return;
    PythonTemplate form(pgai().format);
    const auto translated = form.translated(whole ? text : "{chunk}");
    if (!translated || form.chunks() != 1 || (!whole && form.names_headings()))
      return lacks(
          fmt::format("its formatting template '{}' has no counterpart: a template names $chunk once, "
                      "columns, and no column headings",
                      pgai().format));
    if (whole) {
      plan_.spec.text = *translated;
    } else if (*translated != "{chunk}") {
      plan_.spec.chunk_template = *translated;
      note("pgai's column chunk holds a chunk as its template formats it, embedd's the chunk alone");
    }
  }

  void embedding() {
    const std::string& by = pgai().embedding;
    if (pgai().model.empty()) return lacks("it names no model");
    const provider::EndpointConfig* same = nullptr;
    for (const provider::EndpointConfig& endpoint : settings_.endpoints)
      if (!pgai().base_url.empty() && same_address(endpoint.base_url, pgai().base_url)) same = &endpoint;
    if (same != nullptr)
      plan_.spec.endpoint = same->name;
    else if (!pgai().base_url.empty())
      plan_.spec.endpoint = endpoint_of_address(pgai().base_url);
    else
      plan_.spec.endpoint = by;
    if (by == "openai" && pgai().api_key_name != "OPENAI_API_KEY" && !pgai().api_key_name.empty())
      note(fmt::format("its key is called {}: set it as api_key of [endpoint.{}]", pgai().api_key_name,
                       plan_.spec.endpoint));
    // pgai sends the dimensions. If the endpoint refuses the parameter, workers leave it out.
    if (by == "openai" && model_facts(pgai().model) == nullptr) plan_.spec.send_dimensions = true;
    if (settings_.endpoint(plan_.spec.endpoint) == nullptr) note(how_to_configure(by));
  }

  static bool same_address(std::string_view a, std::string_view b) {
    while (a.ends_with('/')) a.remove_suffix(1);
    while (b.ends_with('/')) b.remove_suffix(1);
    return a == b;
  }

  [[nodiscard]] std::string how_to_configure(const std::string& by) const {
    std::string url = pgai().base_url;
    if (by == "ollama") url = (url.empty() ? "http://127.0.0.1:11434" : url) + "/v1";
    if (by == "voyageai") url = "https://api.voyageai.com/v1";
    if (url.empty())
      return fmt::format(
          "configure [endpoint.{}] with the base_url of a server that answers as OpenAI's does and has the "
          "model {}; {} is not asked by itself",
          plan_.spec.endpoint, pgai().model, by);
    return fmt::format("configure [endpoint.{}] in embedd.toml: base_url = \"{}\"", plan_.spec.endpoint, url);
  }

  void note_others() {
    if (pgai().indexing != "none")
      note(fmt::format(
          "indexing '{}' has no counterpart that runs by itself: an index that is there stays; for another, "
          "embedd vectorizer reindex {} --index hnsw",
          pgai().indexing, plan_.spec.name));
    if (!pgai().scheduled_job.empty())
      note(fmt::format(
          "TimescaleDB's job {0} stays, and fails once pgai's vectorizer is removed: SELECT delete_job({0})",
          pgai().scheduled_job));
  }

  const Settings& settings_;
  FromPgai plan_;
};

Result<void> refuse_live(const std::vector<FromPgai>& plans) {
  std::string names, disabling;
  for (const FromPgai& plan : plans) {
    if (plan.pgai.disabled || plan.outcome == Outcome::no_match) continue;
    names += (names.empty() ? "" : ", ") + plan.pgai.name;
    disabling += fmt::format("SELECT ai.disable_vectorizer_schedule({}); ", plan.pgai.id);
  }
  if (names.empty()) return {};
  return fail(
      ErrorKind::invalid_argument,
      fmt::format(
          "pgai's vectorizers are enabled: {}. pgai's worker and embedd's would both buy every row. Stop "
          "pgai's worker and run embedd from-pgai --remove, or keep pgai's triggers and queues and "
          "run {}then embedd from-pgai",
          names, disabling));
}

Result<void> take_over(const Settings& settings, pg::Connection& db, const FromPgaiRequest& request,
                       FromPgai& plan) {
  if (plan.outcome == Outcome::there) {
    if (!request.remove) return {};
    TRY(schema::remove_pgai(db, plan.pgai));
    plan.removed = true;
  }
  if (plan.outcome != Outcome::planned) return {};
  plan.spec.predecessor = schema::predecessor_of(plan.pgai, request.remove);
  plan.created = TRY(create_vectorizer(settings, plan.spec));
  plan.outcome = Outcome::created;
  plan.removed = request.remove;
  return {};
}

}  // namespace

FromPgai plan_for(const Settings& settings, const schema::PgaiVectorizer& pgai) {
  return Planning(settings, pgai).plan();
}

Result<std::vector<FromPgai>> take_over_from_pgai(const Settings& settings, const FromPgaiRequest& request) {
  auto db = TRY(connect(settings));
  std::vector<FromPgai> plans;
  for (const schema::PgaiVectorizer& pgai : TRY(schema::read_pgai(db)))
    plans.push_back(plan_for(settings, pgai));
  if (request.dry_run) return plans;
  if (!request.remove) TRY(refuse_live(plans));
  for (FromPgai& plan : plans) {
    if (auto done = take_over(settings, db, request, plan); !done) {
      plan.outcome = Outcome::failed;
      plan.obstacle = done.error().message;
    }
  }
  return plans;
}

}  // namespace embedd::app
