#include "daemon/config/policy_words.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/config/policy_text.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

std::string WordsOf(const std::string& text) {
  const auto policy = ParsePolicyText(text, "p", /*page_size_bytes=*/4096);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? PolicyWords(*policy) : "";
}

// The lines of the words that begin with prefix, and what is indented below them.
std::string Part(const std::string& words, const std::string& prefix) {
  std::string part;
  bool inside = false;
  for (const absl::string_view line : absl::StrSplit(words, '\n')) {
    const bool begins = line.rfind(prefix, 0) == 0;
    inside = begins || (inside && line.rfind("    ", 0) == 0);
    if (inside) absl::StrAppend(&part, line, "\n");
  }
  return part;
}

TEST(PolicyWords, OfAWholePolicyAreThese) {
  EXPECT_EQ(WordsOf(R"(
simulated_heaps { name: "sim-cma" size_bytes: 67108864 }
heap_aliases { alias: "camera" heap: "sim-cma" }
access {
  who { uids: 1000 uid_ranges { first: 10000 last: 19999 } gids: 44 }
  rights: ALLOCATE rights: HOLD
  heaps: "camera" heaps: "system"
  retry_policies: "nofail" retry_policies: "video"
  max_priority: HIGH
}
access { who { everybody: true } rights: ALLOCATE heaps: "*" }
access { who { uids: 0 } rights: INSPECT rights: ADMIN }
quotas { who { uids: 1000 } max_bytes: 268435456 }
quotas { who { everybody: true } max_bytes: 5242880 max_buffers: 64 }
retry_policies { name: "video" max_attempts: 3 learn: false fallback_heaps: "system" }
heap_policies { heap: "system" retry_policy: "failfast" }
virtual_heaps { name: "patient" heap: "camera" retry_policy: "nofail" }
)"),
            R"(Who may do what. Who matches several rules has what any of them gives, who
matches none has nothing. Uid 65534 is nobody in particular: only its own number
or a gid matches it.
  Rule 0: uid 1000, uids 10000 to 19999 and gid 44 may allocate and hold on
    camera and system, and choose the retry policies nofail and video and
    priorities up to HIGH.
  Rule 1: everybody may allocate on every heap, and choose the retry policies
    failfast and default (the rule names none) and priorities up to NORMAL.
  Rule 2: uid 0 may inspect and administer the daemon.

How much. The first quota that a uid matches counts, for each uid by itself.
  Quota 0: uid 1000 may have up to 256 MiB in any number of buffers.
  Quota 1: everybody may have up to 5 MiB in up to 64 buffers.

How long. A held buffer is freed after 1m unless its request asks for another
time, at most 10m.

What a request does after a failed attempt, by the retry policy that it goes by.
Its deadline and its cancel end it whatever the policy.
  failfast (of every daemon): Tries once and never waits.
  default (of every daemon): Tries for 2s from the request on; waits 1ms at
    first, then each time 1.1 times as long, up to 100ms, give or take 20 %. A
    release that it sees brings the next attempt sooner; for that of a page that
    it watches it waits up to 1s. Where it sees each attempt refused by another
    page, it goes on waiting as at first. Gives up once the same page has been
    in the way for 1s, where the kernel tells which it is. At worst about 2500
    attempts, beside those of releases, the last 2s after the request.
  nofail (of every daemon): Tries until it succeeds; waits 1ms at first, then
    each time 1.1 times as long, up to 100ms, give or take 20 %. A release that
    it sees brings the next attempt sooner; for that of a page that it watches
    it waits up to 1s. Where it sees each attempt refused by another page, it
    goes on waiting as at first. No bound of its own: it ends with the caller's
    deadline or cancel, or with an error that no retry mends.
  kernel-5x100ms (of every daemon): Tries up to 5 times; waits 100ms between
    attempts. At worst 5 attempts and 400ms of waiting between them.
  video: Tries up to 3 times; waits 1ms at first, then each time 2 times as
    long, up to 100ms, give or take 20 %. Instead of giving up it turns to
    system, in the same way; the response says which heap served. At worst 3
    attempts and 3.6ms of waiting between them. Each heap has its own attempts.

Which retry policy a request goes by that chooses none: default, but for:
  Heap system: failfast, for whoever may use the heap.
  Virtual heap linux,cma-nofail (of every daemon): nofail, on the contiguous
    default area, for whom a rule gives this retry policy there.
  Virtual heap patient: nofail, on heap camera, for whom a rule gives this retry
    policy there.

Which heaps there are beside the kernel's.
  Simulated heap sim-cma: 64 MiB of ordinary memory that behaves like a CMA
    area.
  Alias camera: another name for heap sim-cma.
)");
}

TEST(PolicyWords, OfTheLeastPolicySayWhatIsLeftOut) {
  const std::string words =
      WordsOf("access { who { uids: 1 } rights: HOLD heaps: 'a' max_priority: LOW }");
  EXPECT_EQ(Part(words, "  Rule 0"),
            "  Rule 0: uid 1 may hold on a, and choose the retry policies failfast and\n"
            "    default (the rule names none) and priority LOW.\n");
  EXPECT_EQ(Part(words, "  Nobody"), "  Nobody has a limit but the heap.\n");
}

TEST(PolicyWords, SaysWhoHasNoQuota) {
  const std::string words = WordsOf(
      "access { who { uids: 1 } rights: ADMIN }"
      "quotas { who { uids: 1 } max_buffers: 1 } quotas { who { uids: 2 } max_bytes: 0 }");
  EXPECT_EQ(Part(words, "  Quota 0"), "  Quota 0: uid 1 may have any size in up to 1 buffer.\n");
  EXPECT_EQ(Part(words, "  Quota 1"), "  Quota 1: uid 2 may have nothing.\n");
  EXPECT_EQ(Part(words, "  Nobody"), "  Nobody else has a limit but the heap.\n");
}

TEST(PolicyWords, CountsWhatALongListWouldHide) {
  std::string uids;
  for (int i = 1; i <= 20; ++i) absl::StrAppend(&uids, " uids: ", i);
  const std::string words = WordsOf("access { who {" + uids + " } rights: INSPECT }");
  EXPECT_EQ(Part(words, "  Rule 0"),
            "  Rule 0: uid 1, uid 2, uid 3, uid 4, uid 5, uid 6, uid 7, uid 8, uid 9, uid 10,\n"
            "    uid 11, uid 12, uid 13, uid 14, uid 15, uid 16 and 4 more may inspect the\n"
            "    daemon.\n");
}

TEST(PolicyWords, APolicyOfTheFileIsNotOneOfEveryDaemon) {
  const std::string words = WordsOf(
      "access { who { uids: 1 } rights: ADMIN }"
      "retry_policies { name: 'failfast' max_attempts: 1 fallback_heaps: 'system' }"
      "virtual_heaps { name: 'linux,cma-nofail' retry_policy: 'failfast' }");
  EXPECT_EQ(Part(words, "  failfast"),
            "  failfast: Tries once and never waits. Instead of giving up it turns to system,\n"
            "    in the same way; the response says which heap served.\n");
  EXPECT_EQ(Part(words, "  Virtual heap"),
            "  Virtual heap linux,cma-nofail: failfast, on the contiguous default area, for\n"
            "    whom a rule gives this retry policy there.\n");
}

TEST(PolicyWords, NoLineIsLongerThanATerminalIsWide) {
  const std::string words =
      WordsOf(absl::StrCat("access { who { everybody: true } rights: [ALLOCATE, ADMIN] heaps: ['",
                           std::string(64, 'a'), "', '", std::string(64, 'b'), "'] }"));
  for (const absl::string_view line : absl::StrSplit(words, '\n')) EXPECT_LE(line.size(), 80u);
}

}  // namespace
}  // namespace dmaheap
