/// Transactions that change a user's table while it is in use.
#pragma once

#include <fmt/format.h>

#include <string>
#include <thread>

#include "base/units.h"
#include "pg/connection.h"

namespace embedd::schema {

/// Runs `body`, which changes `table`, in a transaction. DDL waits for the table's users, and new users wait
/// behind the DDL. So each try waits for a moment only, and there are several tries.
template <typename Body>
auto change_table(pg::Connection& db, const std::string& table, Body&& body) -> decltype(body()) {
  constexpr int kTries = 30;
  for (int attempt = 1;; ++attempt) {
    std::string sqlstate;
    auto result = db.transaction([&]() -> decltype(body()) {
      TRY(db.exec("SET LOCAL lock_timeout = '200ms'"));
      auto changed = body();
      if (!changed) sqlstate = db.last_sqlstate();
      return changed;
    });
    if (result || sqlstate != "55P03") return result;
    if (attempt == kTries)
      return fail(ErrorKind::conflict,
                  fmt::format("{} is busy: its lock could not be had in {} tries. Try again, or "
                              "look for long transactions in pg_stat_activity",
                              table, kTries));
    std::this_thread::sleep_for(milliseconds(200));
  }
}

}  // namespace embedd::schema
