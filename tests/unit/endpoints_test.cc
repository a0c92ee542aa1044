#include "core/endpoints.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

TEST(Endpoints, EachHasItsGate) {
  PartialObserver observer;
  Random random(1);
  Endpoints endpoints(observer, random);
  EXPECT_EQ(endpoints.find("a"), nullptr);
  EndpointGate& gate = endpoints.gate("a");
  EXPECT_EQ(endpoints.find("a"), &gate);
  EXPECT_EQ(&endpoints.gate("a"), &gate);
  EXPECT_NE(&endpoints.gate("b"), &gate);
}

}  // namespace
}  // namespace embedd
