// The part of the simulated database that knows successors: what src/schema/successor.cc and switch.cc do,
// and what becomes of statements that were made for former names.
#include "support/sim_database.h"

#include <algorithm>

namespace embedd::sim {

std::string templated(const Table& table, const std::string& users_text) {
  if (table.label.empty() || blank(users_text)) return users_text;
  std::string text;
  bool labelled = false;
  for (const char c : users_text) {
    if (!labelled && (c == ' ' || c == '|')) text += table.label;
    labelled = c != '|' && (labelled || c == ' ');
    text += c;
  }
  return labelled ? text : text + table.label;
}

std::map<VectorizerId, std::string> Database::destinations() const {
  std::map<VectorizerId, std::string> out;
  for (const auto& [id, table] : tables)
    if (!table.dropped) out.emplace(id, table.destination);
  return out;
}

Table* Database::destination(Table& table, const std::string& called) {
  if (table.destination != called) return nullptr;
  // Without that question, a statement writes to whatever has the name.
  for (const VectorizerId id : family(table.vectorizer.id))
    if (tables.at(id).destination == called) return &tables.at(id);
  return nullptr;
}

std::vector<VectorizerId> Database::family(VectorizerId id) const {
  std::vector<VectorizerId> out;
  for (const auto& [other, table] : tables)
    if (table.source == tables.at(id).source && !table.dropped) out.push_back(other);
  return out;
}

VectorizerId Database::living(VectorizerId source) const {
  for (const VectorizerId id : family(source))
    if (tables.at(id).next_of == 0 && tables.at(id).old_of == 0) return id;
  return 0;
}

VectorizerId Database::related(VectorizerId living, VectorizerId Table::* relation) const {
  for (const VectorizerId id : family(living))
    if (tables.at(id).*relation == living) return id;
  return 0;
}

/// Somebody keeps the owner from the table's lock.
bool Database::in_use(VectorizerId id) const {
  const Table& table = tables.at(id);
  return table.locked || std::ranges::any_of(table.rows, [](const auto& row) { return row.second.held; });
}

VectorizerId Database::begin_change(VectorizerId living, const std::string& label) {
  const Table& former = tables.at(living);
  if (former.dropped || former.next_of != 0 || former.old_of != 0 || in_use(living)) return 0;
  if (related(living, &Table::next_of) != 0) return 0;
  const auto id = static_cast<VectorizerId>(tables.size() + 1);
  Table& next = tables[id];
  next.vectorizer = former.vectorizer;
  next.vectorizer.id = id;
  next.vectorizer.stopped = false;
  next.source = former.source;
  next.label = label;
  next.destination = former.destination + "_next";
  next.next_of = living;
  for (const auto& [key, row] : tables.at(former.source).rows) {
    next.rows[key].text = templated(next, row.text);
    owners[next.rows[key].text].emplace(id, key);
  }
  if (former.chunks != 0) {
    next.chunks = id + 1;
    Table& chunks = tables[next.chunks];
    chunks.vectorizer = tables.at(former.chunks).vectorizer;
    chunks.vectorizer.id = chunks.source = next.chunks;
    chunks.vectorizer.rows = id;
    chunks.destination = "embedding";
  }
  rename_vectorizer(next, former.vectorizer.name + ".next");
  return id;
}

void Database::rename_vectorizer(Table& table, const std::string& name) {
  table.vectorizer.name = name;
  if (table.chunks != 0) tables.at(table.chunks).vectorizer.name = name + ".chunks";
}

/// Rows that the living one has embedded, or gave up, and the coming one has not.
bool Database::lacks_rows(const Table& coming, const Table& living) const {
  const auto not_in = [](const auto& those) {
    return [&those](const auto& entry) { return !those.contains(entry.first); };
  };
  return std::ranges::any_of(coming.queue, not_in(living.queue)) ||
         std::ranges::any_of(coming.dead, not_in(living.dead));
}

bool Database::switch_places(VectorizerId living, bool back, bool incomplete) {
  const VectorizerId next = related(living, &Table::next_of), old = related(living, &Table::old_of);
  if ((back ? old : next) == 0 || (back ? next : old) != 0 || in_use(living)) return false;
  Table& before = tables.at(living);
  Table& now = tables.at(back ? old : next);
  if (!now.walked || (!incomplete && lacks_rows(now, before))) return false;
  now.destination = before.destination;
  before.destination += back ? "_next" : "_old";
  const std::string name = before.vectorizer.name;
  rename_vectorizer(now, name);
  rename_vectorizer(before, name + (back ? ".next" : ".old"));
  now.next_of = now.old_of = 0;
  (back ? before.next_of : before.old_of) = now.vectorizer.id;
  return true;
}

bool Database::drop_with_vectors(VectorizerId id) {
  if (id == 0 || in_use(id)) return false;
  Table& table = tables.at(id);
  table.dropped = true;
  if (table.chunks != 0) tables.at(table.chunks).dropped = true;
  if (id == table.source) return true;  // whose rows are the users'
  table.source = id;
  static_cast<Contents&>(table) = {};
  return true;
}

bool Database::cancel_change(VectorizerId living) {
  return drop_with_vectors(related(living, &Table::next_of));
}

bool Database::prune(VectorizerId living) { return drop_with_vectors(related(living, &Table::old_of)); }

}  // namespace embedd::sim
