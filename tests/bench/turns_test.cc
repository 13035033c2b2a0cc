#include "tests/bench/turns.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

constexpr int kCallsPerTurn = kUncountedPerTurn + kOperationsPerTurn;

TEST(TurnsTest, EveryContenderGetsTheSameNumberOfCallsInUnbrokenTurns) {
  std::string calls;
  const std::vector<Operation> contenders = {
      [&] { return calls += 'a', absl::OkStatus(); },
      [&] { return calls += 'b', absl::OkStatus(); },
      [&] { return calls += 'c', absl::OkStatus(); },
  };
  Samples samples;

  ASSERT_TRUE(TakeTurns(contenders, absl::ZeroDuration(), samples).ok());

  ASSERT_EQ(calls.size(), size_t{3 * kCallsPerTurn});
  std::set<char> seen;
  for (int turn = 0; turn < 3; ++turn) {
    const std::string one = calls.substr(static_cast<size_t>(turn * kCallsPerTurn), kCallsPerTurn);
    EXPECT_EQ(one, std::string(kCallsPerTurn, one[0]));
    seen.insert(one[0]);
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST(TurnsTest, CountsAllButTheFirstOfATurnAndAddsToWhatIsThere) {
  const std::vector<Operation> contenders(2, [] { return absl::OkStatus(); });
  Samples samples;

  ASSERT_TRUE(TakeTurns(contenders, absl::ZeroDuration(), samples).ok());
  ASSERT_TRUE(TakeTurns(contenders, absl::ZeroDuration(), samples).ok());

  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].size(), size_t{2 * kOperationsPerTurn});
  EXPECT_EQ(samples[1].size(), size_t{2 * kOperationsPerTurn});
  EXPECT_GE(samples[0][0], 0);
}

TEST(TurnsTest, ChangesTheOrderFromRoundToRound) {
  std::string calls;
  const std::vector<Operation> contenders = {
      [&] { return calls += 'a', absl::OkStatus(); },
      [&] { return calls += 'b', absl::OkStatus(); },
  };
  Samples samples;

  ASSERT_TRUE(TakeTurns(contenders, absl::Milliseconds(5), samples).ok());

  // The one who begins a round.
  std::set<char> first;
  for (size_t i = 0; i < calls.size(); i += 2 * kCallsPerTurn) first.insert(calls[i]);
  EXPECT_EQ(first.size(), 2u);
}

TEST(TurnsTest, EndsWithTheFirstError) {
  int calls = 0;
  const std::vector<Operation> contenders = {
      [&] { return ++calls == 3 ? absl::UnavailableError("gone") : absl::OkStatus(); }};
  Samples samples;

  const absl::Status status = TakeTurns(contenders, absl::Minutes(1), samples);

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace dmaheap::bench
