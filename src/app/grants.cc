#include "app/grants.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "app/database.h"
#include "schema/inspect.h"

namespace embedd::app {

Result<Grants> read_grants(const Settings& settings, const std::string& role) {
  auto db = TRY(connect(settings));
  auto lacking = TRY(schema::missing_grants(db, role));
  return Grants{.granted = {}, .lacking = std::move(lacking)};
}

Result<Grants> apply_grants(const Settings& settings, const std::string& role) {
  auto db = TRY(connect(settings));
  const auto before = TRY(schema::missing_grants(db, role));
  // Grants one by one, because a role may be allowed to make only some of the grants. Then reads what took
  // effect: for some refused grants PostgreSQL gives a mere warning.
  for (const std::string& grant : before)
    if (auto granted = db.exec(grant); !granted && db.last_sqlstate().empty())
      return std::unexpected(granted.error());
  auto after = TRY(schema::missing_grants(db, role));
  Grants grants{.granted = {}, .lacking = std::move(after)};
  std::ranges::copy_if(before, std::back_inserter(grants.granted), [&](const std::string& grant) {
    return std::ranges::count(grants.lacking, grant) == 0;
  });
  return grants;
}

}  // namespace embedd::app
