/// What tests of the traces service share: the first user's tables as their own migrations leave them, and a
/// server over them.
#pragma once

#include <string>

#include "support/serve_fixture.h"

namespace embedd::test {

class TracesTest : public ServeTest {
 protected:
  /// The tables traces, tags, trace_tags, trace_relationships and users. As with their object-relational
  /// mapper, most values have no default of the database's: whoever inserts a row must give them.
  void create_their_tables();
  /// `embedd traces init --full` for the built-in model.
  void init_full();
  /// Tags a trace, as their application does.
  void tag(const std::string& id, const std::string& name);
  /// Lets the role of the tests' servers read and write the tables: see docs/traces.md.
  void grant_tables();
  /// Starts the server, whose role may also read and write the tables: see docs/traces.md.
  void serve(const Environment& changes = {}, const std::string& token = "");
  /// Inserts a trace as their application does. `id` is the last two digits of the uuid. `fingerprint`: JSON,
  /// or NULL.
  void add_trace(const std::string& id, const std::string& title, const std::string& solution,
                 const std::string& fingerprint = "NULL");
  /// The uuid with these last two digits.
  static std::string uuid(const std::string& id) { return "00000000-0000-0000-0000-0000000000" + id; }
  /// The jobs of all vectorizers.
  std::int64_t all_jobs();
};

}  // namespace embedd::test
