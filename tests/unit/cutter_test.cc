// What becomes of rows whose texts are cut into chunks.
#include "core/cutter.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_parts.h"

namespace embedd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Cutting : public test::WorkerParts {
 protected:
  Cutting() : WorkerParts({.max_text_bytes = 2 * kMiB}) { notes.vectorizer.chunk_rule = "bars"; }

  LeasedJob row(const Key& key, std::string text, bool ends = true, ChunkCursor from = {}) {
    LeasedJob leased = job(key, std::move(text));
    leased.job.task = Task::cut;
    leased.job.cut_ends = ends;
    leased.job.cut_from = std::move(from);
    leased.job.whole_bytes = leased.job.text.size();
    return leased;
  }
  void cut(std::vector<LeasedJob> jobs) { cutter.cut(notes, std::move(jobs), now); }

  Cutter cutter{state, keeper};
};

TEST_F(Cutting, RowsAreStagedTogether) {
  cut({row("a", "x|y"), row("b", "z")});
  EXPECT_THAT(settled(), ElementsAre("stage a, 0 on: x y b, 0 on: z"));
}

TEST_F(Cutting, ALongTextIsStagedWindowByWindow) {
  cut({row("a", "x|y|z", false)});
  EXPECT_THAT(settled(), ElementsAre("stage a, 0 on: x y, then from 4"));
  cut({row("a", "z|end", true, {.characters = 4, .chunks = 2})});
  EXPECT_THAT(settled(), ElementsAre("stage a, 2 on: z end"));
}

TEST_F(Cutting, ARowThatCannotBeCutIsADeadLetterAndItsNeighbourIsNot) {
  cut({row("a", "!"), row("b", "z")});
  EXPECT_THAT(settled(), ElementsAre("discard a for rejected: it cannot be cut", "stage b, 0 on: z"));
}

TEST_F(Cutting, ATextThatIsTooLongIsADeadLetterThatSaysSo) {
  LeasedJob huge = row("a", "the first window|", false);
  huge.job.whole_bytes = 3 * kMiB;
  cut({huge});
  EXPECT_THAT(settled(),
              ElementsAre(HasSubstr("3.0 MiB, more than the 2 MiB that are cut; raise EMBEDD_MAX_TEXT_MIB")));
}

TEST_F(Cutting, RowsThatWaitForTheirChunksAreLookedAtAgain) {
  cutter.wait(notes, {embedd::settled(row("a", "x"))}, now);
  EXPECT_THAT(settled(), ElementsAre("reschedule a after 15 s"));
  cutter.wait(notes, {}, now);
  EXPECT_THAT(settled(), IsEmpty());
}

TEST_F(Cutting, ATextThatIsCutFromItsBeginAgainAndAgainWaits) {
  for (unsigned i = 0; i < SpendingBrake::kAtOnce; ++i) {
    cut({row("a", "x|y|z", false)});
    EXPECT_THAT(settled(), ElementsAre("stage a, 0 on: x y, then from 4"));
  }
  cut({row("a", "x|y|z", false), row("b", "z"), row("a", "z", true, {.characters = 4, .chunks = 2})});
  EXPECT_THAT(settled(), ElementsAre("reschedule a after 1 s", "stage b, 0 on: z a, 2 on: z"))
      << "the rest of a text is cut at once";
}

TEST_F(Cutting, NoMoreRowsAreCutWhileManyChunksWait) {
  EXPECT_FALSE(cutter.far_enough_ahead(notes)) << "the poll has not named the vectorizer of its chunks";
  Lane& chunks = add_lane(2, "notes.chunks");
  chunks.vectorizer.rows = notes.vectorizer.id;
  EXPECT_FALSE(cutter.far_enough_ahead(notes));
  chunks.jobs_estimate = 20'000;
  EXPECT_TRUE(cutter.far_enough_ahead(notes));
  EXPECT_FALSE(cutter.far_enough_ahead(chunks)) << "they are what is waited for";
}

}  // namespace
}  // namespace embedd
