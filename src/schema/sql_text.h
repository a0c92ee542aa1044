/// Pieces of SQL text: expressions that the statements and triggers of a vectorizer share. Pure.
///
/// Conventions: the source row's alias is `t`, a queue row's alias is `q`, and key columns are `k1`..`kn` in
/// the queue and ledger tables, in the order of the vectorizer's key columns.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/job.h"
#include "text/template.h"

namespace embedd::schema {

/// q.k1 OPERATOR(pg_catalog.=) t."id" AND …, for the source's `key` and an `alias` of queue or ledger. The
/// operator is qualified: otherwise an operator of the key type's owner on the path could match better, and
/// would run.
std::string same_key(std::string_view alias, const std::vector<std::string>& key);

/// Joins v (embedd.vectorizers) and place (endpoint, address) with l, the remembered limits of the endpoint.
/// Limits hold for a day, or until the vectorizer is declared again.
inline constexpr std::string_view kRememberedLimits =
    "LEFT JOIN embedd.learned_limits l ON l.endpoint = v.endpoint AND l.address = place.address AND l.model "
    "= "
    "v.model AND l.dimensions = v.dimensions AND l.learned_at > greatest(now() - interval '1 day', "
    "v.created_at)";

std::string queue_table(VectorizerId id);   ///< embedd.queue_7
std::string ledger_table(VectorizerId id);  ///< embedd.ledger_7
std::string chunks_table(VectorizerId id);  ///< embedd.chunks_7: chunks that wait for vectors, by hash
std::string staged_table(VectorizerId id);  ///< embedd.staged_7: rows' chunks that are not in the store yet
std::string placed_table(VectorizerId id);  ///< embedd.placed_7: where in the store which chunk is

std::string text_index(VectorizerId id);  ///< embedd_text_7: the index for searches by words

/// A query over alias g, with g.hash: the chunk's vector and model, if the vector is known. `vector_hash`:
/// the hash of the store's vector, over alias s.
std::string chunk_vector_sql(VectorizerId id, std::string_view store, const std::vector<std::string>& key,
                             std::string_view vector_hash);
/// SQL for a text, to be hashed with those of a row's other chunks in the store: it represents the content
/// and the vector of the chunk in the row `alias`. `type`: the vector's type, qualified.
std::string piece_hash_sql(std::string_view type, std::string_view alias);
/// A hash of a vector's bytes, as bigint; NULL of NULL. `type` is qualified: public.vector, public.halfvec.
std::string vector_hash_sql(std::string_view type, std::string_view vector);

/// The longest text that is embedded, in characters. Each column is cut to this length before the text is
/// assembled, so a row of any size needs little memory.
inline constexpr int kMaxTextCharacters = 65'536;

/// The same for a text that is cut into chunks: more than any worker may cut (EMBEDD_MAX_TEXT_MIB is at most
/// 64), so that a worker notices a longer text, and SQL does not truncate it.
inline constexpr int kMaxCutCharacters = 80 * 1024 * 1024;

/// How PostgreSQL writes the values of a table's columns.
struct TextTypes {
  std::set<std::string> foreign;  ///< columns whose type, or whose elements' type, is not PostgreSQL's own
  std::set<std::string> arrays;
  std::set<std::string> json;  ///< columns of type json, not jsonb
};

/// The row's text over alias `t`: the template filled in, a NULL value being empty, cut to
/// `most_characters`. NULL when every value outside of optional parts is NULL or blank and no optional part
/// is used. Collation "C", so that the database's collation decides nothing.
///
/// Values of foreign types are written by the type's output function: a cast to text is whatever the type's
/// owner says it is, at any later time. Arrays are lists of their elements, which are written in the same
/// way.
std::string compile_text(const Template& text, const TextTypes& types = {},
                         int most_characters = kMaxTextCharacters);

/// The same for a text that is cut into chunks, which begins with the values of `context`, each followed by
/// kValueEnd (text/chunker.h).
std::string compile_cut_text(const Template& text, const std::vector<Template::Value>& context,
                             const TextTypes& types);

/// The key as jsonb over alias `q`, such as jsonb_build_object('id', q.k1), under the settings of
/// pinned_settings(). `types`: see embedd.vectorizers.key_types. `foreign`: as above, because PostgreSQL
/// would also use a cast to json.
std::string compile_key_json(const std::vector<std::string>& columns, const std::vector<std::string>& types,
                             const std::set<std::string>& foreign = {});

}  // namespace embedd::schema
