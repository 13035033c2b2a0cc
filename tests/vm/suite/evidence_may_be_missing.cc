// In the guest, with a page of the area held by somebody: each privilege of the daemon, and each
// thing of the kernel that it learns from, is taken away by itself. It starts, serves, says what it
// lacks, and explains a failure by what is left.

#include <linux/capability.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/vm/guest/ctl_json.h"
#include "tests/vm/guest/daemon_fixture.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap {
namespace {

struct Lack {
  const char* name;
  std::vector<int> capabilities = {};
  std::vector<std::string> folders = {};
  // kernel.dmesg_restrict is set: the kernel's log is for CAP_SYSLOG only.
  bool dmesg_restrict = false;
  // It is started with --no-prober.
  bool no_prober = false;
  // What it then has to say. (Linux 6.12 has no count of an area's free pages to lose.)
  const char* level;
  std::set<std::string> missing = {};
  // What a failure is explained by: the level, the verdict, and whether its pinner is named.
  const char* diagnosed_level;
  const char* verdict;
  bool names_pinner = false;
  // Its verdict rests on the kernel's log.
  bool by_log = false;
};

// With everything: a pin that was met once may pass.
const Lack kLacks[] = {
    {.name = "Nothing",
     .level = "L4",
     .diagnosed_level = "L4",
     .verdict = "PINNED_TRANSIENT",
     .names_pinner = true},
    {.name = "SysAdmin",
     .capabilities = {CAP_SYS_ADMIN},
     .level = "L4",
     .missing = {"PAGE_MAPS"},
     .diagnosed_level = "L4",
     .verdict = "PINNED_TRANSIENT",
     .names_pinner = true},
    {.name = "SysPtrace",
     .capabilities = {CAP_SYS_PTRACE},
     .level = "L4",
     .missing = {"PAGE_MAPS", "PROCESS_FILES"},
     .diagnosed_level = "L4",
     .verdict = "PINNED_TRANSIENT"},
    {.name = "DacReadSearch",
     .capabilities = {CAP_DAC_READ_SEARCH},
     .level = "L2",
     .missing = {"FREE_LIST", "PAGE_FLAGS", "PAGE_MAPS", "PROCESS_FILES", "REFERENCES"},
     .diagnosed_level = "L2",
     .verdict = "PINNED_TRANSIENT"},
    {.name = "Tracefs",
     .folders = {"/sys/kernel/tracing"},
     .level = "L1",
     .missing = {"TRACE", "REFERENCES"},
     .diagnosed_level = "L1",
     .verdict = "PINNED_TRANSIENT",
     .by_log = true},
    {.name = "TracefsAndTheKernelsLog",
     .capabilities = {CAP_SYSLOG},
     .folders = {"/sys/kernel/tracing"},
     .dmesg_restrict = true,
     .level = "L1",
     .missing = {"TRACE", "REFERENCES", "KERNEL_LOG"},
     .diagnosed_level = "L1",
     .verdict = "UNKNOWN"},
    {.name = "Syslog",
     .capabilities = {CAP_SYSLOG},
     .dmesg_restrict = true,
     .level = "L4",
     .missing = {"KERNEL_LOG"},
     .diagnosed_level = "L4",
     .verdict = "PINNED_TRANSIENT",
     .names_pinner = true},
    {.name = "Debugfs",
     .folders = {"/sys/kernel/debug"},
     .level = "L4",
     .missing = {"FREE_LIST"},
     .diagnosed_level = "L4",
     .verdict = "PINNED_TRANSIENT",
     .names_pinner = true},
    {.name = "IdlePages",
     .folders = {"/sys/kernel/mm/page_idle"},
     .level = "L3",
     .missing = {"REFERENCES"},
     .diagnosed_level = "L3",
     .verdict = "PINNED_TRANSIENT",
     .names_pinner = true},
    // The log alone, by the capability and by the setting.
    {.name = "AllButSyslog",
     .capabilities = {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH},
     .folders = {"/sys/kernel/tracing", "/sys/kernel/debug", "/sys/kernel/mm"},
     .dmesg_restrict = true,
     .level = "L1",
     .missing = {"FREE_LIST", "TRACE", "PAGE_FLAGS", "PAGE_MAPS", "PROCESS_FILES", "REFERENCES"},
     .diagnosed_level = "L1",
     .verdict = "PINNED_TRANSIENT",
     .by_log = true},
    {.name = "AllButALogForEverybody",
     .capabilities = {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYSLOG},
     .folders = {"/sys/kernel/tracing", "/sys/kernel/debug", "/sys/kernel/mm"},
     .level = "L1",
     .missing = {"FREE_LIST", "TRACE", "PAGE_FLAGS", "PAGE_MAPS", "PROCESS_FILES", "REFERENCES"},
     .diagnosed_level = "L1",
     .verdict = "PINNED_TRANSIENT",
     .by_log = true},
    {.name = "AllOfIt",
     .capabilities = {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYSLOG},
     .folders = {"/sys/kernel/tracing", "/sys/kernel/debug", "/sys/kernel/mm"},
     .dmesg_restrict = true,
     .level = "L0",
     .missing = {"FREE_LIST", "KERNEL_LOG", "TRACE", "PAGE_FLAGS", "PAGE_MAPS", "PROCESS_FILES",
                 "REFERENCES"},
     .diagnosed_level = "L0",
     .verdict = "UNKNOWN"},
    {.name = "Prober",
     .no_prober = true,
     .level = "L0",
     .missing = {"FREE_LIST", "KERNEL_LOG", "TRACE", "PAGE_FLAGS", "PAGE_MAPS", "PROCESS_FILES",
                 "REFERENCES"},
     .diagnosed_level = "L0",
     .verdict = "UNKNOWN"},
};

// One less than the kernel's limit of lines in five seconds, by which it can be shown that none was
// left out, and the time after which none of those before counts (diagnosis/failure_log.h).
constexpr int kTries = 9;
constexpr absl::Duration kLogForgets = absl::Milliseconds(6500);

void SetDmesgRestrict(bool value) {
  std::ofstream file("/proc/sys/kernel/dmesg_restrict");
  file << (value ? "1" : "0") << std::flush;
  EXPECT_TRUE(file.good());
}

class EvidenceTest : public DaemonFixture {
 protected:
  static void SetUpTestSuite() {
    DaemonFixture::SetUpTestSuite();
    maker_ = std::make_unique<GuestProcess>(
        std::vector<std::string>{"trouble_maker", "vmsplice_pin"}, /*uid=*/0);
    const std::string begun = maker_->ReadLine();
    ASSERT_TRUE(absl::StartsWith(begun, "begun")) << begun << maker_->output();
  }
  void TearDown() override {
    DaemonFixture::TearDown();
    SetDmesgRestrict(false);
  }
  static void TearDownTestSuite() {
    maker_->WriteLine("");
    EXPECT_EQ(maker_->Wait(), 0);
    maker_.reset();
    DaemonFixture::TearDownTestSuite();
  }

  static std::set<std::string> MissingIn(const nlohmann::json& sources) {
    std::set<std::string> missing;
    for (const nlohmann::json& source : sources) {
      if (source["errno_name"] == "" || source["kind"] == "HEAP_NUMBERS") continue;
      missing.insert(source["kind"]);
      EXPECT_NE(source["remedy"], "") << source;
    }
    return missing;
  }

  inline static std::unique_ptr<GuestProcess> maker_;
};

class LackTest : public EvidenceTest, public testing::WithParamInterface<Lack> {};

TEST_P(LackTest, TheDaemonServesAndExplainsByWhatItHas) {
  const Lack& lack = GetParam();
  SetDmesgRestrict(lack.dmesg_restrict);
  Start(lack.no_prober ? std::vector<std::string>{"--no-prober"} : std::vector<std::string>{},
        lack.folders, lack.capabilities);
  // It asks its prober once it serves.
  const std::string told = lack.no_prober ? "" : WaitLog("event=evidence ");

  const nlohmann::json evidence = CtlJson({"get", "evidence"}, /*uid=*/0);
  EXPECT_EQ(evidence["evidence_level"], lack.level) << evidence;
  EXPECT_EQ(MissingIn(evidence["evidence_sources"]), lack.missing) << evidence;
  for (const std::string& kind : lack.missing) {
    EXPECT_TRUE(lack.no_prober || absl::StrContains(told, kind)) << told;
  }

  const auto served = RunInGuest({"dmaheapctl", "alloc", "linux,cma-nofail", "1M"}, /*uid=*/0);
  EXPECT_EQ(served.exit_code, 0) << served.output;

  // An emulated machine that is busy may find less in a diagnosis's 50 ms than it could, but never
  // more, and nothing wrong.
  const std::vector<pid_t> pinners =
      lack.names_pinner ? std::vector<pid_t>{maker_->pid()} : std::vector<pid_t>();
  nlohmann::json diagnosis;
  // The failures of the test before count for the kernel's limit: time itself is awaited.
  if (lack.by_log) absl::SleepFor(kLogForgets);
  for (int i = 0; i < kTries; ++i) {
    const auto failed =
        RunInGuest({"dmaheapctl", "alloc", "linux,cma-nofail", "60M", "--retry-policy", "failfast"},
                   /*uid=*/0);
    ASSERT_EQ(failed.exit_code, 6) << failed.output;
    diagnosis = CtlJson({"explain", "--all"}, /*uid=*/0);
    EXPECT_LE(std::string(diagnosis["evidence_level"]), lack.diagnosed_level) << diagnosis;
    EXPECT_EQ(diagnosis["errno_name"], "ENOMEM") << diagnosis;
    if (diagnosis["evidence_level"] == lack.diagnosed_level &&
        diagnosis["verdict"] == lack.verdict && PinnersOf(diagnosis) == pinners) {
      break;
    }
    EXPECT_TRUE(PinnersOf(diagnosis).empty() || PinnersOf(diagnosis) == pinners) << diagnosis;
  }
  EXPECT_EQ(diagnosis["evidence_level"], lack.diagnosed_level) << diagnosis;
  EXPECT_EQ(diagnosis["verdict"], lack.verdict) << diagnosis;
  EXPECT_EQ(PinnersOf(diagnosis), pinners) << diagnosis;
  EXPECT_EQ(MissingIn(diagnosis["missing_sources"]), lack.missing) << diagnosis;
  EXPECT_EQ(diagnosis["allocator_errno_source"] == "KERNEL_LOG", lack.by_log) << diagnosis;
  if (lack.by_log) {
    EXPECT_EQ(diagnosis["allocator_errno_name"], "EBUSY") << diagnosis;
    EXPECT_EQ(diagnosis["confidence"], "POSSIBLE") << diagnosis;
  }
  printf("without %s: %s, %s, %s\n", lack.name, lack.level,
         std::string(diagnosis["verdict"]).c_str(), std::string(diagnosis["explanation"]).c_str());
}

// The guest is started with selinux=0 (runner/machine.py): all of this holds without it, and
// nothing is missed by that.
TEST_F(EvidenceTest, AMachineWithoutSelinuxLacksNothing) {
  ASSERT_NE(access("/sys/fs/selinux", F_OK), 0);
  Start();
  WaitLog("event=evidence ");

  EXPECT_EQ(MissingIn(CtlJson({"get", "evidence"}, /*uid=*/0)["evidence_sources"]),
            std::set<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Without, LackTest, testing::ValuesIn(kLacks),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace dmaheap
