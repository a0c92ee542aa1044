/// The SQL of one vectorizer's queue, ledger and change capture. Pure: text in, text out.
///
/// A write to the vector itself is captured before the write. Only then can an UPDATE that names the column
/// be told from another one without reading a vector of kilobytes. An UPDATE that copies a vector from
/// another table can be told only with PostgreSQL 17; before 17, the walk finds it.
///
/// Trigger functions run with their owner's rights. So they evaluate nothing of the user's: no filter, no
/// template, no cast, no operator of a type that is not PostgreSQL's own. They compare columns byte by byte,
/// enqueue keys, and leave all decisions to the worker. They depend on no column, so that any ALTER TABLE
/// succeeds. If a column is no longer what it was, they record the change as missed and let the write pass.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/job.h"

namespace embedd::schema {

/// Written to embedd.vectorizers.capture_version. Increases when the generated SQL changes in substance.
inline constexpr int kCaptureVersion = 1;

/// The role that owns the functions of vectorizers that superusers declare.
inline constexpr const char* kCaptureRole = "embedd_capture";

/// What the generated SQL depends on.
struct CapturePlan {
  VectorizerId id = 0;
  std::string source;   ///< "schema"."table"
  bool by_row = false;  ///< capture inserts and deletes by row: statements on parents and partitions too
  bool rows_only =
      false;             ///< … and with row triggers alone, no NOTIFY and no advisory lock: `--capture rows`
  bool by_role = false;  ///< kCaptureRole owns the functions
  std::vector<std::string> key_columns;
  std::vector<std::string> key_types;       ///< of k1..kn, base types, without modifiers
  std::vector<std::string> key_own_types;   ///< of the columns, which may be domains: pg_catalog.int8
  std::vector<std::string> key_collations;  ///< of k1..kn, qualified; empty if the type has none
  std::vector<std::string> read;            ///< columns of the template, the filter and the key, each once
  std::string key_json_sql;                 ///< over alias q
  std::string destination;                  ///< the column
  std::string destination_type;             ///< as declared, qualified: public.vector, a domain
  std::string destination_base_type;        ///< public.vector, public.halfvec
  int stored_bytes = 0;                     ///< of a vector stored out of line; 0: any length
  bool tells_toast_apart = false;           ///< the server has pg_column_toast_chunk_id()
  std::string vector_type;                  ///< qualified type of a kept vector
  /// The table of the vectors, if they are not in the source. Then `destination` and the fields after it mean
  /// nothing.
  struct Store {
    std::string schema, name;
    std::string table;                     ///< "schema"."table"
    std::string type;                      ///< public.vector(1536)
    std::string type_name;                 ///< vector or halfvec
    int dimensions = 0;                    ///< of the vectors, if the store exists
    std::vector<std::string> key_types;    ///< of the store's key columns, as SQL declares them
    bool exists = false;                   ///< the store was made before its vectorizer
    bool has_model_id = false;             ///< if the store exists: a column names the model of its vectors
    std::vector<std::string> alterations;  ///< if the store exists: statements that add embedd's columns …
    std::vector<std::string> added;        ///< … and the names of these columns
  };
  std::optional<Store> store;
};

/// A condition over g (pg_trigger) and v (embedd.vectorizers): capture_ddl() created the trigger for the
/// vectorizer.
std::string is_our_trigger_sql();

/// Statements that create the queue and the ledger table.
std::vector<std::string> queue_ddl(const CapturePlan& plan);

/// Statements that create the trigger functions and the triggers.
std::vector<std::string> capture_ddl(const CapturePlan& plan);

/// Statements that remove what capture_ddl() made.
std::vector<std::string> drop_capture_ddl(VectorizerId id);

/// Statements that remove what queue_ddl() and capture_ddl() created, except the ledger if it is kept. They
/// run with the rights of the role that created the vectorizer, and no more.
std::vector<std::string> drop_ddl(VectorizerId id, bool keep_ledger);

}  // namespace embedd::schema
