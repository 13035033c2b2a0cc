#include "tests/bench/alloc_rows.h"

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

AllocMeasurements Plausible() {
  AllocMeasurements measured;
  measured.us_4k = {{120, 120}, {100, 100}, {20, 20}};
  measured.us_8m = {{130}, {110}, {30}};
  measured.dmaheapd_x16 = {800, absl::Seconds(1)};
  measured.grpc_floor_x16 = {1000, absl::Seconds(1)};
  measured.broker = {20, 3};
  measured.broker_with_sessions = ResidentMemory{23, 6};
  return measured;
}

const Row* Find(const std::vector<Row>& rows, const std::string& name) {
  for (const Row& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

TEST(AllocRowsTest, HasTheAgreedRows) {
  std::vector<std::string> names;
  for (const Row& row : AllocRows(Plausible())) names.push_back(row.name);

  EXPECT_THAT(names,
              ElementsAre("alloc_4k.dmaheapd.p50_us", "alloc_4k.dmaheapd.p99_us",
                          "alloc_4k.grpc_floor.p50_us", "alloc_4k.grpc_floor.p99_us",
                          "alloc_4k.raw_seqpacket.p50_us", "alloc_4k.raw_seqpacket.p99_us",
                          "alloc_8m.dmaheapd.p50_us", "alloc_8m.dmaheapd.p99_us",
                          "alloc_8m.grpc_floor.p50_us", "alloc_8m.grpc_floor.p99_us",
                          "alloc_8m.raw_seqpacket.p50_us", "alloc_8m.raw_seqpacket.p99_us",
                          "alloc_4k_x16.dmaheapd.ops_per_s", "alloc_4k_x16.grpc_floor.ops_per_s",
                          "daemon.rss_start_mib", "daemon.rss_100_sessions_mib"));
}

TEST(AllocRowsTest, BoundsLatencyAndThroughputByTheFloorOfTheSameRun) {
  AllocMeasurements measured = Plausible();
  const auto good = AllocRows(measured);
  EXPECT_DOUBLE_EQ(Find(good, "alloc_4k.dmaheapd.p50_us")->bound->limit, 150);
  EXPECT_TRUE(IsOk(*Find(good, "alloc_4k.dmaheapd.p50_us")));
  EXPECT_DOUBLE_EQ(Find(good, "alloc_4k_x16.dmaheapd.ops_per_s")->bound->limit, 700);
  EXPECT_TRUE(IsOk(*Find(good, "alloc_4k_x16.dmaheapd.ops_per_s")));

  measured.us_4k[kDmaheapd] = {151};
  measured.dmaheapd_x16.operations = 699;
  const auto bad = AllocRows(measured);

  EXPECT_FALSE(IsOk(*Find(bad, "alloc_4k.dmaheapd.p50_us")));
  EXPECT_FALSE(IsOk(*Find(bad, "alloc_4k_x16.dmaheapd.ops_per_s")));
}

TEST(AllocRowsTest, BoundsTheBrokersMemoryAtTheStart) {
  AllocMeasurements measured = Plausible();
  EXPECT_TRUE(IsOk(*Find(AllocRows(measured), "daemon.rss_start_mib")));

  measured.broker.all = 24.1;

  EXPECT_FALSE(IsOk(*Find(AllocRows(measured), "daemon.rss_start_mib")));
}

TEST(AllocRowsTest, LeavesOutWhatCouldNotBeMeasuredAndSaysWhy) {
  AllocMeasurements measured = Plausible();
  measured.broker_with_sessions.reset();

  EXPECT_FALSE(Find(AllocRows(measured), "daemon.rss_100_sessions_mib")->value.has_value());
  EXPECT_THAT(absl::StrJoin(AllocNotes(measured), "\n"), HasSubstr("as root"));
}

}  // namespace
}  // namespace dmaheap::bench
