#include "client/ctl/arguments.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

CommandLine Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "dmaheapctl");
  return ParseCommandLine(static_cast<int>(words.size()), words.data());
}

Arguments ParseWell(std::vector<const char*> words) {
  const CommandLine line = Parse(std::move(words));
  EXPECT_TRUE(line.arguments.has_value()) << line.text;
  return line.arguments.value_or(Arguments());
}

TEST(ArgumentsTest, WhatIsNotSaidHasItsDefault) {
  const Arguments arguments = ParseWell({"get", "heaps"});

  EXPECT_EQ(arguments.verb, Verb::kGetHeaps);
  EXPECT_EQ(arguments.socket_dir, "");
  EXPECT_EQ(arguments.format, Format::kTable);
  EXPECT_EQ(arguments.timeout, absl::Seconds(5));
  EXPECT_FALSE(arguments.all);
}

TEST(ArgumentsTest, GlobalOptionsStandBeforeAndBehindTheVerb) {
  for (const Arguments& arguments :
       {ParseWell({"--socket-dir=/s", "-o", "json", "--timeout", "250ms", "get", "clients"}),
        ParseWell({"get", "clients", "--socket-dir", "/s", "-ojson", "--timeout=250ms"})}) {
    EXPECT_EQ(arguments.verb, Verb::kGetClients);
    EXPECT_EQ(arguments.socket_dir, "/s");
    EXPECT_EQ(arguments.format, Format::kJson);
    EXPECT_EQ(arguments.timeout, absl::Milliseconds(250));
  }
}

TEST(ArgumentsTest, TheLastOfTwoEqualOptionsCounts) {
  EXPECT_EQ(ParseWell({"-o", "json", "get", "heaps", "-o", "name"}).format, Format::kName);
}

TEST(ArgumentsTest, AllocTakesEverythingThatItNames) {
  const Arguments arguments = ParseWell({"alloc", "linux,cma", "8MiB", "--count", "6", "--label",
                                         "cam 0", "--timeout", "1m", "--dry-run"});

  EXPECT_EQ(arguments.verb, Verb::kAlloc);
  EXPECT_EQ(arguments.heap, "linux,cma");
  EXPECT_EQ(arguments.size_bytes, 8 << 20);
  EXPECT_EQ(arguments.count, 6);
  EXPECT_EQ(arguments.label, "cam 0");
  EXPECT_EQ(arguments.timeout, absl::Minutes(1));
  EXPECT_TRUE(arguments.dry_run);
  EXPECT_TRUE(arguments.command.empty());
}

TEST(ArgumentsTest, AllocAndHoldTakePriorityPolicyAndWait) {
  for (const char* verb : {"alloc", "hold"}) {
    const Arguments plain = ParseWell({verb, "reserved", "4k"});
    EXPECT_EQ(plain.priority, Priority::kUnspecified);
    EXPECT_EQ(plain.retry_policy, "");
    EXPECT_FALSE(plain.wait);
    const Arguments arguments =
        ParseWell({verb, "reserved", "4k", "--priority", "high", "--policy", "nofail", "--wait"});
    EXPECT_EQ(arguments.priority, Priority::kHigh);
    EXPECT_EQ(arguments.retry_policy, "nofail");
    EXPECT_TRUE(arguments.wait);
  }
  EXPECT_EQ(ParseWell({"alloc", "reserved", "4k", "--priority=low"}).priority, Priority::kLow);
  EXPECT_EQ(ParseWell({"alloc", "reserved", "4k", "--priority=normal"}).priority,
            Priority::kNormal);
}

TEST(ArgumentsTest, ReserveTakesEverythingThatItNames) {
  const Arguments plain = ParseWell({"reserve", "linux,cma", "8MiB", "6"});
  EXPECT_EQ(plain.verb, Verb::kReserve);
  EXPECT_EQ(plain.heap, "linux,cma");
  EXPECT_EQ(plain.size_bytes, 8 << 20);
  EXPECT_EQ(plain.count, 6);
  EXPECT_EQ(plain.lease, absl::ZeroDuration());
  EXPECT_FALSE(plain.refill_below.has_value());
  EXPECT_FALSE(plain.wait);
  const Arguments arguments = ParseWell({"reserve", "linux,cma", "8MiB", "6", "--lease", "10m",
                                         "--label", "cam", "--priority", "high", "--retry-policy",
                                         "nofail", "--refill-below", "3", "--wait", "--dry-run"});
  EXPECT_EQ(arguments.lease, absl::Minutes(10));
  EXPECT_EQ(arguments.label, "cam");
  EXPECT_EQ(arguments.priority, Priority::kHigh);
  EXPECT_EQ(arguments.retry_policy, "nofail");
  EXPECT_EQ(arguments.refill_below, 3);
  EXPECT_TRUE(arguments.wait);
  EXPECT_TRUE(arguments.dry_run);
}

TEST(ArgumentsTest, ADrawLeavesHeapAndSizeToItsReservation) {
  const Arguments draw = ParseWell({"alloc", "--reservation", "reservations/7", "--count", "3"});
  EXPECT_EQ(draw.verb, Verb::kAlloc);
  EXPECT_EQ(draw.reservation, "reservations/7");
  EXPECT_EQ(draw.heap, "");
  EXPECT_EQ(draw.size_bytes, 0);
  EXPECT_EQ(draw.count, 3);
  EXPECT_EQ(ParseWell({"alloc", "a", "4k", "--reservation", "7"}).size_bytes, 4096);
}

TEST(ArgumentsTest, ReservationsAreShownDescribedAndReleased) {
  EXPECT_EQ(ParseWell({"get", "reservations"}).verb, Verb::kGetReservations);
  EXPECT_EQ(ParseWell({"get", "metrics"}).verb, Verb::kGetMetrics);
  EXPECT_EQ(ParseWell({"get", "pinners"}).verb, Verb::kGetPinners);
  EXPECT_EQ(ParseWell({"get", "evidence"}).verb, Verb::kGetEvidence);
  EXPECT_EQ(ParseWell({"describe", "reservation/7"}).verb, Verb::kDescribeReservation);
  EXPECT_EQ(ParseWell({"describe", "reservations/7"}).reservation, "7");
  EXPECT_EQ(ParseWell({"release", "reservations/7"}).verb, Verb::kReleaseReservation);
  EXPECT_EQ(ParseWell({"release", "reservation/7"}).reservation, "7");
}

TEST(ArgumentsTest, AllocationsAreShownOrWatched) {
  EXPECT_EQ(ParseWell({"get", "allocations"}).verb, Verb::kGetAllocations);
  EXPECT_FALSE(ParseWell({"get", "allocations"}).watch);
  EXPECT_TRUE(ParseWell({"get", "allocations", "-w"}).watch);
  EXPECT_TRUE(ParseWell({"get", "--watch", "allocations"}).watch);
  EXPECT_EQ(ParseWell({"describe", "allocation/7"}).verb, Verb::kDescribeAllocation);
  EXPECT_EQ(ParseWell({"describe", "allocations/7"}).allocation, "7");
}

TEST(ArgumentsTest, WhatStandsBehindTwoDashesIsTheCommandsOwn) {
  const Arguments arguments =
      ParseWell({"alloc", "reserved", "4k", "--", "tool", "--count", "9", "--", "-h"});

  EXPECT_EQ(arguments.count, 1);
  EXPECT_THAT(arguments.command, ElementsAre("tool", "--count", "9", "--", "-h"));
}

TEST(ArgumentsTest, HoldClaimAndReleaseTakeLeaseAndToken) {
  const Arguments hold = ParseWell({"hold", "reserved", "4k", "--lease", "30s"});
  const Arguments claim = ParseWell({"claim", "memfd-7", "-", "--", "tool"});
  const Arguments release = ParseWell({"release", "buffers/7", "--token", "aa"});

  EXPECT_EQ(hold.verb, Verb::kHold);
  EXPECT_EQ(hold.lease, absl::Seconds(30));
  EXPECT_EQ(claim.verb, Verb::kClaim);
  EXPECT_EQ(claim.buffer, "memfd-7");
  EXPECT_EQ(claim.token, "-");
  EXPECT_THAT(claim.command, ElementsAre("tool"));
  EXPECT_EQ(release.verb, Verb::kRelease);
  EXPECT_EQ(release.buffer, "buffers/7");
  EXPECT_EQ(release.token, "aa");
}

TEST(ArgumentsTest, DescribeTakesHeapAndBufferInBothNumbers) {
  EXPECT_EQ(ParseWell({"describe", "heap/linux,cma"}).heap, "linux,cma");
  EXPECT_EQ(ParseWell({"describe", "heaps/a"}).verb, Verb::kDescribeHeap);
  EXPECT_EQ(ParseWell({"describe", "buffer/memfd-7"}).buffer, "memfd-7");
  EXPECT_EQ(ParseWell({"describe", "buffers/7"}).verb, Verb::kDescribeBuffer);
}

TEST(ArgumentsTest, EveryOtherVerbIsRead) {
  EXPECT_EQ(ParseWell({"version"}).verb, Verb::kVersion);
  EXPECT_EQ(ParseWell({"reload"}).verb, Verb::kReload);
  EXPECT_EQ(ParseWell({"log-level", "debug"}).log_level, "debug");
  EXPECT_EQ(ParseWell({"completion", "zsh"}).shell, "zsh");
  EXPECT_EQ(ParseWell({"policy", "check", "/etc/p"}).verb, Verb::kPolicyCheck);
  EXPECT_EQ(ParseWell({"policy", "check", "/etc/p"}).file, "/etc/p");
  EXPECT_TRUE(ParseWell({"get", "buffers", "--all"}).all);
  EXPECT_TRUE(ParseWell({"get", "reservations", "--all"}).all);
}

TEST(ArgumentsTest, AWrongLineIsAUsageErrorThatSaysWhatIsWrong) {
  const struct {
    std::vector<const char*> words;
    const char* text;
  } cases[] = {
      {{}, "which verb"},
      {{"frobnicate"}, "no verb frobnicate"},
      {{"get"}, "KIND"},
      {{"policy"}, "ACTION"},
      {{"policy", "check"}, "FILE"},
      {{"policy", "lint", "p"}, "lint"},
      {{"get", "heap"}, "heap not in"},
      {{"get", "clients", "--all"}, "--all is for buffers"},
      {{"get", "heaps", "more"}, "more"},
      {{"get", "heaps", "-w"}, "--watch is for allocations"},
      {{"get", "allocations", "--all"}, "--all is for buffers"},
      {{"get", "metrics", "--all"}, "--all is for buffers"},
      {{"alloc", "reserved", "4k", "--priority", "top"}, "top not in"},
      {{"claim", "memfd-7", "aa", "--wait"}, "--wait"},
      {{"get", "heaps", "-o", "yaml"}, "yaml not in"},
      {{"get", "heaps", "--timeout", "0"}, "above zero"},
      {{"describe", "reserved"}, "heap/X, buffer/X, allocation/X or reservation/X"},
      {{"describe", "heap/"}, "heap/X, buffer/X, allocation/X or reservation/X"},
      {{"describe", "client/7"}, "heap/X, buffer/X, allocation/X or reservation/X"},
      {{"alloc", "reserved"}, "SIZE is required, unless --reservation"},
      {{"alloc"}, "HEAP is required, unless --reservation"},
      {{"hold", "reserved"}, "SIZE"},
      {{"reserve", "reserved", "4k"}, "COUNT"},
      {{"reserve", "reserved", "4k", "2", "--refill-below", "0"}, "--refill-below"},
      {{"reserve", "reserved", "4k", "2", "--", "tool"}, "for alloc and claim, not for reserve"},
      {{"release", "reservations/7", "--token", "aa"}, "a reservation has none"},
      {{"alloc", "reserved", "4kb"}, "unknown unit"},
      {{"alloc", "reserved", "0"}, "not above zero"},
      {{"alloc", "reserved", "4k", "--count", "many"}, "--count"},
      {{"alloc", "reserved", "4k", "--"}, "no COMMAND"},
      {{"alloc", "reserved", "4k", "--lease", "5s"}, "--lease"},
      {{"hold", "reserved", "4k", "--", "tool"}, "for alloc and claim, not for hold"},
      {{"claim", "memfd-7"}, "TOKEN"},
      {{"log-level", "loud"}, "loud not in"},
      {{"completion", "csh"}, "csh not in"},
  };
  for (const auto& a_case : cases) {
    const CommandLine line = Parse(a_case.words);

    EXPECT_FALSE(line.arguments.has_value()) << a_case.text;
    EXPECT_EQ(line.exit_code, 2) << a_case.text;
    EXPECT_THAT(line.text, HasSubstr(a_case.text));
  }
}

TEST(ArgumentsTest, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  EXPECT_THAT(Parse({"--help"}).text, HasSubstr("Exit codes: 0 done"));
  EXPECT_THAT(Parse({"alloc", "--help"}).text, HasSubstr("--dry-run"));
  EXPECT_THAT(Parse({"--version"}).text, HasSubstr("dmaheapctl "));
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
}

TEST(ArgumentsTest, EveryVerbAndOptionCanBeCompleted) {
  const CompletionWords words = CommandLineWords();

  std::vector<std::string> verbs;
  for (const auto& verb : words.verbs) verbs.push_back(verb.name);
  EXPECT_THAT(verbs,
              ElementsAre("get", "describe", "explain", "alloc", "hold", "claim", "release",
                          "reserve", "version", "reload", "policy", "log-level", "completion"));
  EXPECT_THAT(words.options,
              ElementsAre("--help", "--version", "--socket-dir", "--output", "--timeout"));
  EXPECT_THAT(words.verbs[4].options,
              ElementsAre("--help", "--count", "--label", "--priority", "--policy",
                          "--retry-policy", "--wait", "--lease"));
  EXPECT_THAT(words.verbs[7].options,
              ElementsAre("--help", "--label", "--priority", "--policy", "--retry-policy", "--wait",
                          "--lease", "--refill-below", "--dry-run"));
  EXPECT_TRUE(words.verbs[2].takes_diagnosis);
  EXPECT_TRUE(words.verbs[6].takes_reservation);
  EXPECT_TRUE(words.verbs[7].takes_heap);
  EXPECT_TRUE(words.verbs[4].takes_heap);
  EXPECT_FALSE(words.verbs[5].takes_heap);
}

}  // namespace
}  // namespace dmaheap::ctl
