#include "tests/bench/storm_rows.h"

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ResultOf;

// Four attempts each in a fork storm: the bare ioctl fails once, the daemon takes two tries once.
StormRecord Plausible() {
  StormRecord record;
  record.contenders = {"direct", "dmaheapd"};
  record.scenarios = {{"fork_storm", 0, {70, 72, 74}}};
  for (int i = 0; i < 4; ++i) {
    record.samples.push_back({"fork_storm", "dmaheapd", true, 20.0 + i, i == 0 ? 2 : 1});
    record.samples.push_back({"fork_storm", "direct", i > 0, 10.0 + i, 1});
  }
  return record;
}

const Row* Find(const std::vector<Row>& rows, const std::string& name) {
  for (const Row& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

TEST(StormRowsTest, HasSevenRowsForEachContenderOfEachScenarioAndAComparisonOfTheDaemons) {
  std::vector<std::string> names;
  for (const Row& row : StormRows(Plausible())) names.push_back(row.name);

  EXPECT_THAT(
      names,
      ElementsAre(
          "fork_storm.direct.success_ratio", "fork_storm.direct.mean_ms",
          "fork_storm.direct.p50_ms", "fork_storm.direct.p99_ms", "fork_storm.direct.max_ms",
          "fork_storm.direct.attempts_mean", "fork_storm.direct.attempts_max",
          "fork_storm.dmaheapd.success_ratio", "fork_storm.dmaheapd.mean_ms",
          "fork_storm.dmaheapd.p50_ms", "fork_storm.dmaheapd.p99_ms", "fork_storm.dmaheapd.max_ms",
          "fork_storm.dmaheapd.attempts_mean", "fork_storm.dmaheapd.attempts_max",
          "fork_storm.dmaheapd.mean_of_naive", "fork_storm.dmaheapd.mean_of_naive_low",
          "fork_storm.dmaheapd.mean_of_naive_high", "fork_storm.dmaheapd.retried_mean_of_naive",
          "fork_storm.dmaheapd.retried_mean_of_naive_low",
          "fork_storm.dmaheapd.retried_mean_of_naive_high"));
}

TEST(StormRowsTest, TheDaemonsMeanIsBoundedByTheNaiveOnesOfAllAndOfTheRetried) {
  StormRecord record = Plausible();
  record.contenders.insert(record.contenders.begin(), "naive_1ms");
  for (int i = 0; i < 4; ++i) {
    record.samples.push_back({"fork_storm", "naive_1ms", true, 20.0, i < 2 ? 3 : 1});
  }

  const auto rows = StormRows(record);

  // 20, 21, 22, 23; of which the 20 took two tries.
  EXPECT_DOUBLE_EQ(*Find(rows, "fork_storm.dmaheapd.mean_of_naive")->value, 21.5 / 20);
  EXPECT_DOUBLE_EQ(*Find(rows, "fork_storm.dmaheapd.retried_mean_of_naive")->value, 1);
  EXPECT_TRUE(IsOk(*Find(rows, "fork_storm.dmaheapd.mean_of_naive")));
  for (StormSample& sample : record.samples) {
    if (sample.contender == "dmaheapd") sample.ms *= 1.1;
  }
  EXPECT_FALSE(IsOk(*Find(StormRows(record), "fork_storm.dmaheapd.mean_of_naive")));
}

TEST(StormRowsTest, TheDaemonsP99IsBoundedByHalfOfWhatTheKernelsRetryTakesToAnswer) {
  StormRecord record = Plausible();
  record.contenders.insert(record.contenders.begin(), "kernel_5x100ms");
  record.samples.push_back({"fork_storm", "kernel_5x100ms", true, 10, 1});
  record.samples.push_back({"fork_storm", "kernel_5x100ms", false, 500, 5});

  const auto rows = StormRows(record);

  const Row* p99 = Find(rows, "fork_storm.dmaheapd.p99_ms");
  ASSERT_TRUE(p99->bound.has_value());
  EXPECT_DOUBLE_EQ(p99->bound->limit, 250);
  EXPECT_TRUE(IsOk(*p99));
}

TEST(StormRowsTest, ABarriersRowsAreItsCuresAndItsTimesBoundedByItsBox) {
  StormRecord record;
  record.contenders = {"direct", "box_5"};
  record.scenarios = {{"barrier", 0, {70}}};
  record.samples.push_back({"barrier", "box_5", true, 30, 2, {{4, true}, {16, false}}});
  record.samples.push_back({"barrier", "box_5", true, 30, 1, {}});
  record.samples.push_back({"barrier", "box_5", true, 30, 2, {{4.5, true}}});

  const auto rows = StormRows(record);

  ASSERT_EQ(rows.size(), 5u);
  EXPECT_DOUBLE_EQ(*Find(rows, "barrier.box_5.barriers")->value, 3);
  EXPECT_DOUBLE_EQ(*Find(rows, "barrier.box_5.cure_ratio")->value, 2.0 / 3);
  EXPECT_DOUBLE_EQ(*Find(rows, "barrier.box_5.frozen_p50_ms")->value, 4.5);
  EXPECT_FALSE(IsOk(*Find(rows, "barrier.box_5.frozen_p99_ms")));
  EXPECT_FALSE(IsOk(*Find(rows, "barrier.box_5.frozen_max_ms")));
  EXPECT_DOUBLE_EQ(Find(rows, "barrier.box_5.frozen_max_ms")->bound->limit, 15);
  EXPECT_THAT(StormNotes(record), Contains(HasSubstr("box_5 3 of 3 (2 of 3 barriers cured)")));
}

TEST(StormRowsTest, WithoutABarrierItsRowsAreNotMeasured) {
  StormRecord record;
  record.contenders = {"box_5"};
  record.scenarios = {{"barrier", 0, {70}}};
  record.samples.push_back({"barrier", "box_5", true, 30, 1, {}});
  for (const Row& row : StormRows(record)) EXPECT_FALSE(row.value.has_value()) << row.name;
}

TEST(StormRowsTest, TimesAreOfSuccessesAndTriesOfAll) {
  const auto rows = StormRows(Plausible());

  EXPECT_DOUBLE_EQ(*Find(rows, "fork_storm.direct.success_ratio")->value, 0.75);
  EXPECT_DOUBLE_EQ(*Find(rows, "fork_storm.direct.mean_ms")->value, 12);
  EXPECT_DOUBLE_EQ(*Find(rows, "fork_storm.direct.p50_ms")->value, 12);
  EXPECT_DOUBLE_EQ(*Find(rows, "fork_storm.direct.max_ms")->value, 13);
  EXPECT_DOUBLE_EQ(*Find(rows, "fork_storm.direct.attempts_mean")->value, 1);
  EXPECT_DOUBLE_EQ(*Find(rows, "fork_storm.dmaheapd.attempts_mean")->value, 1.25);
  EXPECT_DOUBLE_EQ(*Find(rows, "fork_storm.dmaheapd.attempts_max")->value, 2);
}

TEST(StormRowsTest, ALongPinIsWaitedForWithFewTriesAndNotMuchLongerThanItLasts) {
  StormRecord record;
  record.contenders = {"naive_1ms", "dmaheapd"};
  record.scenarios = {{"long_pin_2s", 0, {70}}};
  record.samples.push_back({"long_pin_2s", "naive_1ms", true, 2200, 700, {}});
  record.samples.push_back({"long_pin_2s", "dmaheapd", true, 2099, 14, {}});
  EXPECT_THAT(StormRows(record), Each(ResultOf(IsOk, true)));

  record.samples.push_back({"long_pin_2s", "dmaheapd", true, 2101, 15, {}});
  const auto rows = StormRows(record);

  EXPECT_FALSE(IsOk(*Find(rows, "long_pin_2s.dmaheapd.attempts_max")));
  EXPECT_FALSE(IsOk(*Find(rows, "long_pin_2s.dmaheapd.max_ms")));
  EXPECT_TRUE(IsOk(*Find(rows, "long_pin_2s.naive_1ms.attempts_max")));
}

TEST(StormRowsTest, WhoNeverSucceededHasNoTimes) {
  StormRecord record = Plausible();
  for (StormSample& sample : record.samples) sample.success = false;

  const auto rows = StormRows(record);

  EXPECT_EQ(*Find(rows, "fork_storm.direct.success_ratio")->value, 0);
  EXPECT_FALSE(Find(rows, "fork_storm.direct.mean_ms")->value.has_value());
  EXPECT_TRUE(Find(rows, "fork_storm.direct.attempts_mean")->value.has_value());
}

TEST(StormRowsTest, OnlyTheDaemonMustLoseNone) {
  StormRecord record = Plausible();
  EXPECT_TRUE(IsOk(*Find(StormRows(record), "fork_storm.dmaheapd.success_ratio")));

  record.samples[0].success = false;
  const auto rows = StormRows(record);

  EXPECT_FALSE(IsOk(*Find(rows, "fork_storm.dmaheapd.success_ratio")));
  EXPECT_TRUE(IsOk(*Find(rows, "fork_storm.direct.success_ratio")));
}

TEST(StormRowsTest, AStormInWhichAQuarterFailsIsOne) { EXPECT_TRUE(CheckStorm(Plausible()).ok()); }

TEST(StormRowsTest, AStormInWhichLessFailIsTooWeak) {
  StormRecord record = Plausible();
  record.samples.push_back({"fork_storm", "direct", true, 12, 1});

  const absl::Status status = CheckStorm(record);

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("too weak"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("1 of 5"));
}

TEST(StormRowsTest, NoStormAtAllIsTooWeak) {
  EXPECT_EQ(CheckStorm(StormRecord()).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(StormRowsTest, WhereAnotherPartIsMeasuredAloneNoStormIsNeeded) {
  StormRecord record;
  record.scenarios = {{"barrier", 0, {}}};

  EXPECT_TRUE(CheckStorm(record).ok());
}

TEST(StormRowsTest, ARunInWhichTheOomKillerActedIsVoid) {
  StormRecord record = Plausible();
  record.scenarios.push_back({"exit_storm", 1, {}});
  record.samples.push_back({"exit_storm", "direct", true, 12, 1});

  EXPECT_THAT(std::string(CheckStorm(record).message()), HasSubstr("exit_storm memory ended"));
  const auto rows = StormRows(record);
  EXPECT_EQ(Find(rows, "exit_storm.direct.mean_ms"), nullptr) << "it proves nothing";
  EXPECT_NE(Find(rows, "fork_storm.direct.mean_ms"), nullptr) << "what came before it does";
}

TEST(StormRowsTest, NotesSayHowManyAndHowMuchMemoryWasFree) {
  const std::string notes = absl::StrJoin(StormNotes(Plausible()), "\n");

  EXPECT_THAT(notes, HasSubstr("direct 3 of 4, dmaheapd 4 of 4, 72 MiB"));
  EXPECT_THAT(notes, HasSubstr("(70 to 74)"));
}

}  // namespace
}  // namespace dmaheap::bench
