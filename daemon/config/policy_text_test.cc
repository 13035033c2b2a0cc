#include "daemon/config/policy_text.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/config/effective_policy.h"
#include "daemon/config/policy_validation.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

constexpr int64_t kPage = 4096;

// With every field of the schema.
constexpr char kValid[] = R"(# A camera, an operator and everybody else.
simulated_heaps { name: "sim-cma" size_bytes: 67108864 seed: 1 }
heap_aliases { alias: "camera" heap: "sim-cma" }
access {
  who { uids: [1000, 1001] uid_ranges { first: 10000 last: 19999 } gids: 44 }
  rights: [ALLOCATE, HOLD]
  heaps: ["camera", "system"]
  retry_policies: ["camera", "nofail"]
  max_priority: HIGH
}
access { who { uids: 0 } rights: INSPECT rights: ADMIN }
quotas { who { uids: 1000 } max_bytes: 268435456 }
quotas { who { everybody: true } max_bytes: 67108864 max_buffers: 64 }
hold { default_lease { seconds: 30 } max_lease { seconds: 60 nanos: 500000000 } }
retry_policies {
  name: "camera"
  max_attempts: 10
  max_elapsed { seconds: 3 }
  initial_backoff { nanos: 1000000 }
  max_backoff { nanos: 50000000 }
  backoff_multiplier: 1.5
  jitter: 0.1
  learn: false
  give_up_when_stuck_for { seconds: 2 }
  fallback_heaps: ["system"]
}
heap_policies { heap: "camera" retry_policy: "camera" }
virtual_heaps { name: "camera-nofail" heap: "camera" retry_policy: "nofail" }
)";

std::string ErrorOf(absl::string_view text) {
  const auto policy = ParsePolicyText(text, "p", kPage);
  if (policy.ok()) return "";
  EXPECT_EQ(GetReason(policy.status()), ErrorReason::INVALID_POLICY);
  return std::string(policy.status().message());
}

TEST(PolicyText, AValidPolicyIsReadWhole) {
  const auto policy = ParsePolicyText(kValid, "p", kPage);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->access_size(), 2);
  EXPECT_EQ(policy->access(0).who().uid_ranges(0).last(), 19999u);
  EXPECT_EQ(policy->quotas(1).max_buffers(), 64);
  EXPECT_EQ(policy->retry_policies(0).jitter(), 0.1);
  EXPECT_EQ(policy->simulated_heaps(0).seed(), 1u);
}

TEST(PolicyText, AnEmptyFileIsNoPolicy) {
  EXPECT_EQ(ErrorOf(""),
            "p:1:1: access: there is no rule, so nobody could do anything; give at least one");
}

TEST(PolicyText, EverythingThatIsWrongComesAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(
      ErrorOf(R"(simulated_heaps { name: "a/b" size_bytes: 100 }
access {
  who { uids: -1 }
  rigths: ALLOCATE
  heaps: ["ok", "not ok"]
}
access { who { everybody: true } rights: [ALOCATE, HOLD] heaps: "*" }
quota { }
quotas { who { gids: 1 } max_bytes: 5000 }
hold { default_lease: "60s" max_lease { seconds: 0 } }
retry_policies { name: "x" max_attempts: 0 jitter: 2 jitter: 1 }
heap_policies { heap: "a" retry_policy: "defualt" }
)"),
      R"(p:1:19: simulated_heaps[0].name: "a/b" has "/"; a heap's name has printable ASCII without space / : * " \
p:1:31: simulated_heaps[0].size_bytes: 100 is not a multiple of the page size 4096; the nearest are 0 and 4096
p:3:15: access[0].who.uids[0]: "-1" is out of range; from 0 to 4294967295
p:4:3: access[0].rigths: AccessRule has no field "rigths"; did you mean rights?
p:5:17: access[0].heaps[1]: "not ok" has " "; a heap's name has printable ASCII without space / : * " \
p:7:43: access[1].rights[0]: there is no Right "ALOCATE"; did you mean ALLOCATE?
p:8:1: quota: Policy has no field "quota"; did you mean quotas?
p:9:26: quotas[0].max_bytes: 5000 is not a multiple of the page size 4096; the nearest are 4096 and 8192
p:10:23: hold.default_lease: expected { seconds: ... nanos: ... }, found "60s"
p:10:29: hold.max_lease: 0 is out of range; above 0, at most 24h
p:11:28: retry_policies[0].max_attempts: 0 is out of range; from 1 (no retry) to 1000, absent for no bound
p:11:54: retry_policies[0].jitter: is given twice; keep this or the one in line 11
p:12:27: heap_policies[0].retry_policy: there is no retry policy "defualt"; did you mean default?)");
}

TEST(PolicyText, ASyntaxErrorNamesTheFieldAroundIt) {
  EXPECT_EQ(ErrorOf("access {\n  who { uids: 1000\n  rights: ADMIN }\n"),
            "p:3:3: access[0].who.rights: Principals has no field \"rights\"; there are uids, "
            "uid_ranges, gids, "
            "everybody\n"
            "p:4:1: access[0]: Expected identifier, got: the end of the text");
  EXPECT_EQ(ErrorOf("access { who { uids: } }"),
            "p:1:22: access[0].who.uids[0]: Expected integer, got: }");
  EXPECT_EQ(ErrorOf("hold { } }"), "p:1:10: Expected identifier, got: }");
}

TEST(PolicyText, AnUnclosedTextIsReportedOnce) {
  EXPECT_EQ(ErrorOf("simulated_heaps { name: \"sim\n size_bytes: 4096 }"),
            "p:1:29: simulated_heaps[0]: String literals cannot cross line boundaries");
}

TEST(PolicyText, NumbersInPlaceOfRightsAreCheckedToo) {
  EXPECT_EQ(
      ErrorOf("access { who { uids: 0 } rights: 9 }"),
      "p:1:26: access[0].rights[0]: 9 is no right; there are ALLOCATE, HOLD, RESERVE, INSPECT, "
      "ADMIN");
}

TEST(PolicyText, TheErrorCarriesFileAndNumberOfProblems) {
  const auto policy = ParsePolicyText("a: 1 b: 2", "p", kPage);
  EXPECT_EQ(GetErrorValue(policy.status(), "file"), "p");
  EXPECT_EQ(GetErrorValue(policy.status(), "problems"), "2");
  EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PolicyText, AnEndlessReportIsCutAndCounted) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "nonsense: 1\n";
  const std::string error = ErrorOf(text);
  EXPECT_LT(error.size(), kMaxPolicyReportBytes + 100);
  const std::vector<std::string> lines = absl::StrSplit(error, '\n');
  EXPECT_EQ(lines.back(), absl::StrCat("p: and ", 10'000 - (lines.size() - 1), " more"));
}

TEST(PolicyText, OneEndlessNameDoesNotMakeAnEndlessReport) {
  EXPECT_LT(ErrorOf(std::string(1'000'000, 'x') + ": 1").size(), 400u);
  EXPECT_LT(ErrorOf("simulated_heaps { name: '" + std::string(1'000'000, '/') + "' }").size(),
            400u);
}

TEST(PolicyText, DeepNestingNeitherOverflowsNorTakesLong) {
  for (const char* open : {"a{", "a<", "a:[", "access{", "access:[{", "a:[{a:[", "a:[[", "a{[b.c]{",
                           "[", "]{", "a:\"\n\"{a{"}) {
    std::string text;
    while (text.size() < (1 << 20)) text += open;
    EXPECT_NE(ErrorOf(text), "") << open;
  }
}

// Wrong in one place only: changes of the valid text that each have exactly one line of report.
TEST(PolicyText, EachSingleMistakeIsReportedOnItsLine) {
  struct Mistake {
    const char* from;
    const char* to;
    const char* line;
  };
  for (const Mistake& mistake : {
           Mistake{"size_bytes: 67108864", "size_bytes: 67108865", "p:2:35: "},
           Mistake{"heap: \"sim-cma\"", "heap: \"camera\"", "p:3:32: "},
           Mistake{"uids: [1000, 1001]", "uids: [1000, 1000]", "p:5:22: "},
           Mistake{"first: 10000", "first: 20000", "p:5:28: "},
           Mistake{"[ALLOCATE, HOLD]", "[ALLOCATE, HOLT]", "p:6:22: "},
           Mistake{"\"system\"", "\"sys:tem\"", "p:7:21: "},
           Mistake{"who { uids: 0 }", "who { }", "p:11:10: "},
           Mistake{"max_bytes: 268435456", "", "p:12:1: "},
           Mistake{"max_buffers: 64", "max_bufers: 64", "p:13:54: "},
           Mistake{"seconds: 30", "seconds: 61", "p:14:8: "},
           Mistake{"nanos: 500000000", "nanos: 5000000000", "p:14:69: "},
           Mistake{"max_attempts: 10", "max_attempts: 0", "p:17:3: "},
           Mistake{"nanos: 1000000 ", "nanos: 60000000 ", "p:19:3: "},
           Mistake{"multiplier: 1.5", "multiplier: 0.5", "p:21:3: "},
           Mistake{"jitter: 0.1", "jitter: high", "p:22:11: "},
           Mistake{"jitter: 0.1", "jitter: nan", "p:22:3: "},
           Mistake{"[\"camera\", \"nofail\"]", "[\"camera\", \"nofial\"]", "p:8:30: "},
           Mistake{"max_priority: HIGH", "max_priority: HIHG", "p:9:17: "},
           Mistake{"max_elapsed { seconds: 3 }", "max_elapsed { seconds: -3 }", "p:18:3: "},
           Mistake{"learn: false", "learn: never", "p:23:10: "},
           Mistake{"{ seconds: 2 }", "{ seconds: 3 }", "p:24:3: "},
           Mistake{"heaps: [\"system\"]", "heaps: [\"camera\"]", "p:25:20: "},
           Mistake{"heap: \"camera\" retry", "heap: \"camera-nofail\" retry", "p:27:17: "},
           Mistake{"\"camera-nofail\"", "\"sim-cma\"", "p:28:17: "},
       }) {
    std::string text = kValid;
    const size_t at = text.find(mistake.from);
    ASSERT_NE(at, std::string::npos) << mistake.from;
    text.replace(at, std::string(mistake.from).size(), mistake.to);
    const std::string error = ErrorOf(text);
    EXPECT_TRUE(absl::StartsWith(error, mistake.line)) << mistake.to << "\n" << error;
    EXPECT_FALSE(absl::StrContains(error, '\n')) << mistake.to << "\n" << error;
  }
}

// Bytes removed, doubled, changed, moved: whatever comes out is either a policy that is valid on
// its own, or an error with a place. Under asan this is also the proof that no text crashes the
// reader.
TEST(PolicyText, TenThousandMutationsOfAValidFileAreReadOrRefused) {
  std::mt19937 random(20240229);
  const std::string valid = kValid;
  const std::string spice = "{}<>[]:;,\"'#-\n\t \\0x9a.e_*/\x01\xff" + std::string(1, '\0');
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 10'000; ++round) {
    std::string text = valid;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes && !text.empty(); ++i) {
      const size_t at = random() % text.size();
      const size_t length = 1 + random() % 12;
      switch (random() % 6) {
        case 0:
          text.erase(at, length);
          break;
        case 1:
          text.insert(at, text.substr(random() % text.size(), length));
          break;
        case 2:
          text[at] = spice[random() % spice.size()];
          break;
        case 3:
          text[at] = static_cast<char>(random());
          break;
        case 4:
          text.insert(at, std::string(length, spice[random() % spice.size()]));
          break;
        default:
          text.resize(at);
          break;
      }
    }
    const auto policy = ParsePolicyText(text, "p", kPage);
    if (policy.ok()) {
      ++accepted;
      EXPECT_TRUE(ValidatePolicy(*policy, kPage).empty()) << text;
      const EffectivePolicy effective(*policy);
      effective.RightsOf({.uid = 1000, .gid = 44}, {"camera"});
      EXPECT_LE(effective.leases().default_lease, effective.leases().max_lease) << text;
      for (const RetryPolicy& retry : effective.retry_policies()) {
        EXPECT_LE(retry.initial_backoff, retry.max_backoff) << text;
      }
      for (const VirtualHeapConfig& heap : effective.virtual_heaps()) {
        EXPECT_NE(effective.FindRetryPolicy(heap.retry_policy), nullptr) << text;
      }
    } else {
      ++refused;
      EXPECT_TRUE(absl::StartsWith(policy.status().message(), "p:")) << policy.status();
      EXPECT_EQ(GetReason(policy.status()), ErrorReason::INVALID_POLICY);
    }
  }
  // Both happen, or the mutations show nothing.
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 3000);
}

}  // namespace
}  // namespace dmaheap
