#include "tests/policy_lab/score_table.h"

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace dmaheap::policy_lab {
namespace {

Score SomeScore() {
  Score score;
  score.policy = "box";
  score.requests = 4;
  score.served = 3;
  score.waits = {absl::Milliseconds(1), absl::Milliseconds(2), absl::Milliseconds(30)};
  score.mean_wait = absl::Milliseconds(11);
  score.attempts_mean = 2.5;
  score.woken_mean = 0.75;
  score.barriers_mean = 0.25;
  score.frozen_mean = absl::Microseconds(12340);
  score.cured_ratio = 0.5;
  return score;
}

TEST(ScoreTableTest, ALineHasEveryNumber) {
  const std::string line = ScoreLine(SomeScore());
  for (const char* number : {"box ", " 75.0% ", " 11.0 ", " 2.0 ", " 30.0 ", " 2.50 ", " 0.75 ",
                             " 0.25 ", " 12.34 ", " 50%\n"}) {
    EXPECT_TRUE(absl::StrContains(line, number)) << number << "\n" << line;
  }
}

TEST(ScoreTableTest, NothingIsSaidOfCuresWhereThereWasNoBarrier) {
  Score score = SomeScore();
  score.barriers_mean = 0;
  EXPECT_TRUE(absl::StrContains(ScoreLine(score), " -\n"));
}

TEST(ScoreTableTest, TheHeadIsAsWideAsALine) {
  EXPECT_EQ(ScoreHead().size(), ScoreLine(SomeScore()).size());
}

}  // namespace
}  // namespace dmaheap::policy_lab
