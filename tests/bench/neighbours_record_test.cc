#include "tests/bench/neighbours_record.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(NeighboursRecordTest, ComesOutAsItWentIn) {
  NeighboursRecord record;
  record.quiet_ms = {1, 2.5};
  record.busy_ms = {3};
  record.busy_seconds = 5.25;
  record.large_attempt_ms = {100, 120.5};
  record.large_requests = 2;
  record.large_successes = 1;

  const auto parsed = ParseNeighboursRecord(FormatNeighboursRecord(record));

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->quiet_ms, record.quiet_ms);
  EXPECT_EQ(parsed->busy_ms, record.busy_ms);
  EXPECT_EQ(parsed->busy_seconds, record.busy_seconds);
  EXPECT_EQ(parsed->large_attempt_ms, record.large_attempt_ms);
  EXPECT_EQ(parsed->large_requests, record.large_requests);
  EXPECT_EQ(parsed->large_successes, record.large_successes);
}

TEST(NeighboursRecordTest, RefusesWhatIsNoRecord) {
  for (const char* text : {"", "{}", "[1]", R"({"quiet_ms": "x"})"}) {
    EXPECT_EQ(ParseNeighboursRecord(text).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace dmaheap::bench
