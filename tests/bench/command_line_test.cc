#include "tests/bench/command_line.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

using testing::HasSubstr;

CommandLine Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "alloc");
  return ParseCommandLine(
      {.name = "alloc", .text = "What it costs.", .default_time = absl::Seconds(40)},
      static_cast<int>(words.size()), words.data());
}

CommandLine ParseCounted(std::vector<const char*> words) {
  words.insert(words.begin(), "storm");
  return ParseCommandLine({.name = "storm", .text = "How often.", .default_attempts = 300},
                          static_cast<int>(words.size()), words.data());
}

TEST(CommandLineTest, PrintsATableAfterTheDefaultTimeUnlessTold) {
  const CommandLine line = Parse({});

  ASSERT_TRUE(line.wish.has_value()) << line.text;
  EXPECT_FALSE(line.wish->json);
  EXPECT_EQ(line.wish->time, absl::Seconds(40));
}

TEST(CommandLineTest, TakesJsonAndTime) {
  const CommandLine line = Parse({"--json", "--seconds=0.5"});

  ASSERT_TRUE(line.wish.has_value()) << line.text;
  EXPECT_TRUE(line.wish->json);
  EXPECT_EQ(line.wish->time, absl::Milliseconds(500));
}

TEST(CommandLineTest, ABenchmarkThatCountsTakesAttemptsInPlaceOfTime) {
  const CommandLine by_default = ParseCounted({});
  const CommandLine told = ParseCounted({"--attempts=60"});

  ASSERT_TRUE(by_default.wish.has_value()) << by_default.text;
  EXPECT_EQ(by_default.wish->attempts, 300);
  ASSERT_TRUE(told.wish.has_value()) << told.text;
  EXPECT_EQ(told.wish->attempts, 60);
  EXPECT_EQ(ParseCounted({"--seconds=1"}).exit_code, kExitUsage);
  EXPECT_EQ(ParseCounted({"--attempts=0"}).exit_code, kExitUsage);
  EXPECT_EQ(Parse({"--attempts=60"}).exit_code, kExitUsage);
}

TEST(CommandLineTest, OnePartOfSeveralCanBeMeasuredAlone) {
  const auto parse = [](const char* word) {
    const char* words[] = {"storm", word};
    return ParseCommandLine({.name = "storm",
                             .text = "How often.",
                             .default_attempts = 300,
                             .parts = {"fork_storm", "barrier"}},
                            2, words);
  };

  EXPECT_EQ(parse("--json").wish->only, "");
  EXPECT_EQ(parse("--only=barrier").wish->only, "barrier");
  EXPECT_EQ(parse("--only=rain").exit_code, kExitUsage);
  EXPECT_THAT(parse("--help").text, HasSubstr("fork_storm, barrier"));
  EXPECT_EQ(ParseCounted({"--only=barrier"}).exit_code, kExitUsage) << "it has none";
}

TEST(CommandLineTest, HelpSaysWhatIsMeasuredAndWhatTheExitCodesMean) {
  const CommandLine line = Parse({"--help"});

  EXPECT_FALSE(line.wish.has_value());
  EXPECT_EQ(line.exit_code, kExitMeasured);
  EXPECT_THAT(line.text, HasSubstr("What it costs."));
  EXPECT_THAT(line.text, HasSubstr("Exit code: 0 measured"));
}

TEST(CommandLineTest, RefusesWhatItDoesNotKnow) {
  for (const char* word : {"--fast", "--seconds=0", "--seconds=soon", "more"}) {
    const CommandLine line = Parse({word});

    EXPECT_FALSE(line.wish.has_value()) << word;
    EXPECT_EQ(line.exit_code, kExitUsage) << word;
    EXPECT_THAT(line.text, HasSubstr("--help")) << word;
  }
}

}  // namespace
}  // namespace dmaheap::bench
