#include "tests/bench/storm_record.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(StormRecordTest, ComesOutAsItWentIn) {
  StormRecord record;
  record.contenders = {"direct", "dmaheapd"};
  record.scenarios = {{"fork_storm", 2, {71.5, 72}}};
  record.samples = {{"fork_storm", "direct", false, 12.25, 1},
                    {"fork_storm", "dmaheapd", true, 31, 3, {{12.5, true}, {3, false}}}};

  const auto parsed = ParseStormRecord(FormatStormRecord(record));

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->contenders, record.contenders);
  ASSERT_EQ(parsed->scenarios.size(), 1u);
  EXPECT_EQ(parsed->scenarios[0].name, "fork_storm");
  EXPECT_EQ(parsed->scenarios[0].oom_kills, 2);
  EXPECT_EQ(parsed->scenarios[0].free_mib, record.scenarios[0].free_mib);
  ASSERT_EQ(parsed->samples.size(), 2u);
  EXPECT_EQ(parsed->samples[0].contender, "direct");
  EXPECT_FALSE(parsed->samples[0].success);
  EXPECT_EQ(parsed->samples[0].ms, 12.25);
  EXPECT_EQ(parsed->samples[1].scenario, "fork_storm");
  EXPECT_TRUE(parsed->samples[1].success);
  EXPECT_EQ(parsed->samples[1].tries, 3);
  EXPECT_TRUE(parsed->samples[0].freezes.empty());
  ASSERT_EQ(parsed->samples[1].freezes.size(), 2u);
  EXPECT_EQ(parsed->samples[1].freezes[0].ms, 12.5);
  EXPECT_TRUE(parsed->samples[1].freezes[0].cured);
  EXPECT_FALSE(parsed->samples[1].freezes[1].cured);
}

TEST(StormRecordTest, RefusesWhatIsNoRecord) {
  for (const char* text :
       {"", "{}", "[1]", R"({"contenders": [], "scenarios": [], "samples": [{}]})",
        R"({"contenders": [7], "scenarios": [], "samples": []})"}) {
    EXPECT_EQ(ParseStormRecord(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace dmaheap::bench
