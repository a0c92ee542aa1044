/// A lexer of PostgreSQL's SQL, after chapter 4.1 of its manual and nothing else: what it is made of, without
/// what its names and literals say. Two statements made by the same code from different names have the same
/// skeleton, unless a name has got out of its quotes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace embedd {

struct SqlSkeleton {
  std::string shape;  ///< words and operators as they are, N a number, I a name, L a literal
  std::vector<std::string> identifiers;  ///< quoted ones, unquoted
  std::vector<std::string> literals;     ///< their values
};

/// The length of $body$, $_body$ and so on at the begin of `sql`; 0: it is none.
inline std::size_t body_tag(std::string_view sql) {
  if (!sql.starts_with('$')) return 0;
  const std::size_t name = sql.find_first_not_of('_', 1);
  return name != std::string_view::npos && sql.substr(name).starts_with("body$") ? name + 5 : 0;
}

/// nullopt for what must never be made: an unterminated quote, a comment, dollar quoting but of a function's
/// body ($body$, $_body$), a backslash in a plain literal (where standard_conforming_strings decides what it
/// means), a NUL, an empty name, other prefixes.
inline std::optional<SqlSkeleton> sql_skeleton(std::string_view sql) {
  SqlSkeleton out;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const auto add = [&out](std::string_view token) { (out.shape += token) += ' '; };
  // From after the opening quote to after the closing one.
  const auto quoted = [&sql](char quote, bool escapes, bool backslash_allowed) -> std::optional<std::string> {
    std::string value;
    while (!sql.empty()) {
      const char c = sql.front();
      sql.remove_prefix(1);
      if (c == quote) {
        if (!sql.starts_with(quote)) return value;
        sql.remove_prefix(1);
        value += quote;
      } else if (c == '\\' && escapes) {
        if (sql.empty()) return std::nullopt;
        const char next = sql.front();
        sql.remove_prefix(1);
        value += next == 'n' ? '\n' : next == 't' ? '\t' : next == 'r' ? '\r' : next == 'f' ? '\f' : next;
      } else {
        if (c == '\0' || (c == '\\' && !backslash_allowed)) return std::nullopt;
        value += c;
      }
    }
    return std::nullopt;
  };
  while (!sql.empty()) {
    const char c = sql.front();
    if (c == ' ' || c == '\n') {
      sql.remove_prefix(1);
    } else if (c == '"') {
      sql.remove_prefix(1);
      auto name = quoted('"', false, true);
      if (!name || name->empty()) return std::nullopt;
      out.identifiers.push_back(std::move(*name));
      add("I");
    } else if (c == '\'' || sql.starts_with("E'")) {
      sql.remove_prefix(c == 'E' ? 2 : 1);
      auto text = quoted('\'', c == 'E', false);
      if (!text) return std::nullopt;
      out.literals.push_back(std::move(*text));
      add("L");
    } else if (is_word(c)) {
      std::size_t end = 0;
      while (end < sql.size() && is_word(sql[end])) ++end;
      const std::string_view word = sql.substr(0, end);
      sql.remove_prefix(end);
      if (sql.starts_with('\'') || sql.starts_with('&')) return std::nullopt;  // B'', X'', U&'', U&""
      add(word.find_first_not_of("0123456789") == std::string_view::npos ? "N" : word);
    } else if (sql.starts_with("--") || sql.starts_with("/*")) {
      return std::nullopt;
    } else if (const std::size_t tag = body_tag(sql); tag > 0) {
      const std::size_t end = sql.find(sql.substr(0, tag), tag);
      if (end == std::string_view::npos) return std::nullopt;
      out.literals.emplace_back(sql.substr(tag, end - tag));
      sql.remove_prefix(end + tag);
      add("L");
    } else if (c == '$' && (sql.size() < 2 || sql[1] < '0' || sql[1] > '9')) {
      return std::nullopt;
    } else if (std::string_view("()[],.;:|=<>+-*/$@&~").contains(c)) {
      add({&c, 1});
      sql.remove_prefix(1);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace embedd
