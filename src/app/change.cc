#include "app/change.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/database.h"
#include "app/endpoints.h"
#include "schema/vector_index.h"
#include "search/sample.h"
#include "search/search.h"
#include "text/catalog.h"

namespace embedd::app {
namespace {

template <typename... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorKind::invalid_argument, fmt::format(format, std::forward<Args>(args)...));
}

/// The kind of a valid index on the vectors of `living`, the vectorizer in use, whoever made the index.
Result<std::string> index_kind(pg::Connection& db, const schema::VectorizerInfo& living) {
  for (const schema::VectorIndex& index : TRY(schema::vector_indexes(db, living))) {
    if (!index.valid) continue;
    if (index.definition.contains("USING ivfflat")) return "ivfflat";
    const bool half = living.destination_type == "vector" && index.definition.contains("halfvec");
    return half ? "halfvec" : "hnsw";
  }
  return living.index_kind;
}

bool same(const schema::VectorizerInfo& living, const schema::VectorizerSpec& spec) {
  return spec.text == living.text_template && spec.where == living.filter.value_or("") &&
         spec.endpoint == living.endpoint && spec.model == living.model &&
         spec.dimensions == living.dimensions && spec.long_texts == living.long_texts &&
         spec.halfvec == (living.destination_type == "halfvec") &&
         spec.send_dimensions.value_or(living.send_dimensions) == living.send_dimensions &&
         (!living.stores() ||
          (spec.chunk == living.chunk_rule && spec.chunk_template == living.chunk_template));
}

/// The vectorizer to compare with.
Result<schema::VectorizerInfo> find_other(pg::Connection& db, const schema::VectorizerInfo& info) {
  const auto all = TRY(schema::list_vectorizers(db));
  const schema::VectorizerInfo* old = nullptr;
  for (const schema::VectorizerInfo& each : all) {
    if (each.next_of == info.name) return each;
    if (each.old_of == info.name) old = &each;
  }
  if (old != nullptr) return *old;
  return wrong("{} has no successor to compare with; make one with: embedd vectorizer change {}", info.name,
               info.name);
}

/// Keys of rows, each once: a store's hits are chunks.
void add_rows(const std::vector<search::SearchHit>& hits, const std::string& itself, std::size_t most,
              std::vector<std::string>& keys, std::vector<std::string>& texts) {
  for (const search::SearchHit& hit : hits) {
    if (keys.size() == most) return;
    if (hit.key == itself || std::ranges::find(keys, hit.key) != keys.end()) continue;
    keys.push_back(hit.key);
    texts.push_back(hit.preview);
  }
}

/// Spearman's rank correlation of the rows that both found; 0 if there are fewer than two.
double correlation_of(const ComparedQuery& query) {
  std::vector<std::string> before, after;
  for (const std::string& key : query.before)
    if (std::ranges::find(query.after, key) != query.after.end()) before.push_back(key);
  for (const std::string& key : query.after)
    if (std::ranges::find(query.before, key) != query.before.end()) after.push_back(key);
  const auto n = static_cast<double>(before.size());
  if (before.size() < 2) return 0;
  double squares = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto at = static_cast<double>(std::ranges::find(after, before[i]) - after.begin());
    squares += (static_cast<double>(i) - at) * (static_cast<double>(i) - at);
  }
  return 1 - 6 * squares / (n * (n * n - 1));
}

struct Asked {
  std::string text, itself;  ///< the row that is the query, which finds itself
  std::vector<float> before, after;
};

Result<std::vector<Asked>> sample_queries(pg::Connection& db, const Comparison& comparison, int sample) {
  std::vector<Asked> out;
  for (search::SampledVector& row :
       TRY(search::sample_pairs(db, comparison.before, comparison.after, sample)))
    out.push_back({std::move(row.text), std::move(row.key), std::move(row.vector), std::move(row.other)});
  if (out.empty())
    return wrong(
        "nothing has a vector of both {} and {} yet{}", comparison.before.name, comparison.after.name,
        comparison.before.stores() ? ", or no chunk is the same in both: name queries with --queries" : "");
  return out;
}

Result<std::vector<Asked>> buy_queries(const Settings& settings, Comparison& comparison,
                                       const std::vector<std::string>& queries) {
  std::vector<Asked> out;
  for (const std::string& query : queries)
    out.push_back({.text = query, .itself = {}, .before = {}, .after = {}});
  const Tokenizers tokenizers(settings.tokenizer_ranks);
  for (const bool first : {true, false}) {
    const schema::VectorizerInfo& info = first ? comparison.before : comparison.after;
    const auto* endpoint = TRY(ready_endpoint(settings, info));
    auto vectors = TRY(embed_texts(*endpoint, endpoint->query_prefix, info,
                                   tokenizers.tokenizer_for(info.model), queries, comparison.tokens));
    for (std::size_t i = 0; i < out.size() && i < vectors.size(); ++i)
      (first ? out[i].before : out[i].after) = std::move(vectors[i]);
  }
  return out;
}

}  // namespace

Result<CreatedVectorizer> change_vectorizer(const Settings& settings, std::string_view name,
                                            schema::Change change) {
  auto db = TRY(connect(settings));
  const auto living = TRY(schema::find_vectorizer(db, name));
  if (change.endpoint && !change.model) change.model = TRY(model_for(settings, *change.endpoint, ""));
  if (!change.index) change.index = TRY(index_kind(db, living));
  const auto spec = TRY(schema::successor_spec(living, change));
  if (same(living, spec)) return wrong("nothing of {} would change: name what is to be another", name);
  TRY(check_spec(settings, spec));
  return describe_created(settings, db, TRY(schema::begin_change(db, living, spec)));
}

Result<Comparison> compare(const Settings& settings, const CompareRequest& request) {
  auto db = TRY(connect(settings));
  Comparison out;
  out.before = TRY(schema::find_vectorizer(db, request.name));
  out.after = TRY(find_other(db, out.before));
  const auto asked = TRY(request.queries.empty() ? sample_queries(db, out, request.sample)
                                                 : buy_queries(settings, out, request.queries));
  const auto hits = static_cast<std::size_t>(request.hits);
  // The row itself is left out, and a store's hits are chunks, of which a row has several.
  const int limit = std::min(1000, out.before.stores() ? request.hits * 5 + 20 : request.hits + 1);
  double correlations = 0;
  int correlated = 0;
  for (const Asked& each : asked) {
    ComparedQuery query{.text = each.text};
    add_rows(TRY(search::search(db, out.before, each.before, limit)), each.itself, hits, query.before,
             query.before_texts);
    add_rows(TRY(search::search(db, out.after, each.after, limit)), each.itself, hits, query.after,
             query.after_texts);
    for (const std::string& key : query.before)
      query.common += std::ranges::find(query.after, key) != query.after.end() ? 1 : 0;
    query.correlation = correlation_of(query);
    if (query.common > 1) {
      correlations += query.correlation;
      ++correlated;
    }
    if (!query.before.empty()) out.common += query.common / static_cast<double>(query.before.size());
    out.queries.push_back(std::move(query));
  }
  out.common /= static_cast<double>(out.queries.size());
  if (correlated > 0) out.correlation = correlations / correlated;
  std::ranges::sort(out.queries, {}, &ComparedQuery::common);
  return out;
}

}  // namespace embedd::app
