#include "daemon/diagnosis/prober/guard.h"

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "daemon/diagnosis/prober/vital_process.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(VitalProcessTest, AreInitsServiceManagersAndLoggersByWholeName) {
  for (const char* name : {"init", "systemd", "systemd-journal", "rsyslogd", "logd",
                           "hwservicemanage", "servicemanager"}) {
    EXPECT_TRUE(IsVitalName(name)) << name;
  }
  for (const char* name : {"", "camera", "initd", "systemd-", "Systemd", "my-logd"}) {
    EXPECT_FALSE(IsVitalName(name)) << name;
  }
}

class GuardTest : public ::testing::Test {
 protected:
  GuardTest() : cgroups_{tree_.path() + "/sys/apps", tree_.path() + "/sys/none"} {
    tree_.File("sys/apps/cgroup.procs", "10\n");
    tree_.File("sys/apps/below/cgroup.procs", "11\n12\n");
    for (const int pid : {10, 11, 12}) Comm(pid, "camera");
  }
  void Comm(int pid, absl::string_view comm) {
    tree_.File(absl::StrCat("proc/", pid, "/comm"), absl::StrCat(comm, "\n"));
  }
  GuardReply Check(std::vector<int32_t> guarded, uint32_t cgroup = 0,
                   const TimeBox& box = TimeBox(absl::InfiniteDuration())) {
    GuardRequest request;
    request.sequence = 7;
    request.cgroup = cgroup;
    for (const int32_t pid : guarded) request.pids[request.pid_count++] = pid;
    const GuardReply reply = CheckCgroup(request, cgroups_, tree_.roots(), box);
    EXPECT_EQ(reply.sequence, 7u);
    return reply;
  }

  FakeTree tree_;
  const std::vector<std::string> cgroups_;
};

TEST_F(GuardTest, ACgroupOfOthersIsClear) {
  EXPECT_EQ(Check({1, 100, 101}).finding, GuardFinding::kClear);
  EXPECT_EQ(Check({}).finding, GuardFinding::kClear);
}

TEST_F(GuardTest, OneThatIsGuardedIsFoundAtAnyDepth) {
  const GuardReply reply = Check({100, 12});
  EXPECT_EQ(reply.finding, GuardFinding::kListed);
  EXPECT_EQ(reply.pid, 12);
  EXPECT_EQ(Check({10}).pid, 10);
}

TEST_F(GuardTest, InitIsVitalWhateverItsName) {
  tree_.File("sys/apps/below/cgroup.procs", "1\n");
  const GuardReply reply = Check({});
  EXPECT_EQ(reply.finding, GuardFinding::kVital);
  EXPECT_EQ(reply.pid, 1);
}

TEST_F(GuardTest, ALoggerIsVital) {
  Comm(11, "systemd-journal");
  const GuardReply reply = Check({});
  EXPECT_EQ(reply.finding, GuardFinding::kVital);
  EXPECT_EQ(reply.pid, 11);
}

TEST_F(GuardTest, AProcessThatEndedMeanwhileIsNone) {
  tree_.File("sys/apps/cgroup.procs", "99\n");
  EXPECT_EQ(Check({}).finding, GuardFinding::kClear);
}

TEST_F(GuardTest, AProcessOfAnotherNamespaceIsUnknown) {
  tree_.File("sys/apps/cgroup.procs", "0\n");
  // Also if a taken-over broker says that 0 is a client.
  for (const std::vector<int32_t>& guarded : {std::vector<int32_t>{}, {0}}) {
    const GuardReply reply = Check(guarded);
    EXPECT_EQ(reply.finding, GuardFinding::kUnknown);
    EXPECT_EQ(reply.error_number, EREMOTE);
  }
}

TEST_F(GuardTest, ANameThatCanNotBeReadIsUnknown) {
  tree_.Link("proc/13/comm", "elsewhere");
  tree_.File("sys/apps/cgroup.procs", "13\n");
  const GuardReply reply = Check({});
  EXPECT_EQ(reply.finding, GuardFinding::kUnknown);
  EXPECT_EQ(reply.error_number, ELOOP);
  EXPECT_EQ(reply.pid, 13);
}

TEST_F(GuardTest, WhatTakesTooLongIsUnknown) {
  const GuardReply reply = Check({}, 0, TimeBox(absl::ZeroDuration()));
  EXPECT_EQ(reply.finding, GuardFinding::kUnknown);
  EXPECT_EQ(reply.error_number, ETIMEDOUT);
}

TEST_F(GuardTest, OtherCgroupsAreUnknown) {
  EXPECT_EQ(Check({}, 1).error_number, ENOENT);
  EXPECT_EQ(Check({}, 2).error_number, EINVAL);
}

TEST_F(GuardTest, ACountThatDoesNotFitIsRefused) {
  GuardRequest request;
  request.pid_count = kMaxGuardedPids + 1;
  const GuardReply reply =
      CheckCgroup(request, cgroups_, tree_.roots(), TimeBox(absl::InfiniteDuration()));
  EXPECT_EQ(reply.finding, GuardFinding::kUnknown);
  EXPECT_EQ(reply.error_number, EINVAL);
}

}  // namespace
}  // namespace dmaheap
