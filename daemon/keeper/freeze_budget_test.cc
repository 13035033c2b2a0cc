#include "daemon/keeper/freeze_budget.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

absl::Time At(int64_t milliseconds) { return absl::UnixEpoch() + absl::Milliseconds(milliseconds); }

struct Case {
  const char* name;
  // Frozen from, to, in milliseconds.
  std::vector<std::pair<int, int>> frozen;
  int now;
  int box;
  // -1: never.
  int wait;
};

class FreezeBudgetTest : public ::testing::TestWithParam<Case> {};

TEST_P(FreezeBudgetTest, SaysHowLongToWait) {
  FreezeBudget budget(absl::Milliseconds(50), absl::Seconds(1));
  for (const auto& [begin, end] : GetParam().frozen) budget.Add(At(begin), At(end));

  const absl::Duration wait = budget.Wait(At(GetParam().now), absl::Milliseconds(GetParam().box));

  EXPECT_EQ(wait,
            GetParam().wait < 0 ? absl::InfiniteDuration() : absl::Milliseconds(GetParam().wait));
}

INSTANTIATE_TEST_SUITE_P(
    All, FreezeBudgetTest,
    ::testing::Values(Case{"Unused", {}, 0, 50, 0}, Case{"LongerThanTheBudget", {}, 0, 51, -1},
                      Case{"UsedUp", {{0, 50}}, 50, 50, 950},
                      Case{"UsedUpForASmallBoxToo", {{0, 50}}, 50, 10, 950},
                      Case{"JustBeforeItIsFree", {{0, 50}}, 999, 50, 1},
                      Case{"FreeAgain", {{0, 50}}, 1000, 50, 0},
                      Case{"RoomForTheRest", {{0, 30}}, 30, 20, 0},
                      Case{"NoRoomForMore", {{0, 30}}, 30, 21, 950},
                      Case{"AnOldOneThatIsHalfOut", {{0, 40}}, 970, 20, 20},
                      Case{"SmallOnesAddUp", {{0, 10}, {100, 110}, {200, 210}}, 300, 30, 680},
                      Case{"SmallOnesLeaveRoom", {{0, 10}, {100, 110}, {200, 210}}, 300, 20, 0},
                      Case{"OneThatWasTooLong", {{0, 300}}, 300, 50, 950},
                      Case{"OneThatWasTooLongASmallBox", {{0, 300}}, 300, 10, 950},
                      Case{"LongAgo", {{0, 300}}, 100'000, 50, 0}),
    [](const auto& info) { return info.param.name; });

// The rule by itself, looked at in every window that begins or ends at a millisecond.
int MostInAnyWindow(const std::vector<bool>& frozen) {
  int most = 0;
  int sum = 0;
  for (size_t i = 0; i < frozen.size(); ++i) {
    sum += frozen[i] ? 1 : 0;
    if (i >= 1000) sum -= frozen[i - 1000] ? 1 : 0;
    most = std::max(most, sum);
  }
  return most;
}

TEST(FreezeBudgetRuleTest, WhoKeepsToItNeverTakesMoreThanTheBudgetOfAnySecond) {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    FreezeBudget budget(absl::Milliseconds(50), absl::Seconds(1));
    std::vector<bool> frozen;
    int begun = 0;
    while (frozen.size() < 20'000) {
      const int box = 1 + static_cast<int>(random() % 50);
      const int now = static_cast<int>(frozen.size());
      if (budget.Wait(At(now), absl::Milliseconds(box)) == absl::ZeroDuration()) {
        const int length = 1 + static_cast<int>(random() % static_cast<unsigned>(box));
        frozen.insert(frozen.end(), static_cast<size_t>(length), true);
        budget.Add(At(now), At(now + length));
        ++begun;
      }
      frozen.insert(frozen.end(), 1 + random() % 20, false);
    }
    EXPECT_LE(MostInAnyWindow(frozen), 50);
    // It does not just refuse.
    EXPECT_GT(begun, 20);
  }
}

TEST(FreezeBudgetRuleTest, AfterTheWaitItMayBeAndNotBefore) {
  std::mt19937 random(2);
  for (int round = 0; round < 1000; ++round) {
    FreezeBudget budget(absl::Milliseconds(50), absl::Seconds(1));
    int now = 0;
    for (int i = 0; i < 5; ++i) {
      const int length = static_cast<int>(random() % 30);
      budget.Add(At(now), At(now + length));
      now += length + static_cast<int>(random() % 200);
    }
    const absl::Duration box = absl::Milliseconds(1 + random() % 50);
    const absl::Duration wait = budget.Wait(At(now), box);
    EXPECT_EQ(budget.Wait(At(now) + wait, box), absl::ZeroDuration());
    if (wait > absl::ZeroDuration()) {
      EXPECT_GT(budget.Wait(At(now) + wait - absl::Nanoseconds(1), box), absl::ZeroDuration());
    }
  }
}

}  // namespace
}  // namespace dmaheap
