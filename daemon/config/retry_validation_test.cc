// Through ValidatePolicy: what else it finds must not be in the way.

#include <string>
#include <vector>

#include "daemon/config/policy_validation.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> ProblemsOf(const std::string& text) {
  config::v1::Policy policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &policy)) << text;
  std::vector<std::string> problems;
  for (const PolicyProblem& problem : ValidatePolicy(policy, 4096)) {
    problems.push_back(problem.path + ": " + problem.what);
  }
  return problems;
}

// Beside what a policy must have.
std::vector<std::string> Beside(const std::string& text) {
  return ProblemsOf("access { who { uids: 0 } rights: ADMIN }" + text);
}

std::vector<std::string> Rule(const std::string& text) {
  return ProblemsOf("access { who { uids: 0 } rights: ALLOCATE heaps: '*' " + text + " }");
}

std::vector<std::string> Retry(const std::string& text) {
  return Beside("retry_policies { name: 'own' " + text + " }");
}

TEST(RetryValidation, AWholePolicyIsSound) {
  EXPECT_THAT(Beside("retry_policies { name: 'a-Policy_1.0' max_attempts: 1000"
                     "  max_elapsed { seconds: 86400 } initial_backoff { nanos: 1 }"
                     "  max_backoff { seconds: 60 } backoff_multiplier: 100 jitter: 1 learn: true"
                     "  give_up_when_stuck_for { seconds: 86399 } fallback_heaps: ['a', 'b'] }"
                     "heap_policies { heap: 'c' retry_policy: 'a-Policy_1.0' }"
                     "virtual_heaps { name: 'd' heap: 'c' retry_policy: 'nofail' }"
                     "virtual_heaps { name: 'e' retry_policy: 'a-Policy_1.0' }"),
              IsEmpty());
  EXPECT_THAT(Rule("retry_policies: ['nofail', 'failfast'] max_priority: HIGH"), IsEmpty());
  EXPECT_THAT(Rule("retry_policies: '*' max_priority: LOW"), IsEmpty());
}

TEST(RetryValidation, ARetryPolicyHasANameOfItsOwn) {
  EXPECT_THAT(
      Beside("retry_policies { } retry_policies { name: 'a b' } retry_policies { name: 'c' }"
             "retry_policies { name: 'c' }"),
      ElementsAre("retry_policies[0].name: is required: the name of the retry policy",
                  "retry_policies[1].name: \"a b\" has \" \"; a retry policy's name has letters, "
                  "digits, - _ and .",
                  "retry_policies[3].name: \"c\" is taken by retry_policies[2].name; every retry "
                  "policy has a name of its own"));
  EXPECT_THAT(Beside("retry_policies { name: '" + std::string(65, 'x') + "' }"),
              ElementsAre("retry_policies[0].name: a name of 65 bytes; a retry policy's has 1 to "
                          "64"));
}

TEST(RetryValidation, AShippedPolicyMayBeReplacedOnce) {
  EXPECT_THAT(Beside("retry_policies { name: 'nofail' max_attempts: 3 }"), IsEmpty());
  EXPECT_THAT(Beside("retry_policies { name: 'nofail' } retry_policies { name: 'nofail' }"),
              ElementsAre("retry_policies[1].name: \"nofail\" is taken by retry_policies[0].name; "
                          "every retry policy has a name of its own"));
}

TEST(RetryValidation, ThereAreOnlySoMany) {
  const auto repeat = [](int times, const char* before, const char* behind) {
    std::string text;
    for (int i = 0; i < times; ++i) text += before + std::to_string(i) + behind;
    return text;
  };
  const char* policies = "retry_policies { name: 'p";
  const char* heaps = "heap_policies { heap: 'h";
  const char* virtual_heaps = "virtual_heaps { name: 'v";
  const char* by_default = "' retry_policy: 'default' }";
  EXPECT_THAT(Beside(repeat(64, policies, "' }") + repeat(256, heaps, by_default) +
                     repeat(64, virtual_heaps, by_default)),
              IsEmpty());
  EXPECT_THAT(Beside(repeat(66, policies, "' }")),
              ElementsAre("retry_policies[64]: is one too many: 66 are given; at most 64 may be"));
  EXPECT_THAT(Beside(repeat(257, heaps, by_default)),
              ElementsAre("heap_policies[256]: is one too many: 257 are given; at most 256 may "
                          "be"));
  EXPECT_THAT(Beside(repeat(65, virtual_heaps, by_default)),
              ElementsAre("virtual_heaps[64]: is one too many: 65 are given; at most 64 may be"));
}

TEST(RetryValidation, NumbersAreInTheirRange) {
  EXPECT_THAT(Retry("max_attempts: 0 backoff_multiplier: 0.5 jitter: 1.5"),
              ElementsAre("retry_policies[0].max_attempts: 0 is out of range; from 1 (no retry) to "
                          "1000, absent for no bound",
                          "retry_policies[0].backoff_multiplier: 0.5 is out of range; from 1 to "
                          "100",
                          "retry_policies[0].jitter: 1.5 is out of range; from 0 to 1"));
  EXPECT_THAT(Retry("backoff_multiplier: inf jitter: nan"),
              ElementsAre("retry_policies[0].backoff_multiplier: inf is out of range; from 1 to "
                          "100",
                          "retry_policies[0].jitter: nan is out of range; from 0 to 1"));
}

TEST(RetryValidation, SpansAreInTheirRange) {
  EXPECT_THAT(Retry("initial_backoff { } max_backoff { seconds: 61 } max_elapsed { seconds: 86401 }"
                    "give_up_when_stuck_for { seconds: -1 }"),
              ElementsAre("retry_policies[0].max_elapsed: 24h1s is out of range; above 0, at most "
                          "24h",
                          "retry_policies[0].initial_backoff: 0 is out of range; above 0, at most "
                          "1m",
                          "retry_policies[0].max_backoff: 1m1s is out of range; above 0, at most "
                          "1m",
                          "retry_policies[0].give_up_when_stuck_for: -1s is out of range; above 0, "
                          "at most 24h"));
}

TEST(RetryValidation, BackoffsGrow) {
  EXPECT_THAT(Retry("initial_backoff { seconds: 2 } max_backoff { seconds: 1 }"),
              ElementsAre("retry_policies[0].initial_backoff: 2s is above max_backoff 1s; lower "
                          "it, or give a higher max_backoff"));
  EXPECT_THAT(Retry("initial_backoff { seconds: 2 }"), IsEmpty());
  EXPECT_THAT(Retry("max_backoff { nanos: 1 }"), IsEmpty());
}

TEST(RetryValidation, ThereIsTimeForTheFirstBackoff) {
  EXPECT_THAT(Retry("max_elapsed { nanos: 1000000 }"),
              ElementsAre("retry_policies[0].initial_backoff: 1ms (its default) is not below "
                          "max_elapsed 1ms, which would cut it short; lower it, or give a "
                          "higher max_elapsed"));
  EXPECT_THAT(Retry("max_elapsed { nanos: 1000000 } max_attempts: 1"), IsEmpty());
}

TEST(RetryValidation, GivingUpOnAStuckPageComesBeforeGivingUpAnyway) {
  EXPECT_THAT(Retry("max_elapsed { seconds: 2 } give_up_when_stuck_for { seconds: 2 }"),
              ElementsAre("retry_policies[0].give_up_when_stuck_for: 2s never counts: max_elapsed "
                          "2s ends it before; lower it, or drop it"));
  EXPECT_THAT(Retry("give_up_when_stuck_for { seconds: 2 }"), IsEmpty());
}

TEST(RetryValidation, ClientsAreAskedAfterAFailureThatComes) {
  EXPECT_THAT(Retry("ask_clients { }"), IsEmpty());
  EXPECT_THAT(Retry("ask_clients { after_attempts: 2 } max_attempts: 3"), IsEmpty());
  EXPECT_THAT(Retry("ask_clients { after_attempts: 0 }"),
              ElementsAre("retry_policies[0].ask_clients.after_attempts: 0 is out of range; from 1 "
                          "to 1000"));
  EXPECT_THAT(Retry("ask_clients { after_attempts: 3 } max_attempts: 3"),
              ElementsAre("retry_policies[0].ask_clients.after_attempts: 3 never comes: "
                          "max_attempts 3 ends it before; lower it, or drop the ask_clients"));
}

TEST(RetryValidation, ASyncHasItsBounds) {
  EXPECT_THAT(Retry("sync { filesystems: '/data' }"), IsEmpty());
  EXPECT_THAT(Retry("sync { filesystems: ['/data', '/cache'] box { seconds: 10 } after_attempts: 2 "
                    "} max_attempts: 3"),
              IsEmpty());
  EXPECT_THAT(
      Retry("sync { box { seconds: 11 } after_attempts: 0 }"),
      ElementsAre("retry_policies[0].sync.filesystems: is required: mount points of the daemon's "
                  "--sync-filesystem",
                  "retry_policies[0].sync.box: 11s is out of range; above 0, at most 10s",
                  "retry_policies[0].sync.after_attempts: 0 is out of range; from 1 to 1000"));
  EXPECT_THAT(
      Retry("sync { filesystems: ['/data', '', '/data'] box { nanos: 1000 } after_attempts: 3 } "
            "max_attempts: 3"),
      ElementsAre("retry_policies[0].sync.filesystems[1]: is required: a mount point of the "
                  "daemon's --sync-filesystem",
                  "retry_policies[0].sync.filesystems[2]: \"/data\" is listed twice; once is "
                  "enough",
                  "retry_policies[0].sync.box: 1us is shorter than any disk takes; at least 1ms",
                  "retry_policies[0].sync.after_attempts: 3 never comes: max_attempts 3 ends it "
                  "before; lower it, or drop the sync"));
  std::string many;
  for (int i = 0; i < 17; ++i) many += "filesystems: '/" + std::to_string(i) + "' ";
  EXPECT_THAT(Retry("sync { " + many + "}"),
              ElementsAre("retry_policies[0].sync.filesystems[16]: is one too many: 17 are given; "
                          "at most 16 may be"));
}

TEST(RetryValidation, ABarrierHasItsBounds) {
  EXPECT_THAT(Retry("barrier { cgroup: 'apps' }"), IsEmpty());
  EXPECT_THAT(Retry("barrier { cgroup: 'apps' box { nanos: 50000000 } after_attempts: 2 } "
                    "max_attempts: 3"),
              IsEmpty());
  EXPECT_THAT(Retry("barrier { box { nanos: 51000000 } after_attempts: 0 }"),
              ElementsAre("retry_policies[0].barrier.cgroup: is required: a cgroup of the daemon's "
                          "--barrier-cgroup",
                          "retry_policies[0].barrier.box: 51ms is out of range; above 0, at most "
                          "50ms",
                          "retry_policies[0].barrier.after_attempts: 0 is out of range; from 1 to "
                          "1000"));
  EXPECT_THAT(Retry("barrier { cgroup: 'apps' box { nanos: 1000 } after_attempts: 3 } "
                    "max_attempts: 3"),
              ElementsAre("retry_policies[0].barrier.box: 1us is shorter than freezing takes; at "
                          "least 1ms",
                          "retry_policies[0].barrier.after_attempts: 3 never comes: max_attempts 3 "
                          "ends it before; lower it, or drop the barrier"));
}

TEST(RetryValidation, FallbacksAreHeapsListedOnce) {
  EXPECT_THAT(Retry("fallback_heaps: ['a', '', 'b/c', 'a', 'linux,cma-nofail']"),
              ElementsAre("retry_policies[0].fallback_heaps[1]: is required: the name of a heap",
                          "retry_policies[0].fallback_heaps[2]: \"b/c\" has \"/\"; a heap's name "
                          "has printable ASCII without space / : * \" \\",
                          "retry_policies[0].fallback_heaps[3]: \"a\" is listed twice; once is "
                          "enough",
                          "retry_policies[0].fallback_heaps[4]: \"linux,cma-nofail\" is a virtual "
                          "heap; name the heap behind it"));
  EXPECT_THAT(Beside("heap_aliases { alias: 'camera' heap: 'a' }"
                     "retry_policies { name: 'own' fallback_heaps: ['a', 'camera'] }"),
              ElementsAre("retry_policies[0].fallback_heaps[1]: \"camera\" is the heap \"a\", "
                          "which is listed; once is enough"));
}

TEST(RetryValidation, AHeapDoesNotStandInForItself) {
  EXPECT_THAT(Beside("heap_aliases { alias: 'camera' heap: 'a' }"
                     "retry_policies { name: 'own' fallback_heaps: 'a' }"
                     "heap_policies { heap: 'camera' retry_policy: 'own' }"),
              ElementsAre("retry_policies[0].fallback_heaps[0]: \"a\" is the heap that "
                          "heap_policies[0] gives this policy to: it would stand in for itself; "
                          "drop it, or give that heap another policy"));
  EXPECT_THAT(Beside("retry_policies { name: 'own' fallback_heaps: 'a' }"
                     "virtual_heaps { name: 'v' heap: 'a' retry_policy: 'own' }"),
              ElementsAre("retry_policies[0].fallback_heaps[0]: \"a\" is the heap that "
                          "virtual_heaps[0] gives this policy to: it would stand in for itself; "
                          "drop it, or give that heap another policy"));
}

TEST(RetryValidation, AHeapPolicyNamesAHeapAndAPolicy) {
  EXPECT_THAT(Beside("heap_policies { } heap_policies { heap: '*' retry_policy: 'nofial' }"
                     "heap_policies { heap: 'a' retry_policy: 'something' }"),
              ElementsAre("heap_policies[0].heap: is required: the name of a heap",
                          "heap_policies[0].retry_policy: is required: the name of a retry policy",
                          "heap_policies[1].heap: \"*\" is no heap; for all heaps, give a retry "
                          "policy the name default",
                          "heap_policies[1].retry_policy: there is no retry policy \"nofial\"; did "
                          "you mean nofail?",
                          "heap_policies[2].retry_policy: there is no retry policy \"something\"; "
                          "there are failfast, default, nofail, kernel-5x100ms, or add one of that "
                          "name to retry_policies"));
}

TEST(RetryValidation, AHeapHasOnePolicyByAllItsNames) {
  EXPECT_THAT(Beside("heap_aliases { alias: 'camera' heap: 'a' }"
                     "heap_policies { heap: 'a' retry_policy: 'nofail' }"
                     "heap_policies { heap: 'camera' retry_policy: 'failfast' }"),
              ElementsAre("heap_policies[1].heap: \"camera\" has its policy from "
                          "heap_policies[0]; keep one of the two"));
}

TEST(RetryValidation, AVirtualHeapHasItsOwnPolicyAlready) {
  EXPECT_THAT(
      Beside("heap_policies { heap: 'linux,cma-nofail' retry_policy: 'default' }"),
      ElementsAre("heap_policies[0].heap: \"linux,cma-nofail\" is a virtual heap, which has "
                  "a policy of its own; change it in virtual_heaps, or name the heap behind "
                  "it"));
}

TEST(RetryValidation, AVirtualHeapHasANameAndAPolicy) {
  EXPECT_THAT(
      Beside("virtual_heaps { } virtual_heaps { name: 'a b' heap: 'c d' retry_policy: 'x' }"),
      ElementsAre("virtual_heaps[0].name: is required: the name of a heap",
                  "virtual_heaps[1].name: \"a b\" has \" \"; a heap's name has printable "
                  "ASCII without space / : * \" \\",
                  "virtual_heaps[0].retry_policy: is required: the name of a retry policy",
                  "virtual_heaps[1].heap: \"c d\" has \" \"; a heap's name has printable "
                  "ASCII without space / : * \" \\",
                  "virtual_heaps[1].retry_policy: there is no retry policy \"x\"; there are "
                  "failfast, default, nofail, kernel-5x100ms, or add one of that name to "
                  "retry_policies"));
}

TEST(RetryValidation, AVirtualHeapSharesItsNameWithNoOther) {
  EXPECT_THAT(Beside("simulated_heaps { name: 'a' size_bytes: 4096 }"
                     "heap_aliases { alias: 'b' heap: 'a' }"
                     "virtual_heaps { name: 'a' retry_policy: 'nofail' }"
                     "virtual_heaps { name: 'b' retry_policy: 'nofail' }"
                     "virtual_heaps { name: 'c' retry_policy: 'nofail' }"
                     "virtual_heaps { name: 'c' retry_policy: 'nofail' }"),
              ElementsAre("virtual_heaps[0].name: \"a\" is taken by simulated_heaps[0].name; every "
                          "heap and alias has a name of its own",
                          "virtual_heaps[1].name: \"b\" is taken by heap_aliases[0].alias; every "
                          "heap and alias has a name of its own",
                          "virtual_heaps[3].name: \"c\" is taken by virtual_heaps[2].name; every "
                          "heap and alias has a name of its own"));
}

TEST(RetryValidation, TheShippedVirtualHeapKeepsItsName) {
  EXPECT_THAT(Beside("simulated_heaps { name: 'linux,cma-nofail' size_bytes: 4096 }"),
              ElementsAre("simulated_heaps[0].name: \"linux,cma-nofail\" is a virtual heap that "
                          "every daemon has; take another name, or put a heap behind that one in "
                          "virtual_heaps"));
}

TEST(RetryValidation, NothingStandsForAVirtualHeap) {
  EXPECT_THAT(Beside("virtual_heaps { name: 'a' heap: 'a' retry_policy: 'nofail' }"
                     "virtual_heaps { name: 'b' heap: 'linux,cma-nofail' retry_policy: 'nofail' }"),
              ElementsAre("virtual_heaps[0].heap: \"a\" is itself virtual; name the heap behind it",
                          "virtual_heaps[1].heap: \"linux,cma-nofail\" is itself virtual; name the "
                          "heap behind it"));
  EXPECT_THAT(Beside("heap_aliases { alias: 'a' heap: 'linux,cma-nofail' }"),
              ElementsAre("heap_aliases[0].heap: \"linux,cma-nofail\" is a virtual heap; name the "
                          "heap behind it, or make this a virtual heap too"));
}

TEST(RetryValidation, ACeilingNamesPoliciesThatThereAreOnce) {
  EXPECT_THAT(Rule("retry_policies: ['nofail', '', 'Default', 'nofail']"),
              ElementsAre("access[0].retry_policies[1]: is required: the name of a retry policy",
                          "access[0].retry_policies[2]: there is no retry policy \"Default\"; did "
                          "you mean default?",
                          "access[0].retry_policies[3]: \"nofail\" is listed twice; once is "
                          "enough"));
  EXPECT_THAT(Rule("retry_policies: ['*', 'nofail']"),
              ElementsAre("access[0].retry_policies[1]: \"nofail\" is one of \"*\"; drop it, or "
                          "\"*\""));
}

TEST(RetryValidation, ACeilingMeansNothingWithoutMemory) {
  EXPECT_THAT(
      ProblemsOf("access { who { uids: 0 } rights: ADMIN retry_policies: '*' "
                 "max_priority: HIGH }"),
      ElementsAre("access[0].retry_policies: means nothing without ALLOCATE, HOLD or RESERVE; "
                  "drop it, or give one of these rights",
                  "access[0].max_priority: means nothing without ALLOCATE, HOLD or RESERVE; "
                  "drop it, or give one of these rights"));
}

TEST(RetryValidation, PrioritiesAreThoseThatThereAre) {
  EXPECT_THAT(Rule("max_priority: 9"),
              ElementsAre("access[0].max_priority: 9 is no priority; there are LOW, NORMAL, HIGH"));
}

}  // namespace
}  // namespace dmaheap
