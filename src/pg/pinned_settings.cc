#include "pg/pinned_settings.h"

namespace embedd::pg {

/// PostgreSQL's own defaults, except the time zone.
std::span<const PinnedSetting> pinned_settings() {
  static constexpr PinnedSetting kSettings[] = {
      {"TimeZone", "UTC"},         {"DateStyle", "ISO, MDY"}, {"IntervalStyle", "postgres"},
      {"extra_float_digits", "1"}, {"bytea_output", "hex"},   {"xmlbinary", "base64"},
      {"lc_monetary", "C"},
  };
  return kSettings;
}

}  // namespace embedd::pg
