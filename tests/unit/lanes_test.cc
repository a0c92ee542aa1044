// Which vectorizers are served, and in which order.
#include "core/lanes.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

void list(Lanes& lanes, std::initializer_list<VectorizerId> ids, VectorizerId busy = 0) {
  lanes.begin_list();
  for (const VectorizerId id : ids) lanes.list({.id = id});
  lanes.end_list([&](const Lane& lane) { return lane.vectorizer.id == busy; });
}

std::vector<VectorizerId> order(const Lanes& lanes) {
  std::vector<VectorizerId> ids;
  for (const Lane* lane : lanes.in_order()) ids.push_back(lane->vectorizer.id);
  return ids;
}

TEST(Lanes, StayWhileTheyAreListedOrBusy) {
  Lanes lanes;
  list(lanes, {1, 2});
  const Lane* first = lanes.find(1);
  list(lanes, {2, 3}, 1);
  EXPECT_EQ(lanes.find(1), first);
  EXPECT_FALSE(first->listed);
  EXPECT_TRUE(first->resting(Instant{})) << "nothing new is begun for it";
  EXPECT_TRUE(lanes.find(2)->listed);
  list(lanes, {1, 2, 3});
  EXPECT_EQ(lanes.find(1), first);
  EXPECT_TRUE(first->listed);
  list(lanes, {2});
  EXPECT_EQ(order(lanes), std::vector<VectorizerId>{2});
  EXPECT_EQ(lanes.find(1), nullptr);
}

TEST(Lanes, KeepTheirDeclarationUntilItIsChangedOnPurpose) {
  Lanes lanes;
  lanes.list({.id = 1, .model = "old"});
  EXPECT_EQ(lanes.list({.id = 1, .model = "new"}).vectorizer.model, "old");
}

TEST(Lanes, AreServedInTurn) {
  using Ids = std::vector<VectorizerId>;
  Lanes lanes;
  EXPECT_EQ(order(lanes), Ids{});
  list(lanes, {1, 2, 3});
  struct Turn {
    VectorizerId served;
    Ids next;
  };
  for (const auto& [served, next] : {Turn{1, {2, 3, 1}}, Turn{3, {1, 2, 3}}, Turn{2, {3, 1, 2}}}) {
    lanes.served(*lanes.find(served));
    EXPECT_EQ(order(lanes), next);
  }
  list(lanes, {1});
  EXPECT_EQ(order(lanes), Ids{1});
}

TEST(Lanes, OfLockedTablesOneIsAskedForAtATime) {
  Lanes lanes;
  list(lanes, {1, 2});
  Lane& one = *lanes.find(1);
  Lane& two = *lanes.find(2);
  one.lock.failed({ErrorKind::conflict, "locked"});
  EXPECT_FALSE(lanes.must_wait(one));
  one.claims.sent(Instant{});
  EXPECT_FALSE(lanes.must_wait(two)) << "its table is not locked";
  two.lock.failed({ErrorKind::conflict, "locked"});
  EXPECT_TRUE(lanes.must_wait(two));
  one.claims.found_none(false, Instant{});
  EXPECT_FALSE(lanes.must_wait(two));
  one.walk.page_sent();
  EXPECT_TRUE(lanes.must_wait(two));
}

TEST(Lanes, CountTheWalksThatNobodyWaitsFor) {
  Lanes lanes;
  list(lanes, {1, 2, 3});
  for (const VectorizerId id : {1, 3}) lanes.find(id)->walk.walked({.routine = true});
  EXPECT_EQ(lanes.routine_walks(), 2U);
}

}  // namespace
}  // namespace embedd
