/// A simulated world for one promise at a time, which tells its story if the promise is broken.
#pragma once

#include <gtest/gtest.h>

#include "core/job.h"
#include "support/sim_world.h"

namespace embedd::sim {

class Scenario : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const std::string& violation : world.violations) ADD_FAILURE() << violation;
    if (HasFailure()) std::cerr << world.story();
  }
  bool settled(Duration at_most) {
    return world.run_until([&] { return world.database.jobs() == 0 && walked(); }, at_most);
  }
  [[nodiscard]] bool walked() const {
    for (const auto& [id, table] : world.database.tables)
      if (!table.dropped && !table.walked) return false;
    return true;
  }
  void expect_all_true(Duration at_most = std::chrono::minutes(10)) {
    EXPECT_TRUE(settled(at_most)) << world.database.jobs() << " jobs left";
    EXPECT_EQ(world.verdict(), "");
  }
  Table& table(VectorizerId id) { return world.database.tables.at(id); }

  World world{1};
};

}  // namespace embedd::sim
