#include "cli/existing.h"

namespace embedd::cli {

void write_existing(JsonWriter& json, const app::Existing& existing) {
  json.key("existing_vectors");
  if (!existing.counted) {
    json.null();
    return;
  }
  json.object().key("rows").value(existing.rows).key("adopted").value(existing.adopted);
  json.key("recalled").value(existing.recalled_rows()).key("embedded_anew").value(existing.unproven_rows());
  json.key("cost_usd");
  existing.usd_anew ? json.value(*existing.usd_anew) : json.null();
  json.end();
}

}  // namespace embedd::cli
