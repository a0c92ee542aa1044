#include "cli/redis_setting.h"

#include <utility>

namespace embedd::cli {

Result<std::optional<redis::Target>> redis_of(const SettingValues& values) {
  const Secret url = TRY(values.secret("redis_url"));
  if (url.empty()) return std::nullopt;
  const bool in_file = values.from_file("redis_url");
  return TRY(redis::parse_url(url, values.place_of(in_file ? "redis_url_file" : "redis_url")));
}

}  // namespace embedd::cli
