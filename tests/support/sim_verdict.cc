// What must be true of the simulated world's tables: at every moment, and at the end of a day.
#include <fmt/format.h>

#include "support/sim_world.h"

namespace embedd::sim {

namespace {

/// The text that was cut into these chunks.
std::string text_of(const StoredChunks& chunks) {
  std::string text;
  for (const auto& [number, chunk] : chunks) text += (text.empty() ? "" : "|") + chunk.chunk;
  return text;
}

}  // namespace

bool travels_whole(const Provider& provider, const Table& table, const std::string& text) {
  const bool cut = provider.takes_tokens && Provider::tokens_of(text) > *provider.takes_tokens;
  return !cut && !Provider::too_long(text) && table.vectorizer.long_texts != LongTexts::average;
}

std::string World::wrong_chunks(const Table& table, const std::string& key) const {
  const std::string row = fmt::format("{} {}", table.vectorizer.name, key);
  const auto stored = table.store.find(key);
  if (stored == table.store.end() || stored->second.empty()) return row + " has no chunks";
  if (table.written_to.contains(key)) return row + " has a chunk that somebody else wrote";
  int number = 0;
  for (const auto& [at, chunk] : stored->second) {
    if (at != number++) return fmt::format("{} lacks chunk {}", row, number - 1);
    if (travels_whole(provider, table, chunk.chunk) && chunk.vector != vector_of(chunk.chunk))
      return fmt::format("{} has a chunk with the vector of another", row);
  }
  if (const std::string text = text_of(stored->second); text != table.rows.at(key).text)
    return fmt::format("{} has the chunks of another text: '{}'", row, text);
  return "";
}

/// Of a store whose rows all wait for nothing.
std::string World::verdict_of_store(const Table& table) const {
  const std::string& name = table.vectorizer.name;
  for (const auto& [key, stored] : table.store)
    if (!table.rows.contains(key)) return fmt::format("G2: {} {} is gone and has chunks", name, key);
  for (const auto& [key, staged] : table.staged.rows())
    if (!table.dead.contains(key)) return fmt::format("G2: chunks of {} {} are staged for ever", name, key);
  for (const auto& [sent, row] : database.tables.at(table.chunks).rows)
    if (table.staged.rows_with(sent).empty())
      return fmt::format("G12: '{}' of {} waits, and no row needs it", sent, name);
  for (const auto& [key, row] : table.rows) {
    culprit_ = fmt::format("{} {}", name, key);
    const auto stored = table.store.find(key);
    const bool filled = stored != table.store.end() && !stored->second.empty();
    const auto dead = table.dead.find(key);
    const bool at_fault = row.text.contains("poison") || table.refused_keys.contains(key);
    if (blank(row.text)) {
      if (filled && !table.refused_keys.contains(key))
        return fmt::format("G2: {} {} has chunks but no text", name, key);
    } else if (dead != table.dead.end()) {
      if (!at_fault)
        return fmt::format("G6: {} {} is dead ({}) without fault", name, key, dead->second.message);
    } else if (!filled) {
      return fmt::format("G1: {} {} has no chunks", name, key);
    } else if (std::string wrong = wrong_chunks(table, key); !wrong.empty()) {
      return "G2: " + wrong;
    }
  }
  culprit_.clear();
  return "";
}

std::string World::verdict() const {
  for (const auto& [id, table] : database.tables) {
    if (table.dropped) continue;
    const std::string& name = table.vectorizer.name;
    culprit_ = table.queue.empty() ? "" : fmt::format("{} {}", name, table.queue.begin()->first);
    if (!table.queue.empty())
      return fmt::format("G1: {} jobs of {} never settled, {} among them", table.queue.size(), name,
                         table.queue.begin()->first);
    if (table.chunks != 0) {
      if (std::string wrong = verdict_of_store(table); !wrong.empty()) return wrong;
      continue;
    }
    for (const auto& [key, row] : table.rows) {
      culprit_ = fmt::format("{} {}", name, key);
      if (blank(row.text)) {
        if (row.vector && !table.refused_keys.contains(key))
          return fmt::format("G2: {} {} has a vector but no text", name, key);
        continue;
      }
      const auto dead = table.dead.find(key);
      const bool at_fault =
          Provider::poison(row.text) || Provider::garbled(row.text) || table.refused_keys.contains(key);
      if (dead != table.dead.end()) {
        if (!at_fault)
          return fmt::format("G6: {} {} is dead ({}) without fault", name, key, dead->second.message);
      } else if (!row.vector) {
        return fmt::format("G1: {} {} has no vector", name, key);
      } else if (travels_whole(provider, table, row.text) && *row.vector != vector_of(row.text)) {
        return fmt::format("G2: {} {} has a vector that is not of its text", name, key);
      }
    }
  }
  culprit_.clear();
  return "";
}

}  // namespace embedd::sim
