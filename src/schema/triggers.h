/// The SQL of one vectorizer's queue, ledger and change capture. Pure: text in, text out.
///
/// A write to the vector itself is captured before it is made: only then an UPDATE that names the column can
/// be told from one that does not, without reading a vector of kilobytes. One that copies a vector from
/// another table can be told only by PostgreSQL 17; before it, the walk finds it.
///
/// Trigger functions run with the rights of their owner, so they evaluate nothing of the user's: no filter,
/// no template, no cast, no operator of a type that is not PostgreSQL's own. They compare columns byte by
/// byte, enqueue keys, and leave all judgement to the worker. They depend on no column, so that any ALTER
/// TABLE goes through; where a column is no longer what it was, they note the change as missed and let the
/// write pass.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/job.h"

namespace embedd::schema {

/// Written to embedd.vectorizers.capture_version: goes up whenever what is generated here changes in
/// substance.
inline constexpr int kCaptureVersion = 1;

/// The role that owns what superusers have captured.
inline constexpr const char* kCaptureRole = "embedd_capture";

/// What the generated SQL needs to know.
struct CapturePlan {
  VectorizerId id = 0;
  std::string source;    ///< "schema"."table"
  bool by_row = false;   ///< capture inserts and deletes by row: statements on parents and partitions too
  bool by_role = false;  ///< the functions shall belong to kCaptureRole
  std::vector<std::string> key_columns;
  std::vector<std::string> key_types;       ///< of k1..kn, base types, without modifiers
  std::vector<std::string> key_own_types;   ///< of the columns, where a domain is one: pg_catalog.int8
  std::vector<std::string> key_collations;  ///< of k1..kn, qualified; empty where the type has none
  std::vector<std::string> read;            ///< columns of the template, the filter and the key, each once
  std::string key_json_sql;                 ///< over alias q
  std::string destination;                  ///< the column
  std::string destination_type;             ///< as declared, qualified: public.vector, a domain
  std::string destination_base_type;        ///< public.vector, public.halfvec
  int stored_bytes = 0;                     ///< of a vector out of line; 0: of any length
  bool tells_toast_apart = false;           ///< the server has pg_column_toast_chunk_id()
  std::string vector_type;                  ///< qualified type of a kept vector
  /// Where the vectors are in a table of their own, and `destination` and what follows it mean nothing.
  struct Store {
    std::string schema;
    std::string table;                   ///< "schema"."table"
    std::string type;                    ///< public.vector(1536)
    std::vector<std::string> key_types;  ///< of its key columns, as SQL declares them
  };
  std::optional<Store> store;
};

/// A condition over g (pg_trigger) and v (embedd.vectorizers): the trigger is one of those that capture_ddl()
/// makes for the vectorizer.
std::string is_our_trigger_sql();

/// Statements that make the queue and the ledger table.
std::vector<std::string> queue_ddl(const CapturePlan& plan);

/// Statements that make the trigger functions and the triggers.
std::vector<std::string> capture_ddl(const CapturePlan& plan);

/// Statements that remove what the other two made, but for the ledger if it is to stay. They take the rights
/// of whoever made it, and no more.
std::vector<std::string> drop_ddl(VectorizerId id, bool keep_ledger);

}  // namespace embedd::schema
