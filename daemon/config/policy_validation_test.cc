#include "daemon/config/policy_validation.h"

#include <limits>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kPage = 4096;
// What a policy must have; the tests put one wrong thing beside it.
constexpr char kSound[] = "access { who { uids: 0 } rights: ADMIN }";

std::vector<std::string> ProblemsOf(const std::string& text, int64_t page_size_bytes = kPage) {
  config::v1::Policy policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &policy)) << text;
  std::vector<std::string> problems;
  for (const PolicyProblem& problem : ValidatePolicy(policy, page_size_bytes)) {
    problems.push_back(problem.path + ": " + problem.what);
  }
  return problems;
}

std::vector<std::string> Beside(const std::string& text) { return ProblemsOf(kSound + text); }

TEST(PolicyValidation, AnEmptyPolicyIsNone) {
  EXPECT_THAT(ProblemsOf(""),
              ElementsAre("access: there is no rule, so nobody could do anything; give at least "
                          "one"));
}

TEST(PolicyValidation, ARuleNeedsSomebodyAndARight) {
  EXPECT_THAT(ProblemsOf("access { }"),
              ElementsAre("access[0].who: is required: uids, uid_ranges, gids or everybody",
                          "access[0].rights: is required: one or more of ALLOCATE, HOLD, RESERVE, "
                          "INSPECT, ADMIN"));
  EXPECT_THAT(ProblemsOf("access { who { everybody: false } rights: ADMIN }"),
              ElementsAre("access[0].who: matches nobody; give uids, uid_ranges, gids or "
                          "everybody: true"));
}

TEST(PolicyValidation, RightsToMemoryNeedHeaps) {
  for (const char* right : {"ALLOCATE", "HOLD", "RESERVE"}) {
    EXPECT_THAT(ProblemsOf(std::string("access { who { uids: 0 } rights: ") + right + " }"),
                ElementsAre("access[0].heaps: ALLOCATE, HOLD or RESERVE needs the heaps it is "
                            "for; name them, or \"*\" for all"));
  }
}

TEST(PolicyValidation, HeapsWithoutARightToMemoryMeanNothing) {
  EXPECT_THAT(ProblemsOf("access { who { uids: 0 } rights: [INSPECT, ADMIN] heaps: 'a' }"),
              ElementsAre("access[0].heaps: mean nothing without ALLOCATE, HOLD or RESERVE; drop "
                          "them, or give one of these rights"));
}

TEST(PolicyValidation, RightsAreKnownAndListedOnce) {
  EXPECT_THAT(ProblemsOf("access { who { uids: 0 } rights: [ADMIN, 0, 17, ADMIN] }"),
              ElementsAre("access[0].rights[1]: 0 is no right; there are ALLOCATE, HOLD, RESERVE, "
                          "INSPECT, ADMIN",
                          "access[0].rights[2]: 17 is no right; there are ALLOCATE, HOLD, RESERVE, "
                          "INSPECT, ADMIN",
                          "access[0].rights[3]: ADMIN is listed twice; once is enough"));
}

TEST(PolicyValidation, TheHeapsOfARuleAreNamesOrAStarAndListedOnce) {
  EXPECT_THAT(
      ProblemsOf("access { who { uids: 0 } rights: ALLOCATE heaps: ['a', '', 'b/c', 'a'] }"),
      ElementsAre("access[0].heaps[1]: is required: the name of a heap",
                  "access[0].heaps[2]: \"b/c\" has \"/\"; a heap's name has printable ASCII "
                  "without space / : * \" \\",
                  "access[0].heaps[3]: \"a\" is listed twice; once is enough"));
  EXPECT_THAT(ProblemsOf("access { who { uids: 0 } rights: ALLOCATE heaps: ['*', 'a'] }"),
              ElementsAre("access[0].heaps[1]: \"a\" is one of \"*\"; drop it, or \"*\""));
}

TEST(PolicyValidation, NumbersOfUsersAndGroupsExist) {
  EXPECT_THAT(ProblemsOf("access { rights: ADMIN who { uids: 4294967295 gids: 4294967295 "
                         "uid_ranges { last: 4294967295 } } }"),
              ElementsAre("access[0].who.uids[0]: 4294967295 is no uid but the kernel's sign for "
                          "none; up to 4294967294",
                          "access[0].who.gids[0]: 4294967295 is no gid but the kernel's sign for "
                          "none; up to 4294967294",
                          "access[0].who.uid_ranges[0].last: 4294967295 is no uid but the kernel's "
                          "sign for none; up to 4294967294"));
}

TEST(PolicyValidation, RangesGoUp) {
  EXPECT_THAT(
      ProblemsOf("access { rights: ADMIN who { uid_ranges { first: 7 last: 6 } } }"),
      ElementsAre("access[0].who.uid_ranges[0]: first 7 is above last 6; a range goes up, both "
                  "ends included"));
  EXPECT_THAT(ProblemsOf("access { rights: ADMIN who { uid_ranges { first: 7 last: 7 } } }"),
              IsEmpty());
}

TEST(PolicyValidation, NobodyIsListedTwice) {
  EXPECT_THAT(ProblemsOf("access { rights: ADMIN who { uids: [1, 2, 1] gids: [3, 3] } }"),
              ElementsAre("access[0].who.uids[2]: uid 1 is listed twice; once is enough",
                          "access[0].who.gids[1]: gid 3 is listed twice; once is enough"));
}

TEST(PolicyValidation, WhoIsOneOfEverybodyIsNotListedBesideIt) {
  EXPECT_THAT(ProblemsOf("access { rights: ADMIN who { everybody: true uids: 7 "
                         "uid_ranges { first: 1 last: 2 } } }"),
              ElementsAre("access[0].who.uids[0]: uid 7 is one of everybody; drop it, or everybody",
                          "access[0].who.uid_ranges[0]: is part of everybody; drop it, or "
                          "everybody"));
}

TEST(PolicyValidation, TheOverflowUidMayStandBesideEverybodyAsItIsNotOneOfThem) {
  EXPECT_THAT(ProblemsOf("access { rights: ADMIN who { everybody: true uids: 65534 } }"),
              IsEmpty());
}

TEST(PolicyValidation, ASimulatedHeapHasANameAndWholePages) {
  EXPECT_THAT(Beside("simulated_heaps { }"),
              ElementsAre("simulated_heaps[0].name: is required: the name of a heap",
                          "simulated_heaps[0].size_bytes: is required: the size of the area in "
                          "bytes, for example 67108864"));
  EXPECT_THAT(Beside("simulated_heaps { name: 'a' size_bytes: 5000 }"),
              ElementsAre("simulated_heaps[0].size_bytes: 5000 is not a multiple of the page size "
                          "4096; the nearest are 4096 and 8192"));
  EXPECT_THAT(Beside("simulated_heaps { name: 'a' size_bytes: -4096 }"),
              ElementsAre("simulated_heaps[0].size_bytes: -4096 is out of range; from 4096 to "
                          "17179869184"));
  EXPECT_THAT(Beside("simulated_heaps { name: 'a' size_bytes: 17179873280 }"),
              ElementsAre("simulated_heaps[0].size_bytes: 17179873280 is out of range; from 4096 "
                          "to 17179869184"));
  EXPECT_THAT(Beside("simulated_heaps { name: 'a' size_bytes: 17179869184 }"), IsEmpty());
}

TEST(PolicyValidation, PagesAreThoseOfTheMachine) {
  EXPECT_THAT(
      ProblemsOf(std::string(kSound) + "simulated_heaps { name: 'a' size_bytes: 4096 }", 16384),
      ElementsAre("simulated_heaps[0].size_bytes: 4096 is not a multiple of the page size 16384; "
                  "the nearest are 0 and 16384"));
}

TEST(PolicyValidation, EveryHeapAndAliasHasANameOfItsOwn) {
  EXPECT_THAT(Beside("simulated_heaps { name: 'a' size_bytes: 4096 }"
                     "simulated_heaps { name: 'a' size_bytes: 4096 }"
                     "heap_aliases { alias: 'a' heap: 'b' }"
                     "heap_aliases { alias: 'c' heap: 'b' }"
                     "heap_aliases { alias: 'c' heap: 'd' }"),
              ElementsAre("simulated_heaps[1].name: \"a\" is taken by simulated_heaps[0].name; "
                          "every heap and alias has a name of its own",
                          "heap_aliases[0].alias: \"a\" is taken by simulated_heaps[0].name; every "
                          "heap and alias has a name of its own",
                          "heap_aliases[2].alias: \"c\" is taken by heap_aliases[1].alias; every "
                          "heap and alias has a name of its own"));
}

TEST(PolicyValidation, AnAliasStandsForAHeapNotForAnAlias) {
  EXPECT_THAT(Beside("heap_aliases { alias: 'a' heap: 'b' }"
                     "heap_aliases { alias: 'b' heap: 'a' }"
                     "heap_aliases { alias: 'c' heap: 'c' }"),
              ElementsAre("heap_aliases[0].heap: \"b\" is itself an alias; name the heap that it "
                          "stands for",
                          "heap_aliases[1].heap: \"a\" is itself an alias; name the heap that it "
                          "stands for",
                          "heap_aliases[2].heap: \"c\" is itself an alias; name the heap that it "
                          "stands for"));
}

TEST(PolicyValidation, AQuotaLimitsSomething) {
  EXPECT_THAT(Beside("quotas { who { uids: 1 } }"),
              ElementsAre("quotas[0]: limits nothing; give max_bytes, max_buffers or both"));
  EXPECT_THAT(Beside("quotas { who { uids: 1 } max_bytes: 0 }"), IsEmpty());
}

TEST(PolicyValidation, LimitsOfAQuotaAreNotNegativeAndWholePages) {
  EXPECT_THAT(
      Beside("quotas { who { uids: 1 } max_bytes: -1 max_buffers: -9223372036854775808 }"),
      ElementsAre("quotas[0].max_bytes: -1 is below 0; 0 means none at all, absent no limit",
                  "quotas[0].max_buffers: -9223372036854775808 is below 0; 0 means none at all, "
                  "absent no limit"));
  EXPECT_THAT(Beside("quotas { who { uids: 1 } max_bytes: 9223372036854775807 }"),
              ElementsAre("quotas[0].max_bytes: 9223372036854775807 is not a multiple of the page "
                          "size 4096; the nearest are 9223372036854771712"));
}

TEST(PolicyValidation, AQuotaBehindOneForEverybodyNeverCounts) {
  EXPECT_THAT(Beside("quotas { who { uids: 1 } max_buffers: 1 }"
                     "quotas { who { everybody: true } max_buffers: 2 }"
                     "quotas { who { uids: 2 } max_buffers: 3 }"),
              ElementsAre("quotas[2]: never counts: quotas[1] is for everybody and comes first; "
                          "put it last"));
}

TEST(PolicyValidation, LeasesAreAboveZeroAtMostADayAndInOrder) {
  EXPECT_THAT(Beside("hold { default_lease { } max_lease { seconds: 86400 nanos: 1 } }"),
              ElementsAre("hold.default_lease: 0 is out of range; above 0, at most 24h",
                          "hold.max_lease: 24h0.000000001s is out of range; above 0, at most 24h"));
  EXPECT_THAT(Beside("hold { default_lease { seconds: 31 } max_lease { seconds: 30 } }"),
              ElementsAre("hold.default_lease: 31s is above max_lease 30s; lower it, or give a "
                          "higher max_lease"));
  EXPECT_THAT(Beside("hold { default_lease { seconds: 601 } }"),
              ElementsAre("hold.default_lease: 10m1s is above max_lease 10m (its default); lower "
                          "it, or give a higher max_lease"));
  EXPECT_THAT(Beside("hold { max_lease { seconds: 30 } }"), IsEmpty());
}

TEST(PolicyValidation, DurationsAreThoseOfProtobuf) {
  EXPECT_THAT(Beside("hold { max_lease { seconds: 60 nanos: 1000000000 } }"),
              ElementsAre("hold.max_lease.nanos: 1000000000 is out of range; from 0 to 999999999"));
  EXPECT_THAT(Beside("hold { max_lease { seconds: 600 nanos: -1 } }"),
              ElementsAre("hold.max_lease: 9m59.999999999s is out of range; above 0, at most 24h"));
  EXPECT_THAT(Beside("hold { max_lease { seconds: 9223372036854775807 } }"),
              ElementsAre("hold.max_lease: 2562047788015215h30m7s is out of range; above 0, at "
                          "most 24h"));
}

}  // namespace
}  // namespace dmaheap
