// The model of a slow server that simulation, integration tests and bench have in common.
#include "support/model_server.h"

#include <gtest/gtest.h>

namespace embedd::test {
namespace {

using Tickets = std::vector<ModelServer::Ticket>;

Instant at(double seconds) {
  return Instant{} + std::chrono::hours(1) +
         std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

TEST(ModelServer, ComputesOneRequestAfterAnother) {
  ModelServer server(10);
  const auto first = server.arrived(10, at(0)), second = server.arrived(20, at(0));
  EXPECT_EQ(server.take_done(at(0.9)), Tickets{});
  EXPECT_EQ(server.take_done(at(1.01)), Tickets{first});
  EXPECT_EQ(server.take_done(at(2.9)), Tickets{});
  EXPECT_EQ(server.take_done(at(3.01)), Tickets{second});
  EXPECT_EQ(server.next_done(), std::nullopt);
}

TEST(ModelServer, HasLanesOfWhichARequestGetsOne) {
  ModelServer server(10, 2);
  const auto a = server.arrived(10, at(0)), b = server.arrived(5, at(0)), c = server.arrived(5, at(0));
  EXPECT_EQ(server.take_done(at(1.5)), Tickets{b});
  EXPECT_EQ(server.take_done(at(2.5)), (Tickets{a, c}));
}

TEST(ModelServer, IsDoneWhenItSaysAndWorksOnAtAnotherPace) {
  ModelServer server(10);
  const auto only = server.arrived(10, at(0));
  EXPECT_EQ(server.next_done(), at(1));
  server.set_pace(1, at(0.5));
  EXPECT_NEAR(to_seconds(*server.next_done() - at(0)), 5.5, 1e-6);
  EXPECT_EQ(server.take_done(at(5.4)), Tickets{});
  EXPECT_EQ(server.take_done(*server.next_done()), Tickets{only});
}

}  // namespace
}  // namespace embedd::test
