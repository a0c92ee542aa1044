#include "schema/sql_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "pg/quoting.h"
#include "text/chunker.h"

namespace embedd::schema {
namespace {

/// The vertical tab stands for itself: before version 16, PostgreSQL takes \v for the letter v.
constexpr std::string_view kBlanks = "E' \\t\\n\\r\\f\v'";

/// Every function and operator is qualified, because a settlement runs under the path of the worker's role.
class TextSql {
 public:
  enum class Size { whole, cut };

  TextSql(const TextTypes& types, int most_characters) : types_(types), most_(most_characters) {}

  [[nodiscard]] std::string write(const Template::Value& value, Size size) const {
    if (size == Size::whole) return whole(value);
    return fmt::format("pg_catalog.\"left\"({}, {})", whole(value), most_);
  }

  /// Whether the value is blank or NULL. In a database with characters of several bytes, trimming reads the
  /// whole text (4 µs for 1 kB); most texts show a letter early.
  [[nodiscard]] std::string blank(const Template::Value& value, Size size) const {
    const auto trimmed = [](const std::string& text) {
      return fmt::format("coalesce(pg_catalog.ltrim({}, {}), '') OPERATOR(pg_catalog.=) ''", text, kBlanks);
    };
    return trimmed(fmt::format("pg_catalog.\"left\"({}, 32)", whole(value))) + " AND " +
           trimmed(write(value, size));
  }

  [[nodiscard]] std::string write(const std::vector<Template::Part>& parts, Size size) const {
    std::string out;
    for (const Template::Part& part : parts) {
      if (!out.empty()) out += " OPERATOR(pg_catalog.||) ";
      out += write(part, size);
    }
    return out;
  }

  /// Whether there is nothing to embed, whatever constants there are.
  [[nodiscard]] std::string nothing(const Template& text, Size size) const {
    std::vector<Template::Value> seen;
    std::string out;
    for (const Template::Part& part : text.parts) {
      if (part.kind == Template::Part::Kind::constant || std::ranges::find(seen, part.value) != seen.end())
        continue;
      seen.push_back(part.value);
      if (!out.empty()) out += " AND ";
      out += blank(part.value, size);
    }
    return out;
  }

  /// SQL for the bytes of all values and constants together: the row's text is no longer.
  [[nodiscard]] std::string most_bytes(const Template& text) const {
    std::size_t constants = 0;
    std::string out;
    add_bytes(text.parts, out, constants);
    return out + std::to_string(constants);
  }

 private:
  [[nodiscard]] std::string whole(const Template::Value& value) const {
    const std::string column = "t." + pg::quote_identifier(value.column);
    std::string text;
    if (!value.keys.empty()) {
      const std::string keys = pg::join_each(
          value.keys.size(), ", ", [&](std::size_t i) { return pg::quote_literal(value.keys[i - 1]); });
      text = fmt::format(
          "{}({}, VARIADIC ARRAY[{}]::pg_catalog.text[])",
          types_.json.contains(value.column) ? "embedd.json_text" : "pg_catalog.jsonb_extract_path_text",
          column, keys);
    } else if (types_.arrays.contains(value.column)) {
      text = fmt::format("pg_catalog.array_to_string({}, ', ')", column);
    } else if (types_.foreign.contains(value.column)) {
      text = fmt::format("pg_catalog.format('%s', {})", column);
    } else {
      text = column + "::pg_catalog.text";
    }
    return text + " COLLATE pg_catalog.\"C\"";
  }

  [[nodiscard]] std::string write(const Template::Part& part, Size size) const {
    switch (part.kind) {
      case Template::Part::Kind::constant: return pg::quote_literal(part.text) + "::pg_catalog.text";
      case Template::Part::Kind::value: return fmt::format("coalesce({}, '')", write(part.value, size));
      case Template::Part::Kind::optional: break;
    }
    return fmt::format("CASE WHEN {} THEN '' ELSE {} END", blank(part.value, size), write(part.parts, size));
  }

  void add_bytes(const std::vector<Template::Part>& parts, std::string& out, std::size_t& constants) const {
    for (const Template::Part& part : parts) {
      constants += part.text.size();
      if (part.kind == Template::Part::Kind::value)
        out += fmt::format("coalesce(pg_catalog.octet_length({}), 0) OPERATOR(pg_catalog.+) ",
                           whole(part.value));
      add_bytes(part.parts, out, constants);
    }
  }

  const TextTypes& types_;
  int most_;
};

/// SQL for `text` without the blanks around it; NULL if nothing else is left. NULLIF would look for an
/// operator on the path.
std::string stripped(const std::string& text) {
  return fmt::format("(pg_catalog.array_remove(ARRAY[pg_catalog.btrim({}, {})], ''))[1]", text, kBlanks);
}

}  // namespace

std::string same_key(std::string_view alias, const std::vector<std::string>& key) {
  return pg::join_each(key.size(), " AND ", [&](std::size_t i) {
    return fmt::format("{}.k{} OPERATOR(pg_catalog.=) t.{}", alias, i, pg::quote_identifier(key[i - 1]));
  });
}

std::string queue_table(VectorizerId id) { return fmt::format("embedd.queue_{}", id); }

std::string ledger_table(VectorizerId id) { return fmt::format("embedd.ledger_{}", id); }

std::string chunks_table(VectorizerId id) { return fmt::format("embedd.chunks_{}", id); }

std::string staged_table(VectorizerId id) { return fmt::format("embedd.staged_{}", id); }

std::string placed_table(VectorizerId id) { return fmt::format("embedd.placed_{}", id); }
std::string text_index(VectorizerId id) { return fmt::format("embedd_text_{}", id); }

std::string chunk_vector_sql(VectorizerId id, std::string_view store, const std::vector<std::string>& key,
                             std::string_view vector_hash) {
  const std::string same = pg::join_each(key.size(), " AND ", [&](std::size_t i) {
    return fmt::format("s.{} OPERATOR(pg_catalog.=) p.k{}", pg::quote_identifier(key[i - 1]), i);
  });
  return fmt::format(
      "SELECT x.embedding, x.model_id, x.model_version FROM {} x WHERE x.hash = g.hash AND x.embedding IS "
      "NOT "
      "NULL UNION ALL SELECT s.embedding, s.model_id, s.model_version FROM {} p JOIN {} s ON {} AND "
      "s.chunk_seq "
      "= p.seq WHERE p.hash = g.hash AND p.vector_hash = {} LIMIT 1",
      chunks_table(id), placed_table(id), store, same, vector_hash);
}

std::string piece_hash_sql(std::string_view type, std::string_view alias) {
  return fmt::format(
      "pg_catalog.concat_ws(' ', pg_catalog.hashtextextended({}.chunk COLLATE pg_catalog.\"C\", 0), {})",
      alias, vector_hash_sql(type, fmt::format("{}.embedding", alias)));
}

std::string vector_hash_sql(std::string_view type, std::string_view vector) {
  return fmt::format(
      "pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.sha256({0}_send(({1})::{0})), 'hex') COLLATE "
      "pg_catalog.\"C\", "
      "0)",
      type, vector);  // for a domain, too: no function that somebody defined for the domain
}

/// Cutting counts characters, three times a column; a row whose bytes are few enough needs none of it.
std::string compile_text(const Template& text, const TextTypes& types, int most_characters) {
  using Size = TextSql::Size;
  const TextSql sql(types, most_characters);
  std::string filled = sql.write(text.parts, Size::whole);
  std::string cut =
      fmt::format("pg_catalog.\"left\"({}, {})", sql.write(text.parts, Size::cut), most_characters);
  if (text.has_optional_parts()) {
    filled = stripped(filled);
    cut = stripped(cut);
  }
  return fmt::format(
      "CASE WHEN ({}) OPERATOR(pg_catalog.<=) {} THEN CASE WHEN {} THEN NULL ELSE {} END WHEN {} THEN NULL "
      "ELSE {} END",
      sql.most_bytes(text), most_characters, sql.nothing(text, Size::whole), filled,
      sql.nothing(text, Size::cut), cut);
}

std::string compile_cut_text(const Template& text, const std::vector<Template::Value>& context,
                             const TextTypes& types) {
  std::string body = compile_text(text, types, kMaxCutCharacters);
  if (context.empty()) return body;
  const TextSql sql(types, static_cast<int>(kMostValueBytes));
  const std::string end = fmt::format("pg_catalog.chr({})", static_cast<int>(kValueEnd));
  std::string values;
  for (const Template::Value& value : context)
    values += fmt::format(
        "pg_catalog.translate(coalesce({}, ''), {}, '') OPERATOR(pg_catalog.||) {} "
        "OPERATOR(pg_catalog.||) ",
        sql.write(value, TextSql::Size::cut), end, end);
  return fmt::format("(SELECT {} b.text FROM (SELECT {} AS text OFFSET 0) b)", values, body);
}

std::string compile_key_json(const std::vector<std::string>& columns, const std::vector<std::string>& types,
                             const std::set<std::string>& foreign) {
  CHECK(columns.size() == types.size(), "{} key columns, {} types", columns.size(), types.size());
  const std::string pairs = pg::join_each(columns.size(), ", ", [&](std::size_t i) {
    // A timestamptz would appear in the session's time zone, and a bytea in its output format.
    const std::string& type = types[i - 1];
    std::string value = fmt::format("q.k{}", i);
    if (type.starts_with("timestamp") && type.ends_with("with time zone")) {
      value =
          fmt::format("pg_catalog.to_char(q.k{} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", i);
    } else if (type == "bytea") {
      value = fmt::format("'\\x' || pg_catalog.encode(q.k{}, 'hex')", i);
    } else if (foreign.contains(columns[i - 1])) {
      value = fmt::format("pg_catalog.format('%s', q.k{})", i);
    }
    return fmt::format("{}, {}", pg::quote_literal(columns[i - 1]), value);
  });
  return fmt::format("pg_catalog.jsonb_build_object({})", pairs);
}

}  // namespace embedd::schema
