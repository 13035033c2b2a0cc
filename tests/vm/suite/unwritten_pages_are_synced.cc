// In the guest: pages that a journal has yet to write are in the way of the whole area for as long
// as nobody has them written, and of a request whose retry policy syncs their file system for no
// longer than that takes.

#include <signal.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "daemon/keeper/testing/daemon_process.h"
#include "gtest/gtest.h"
#include "tests/vm/guest/cma_counters.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap {
namespace {

constexpr char kDaemon[] = "/files/dmaheapd";
// Where the trouble has its disk.
constexpr char kMountPoint[] = "/tmp/unwritten";
// Another file system, of which there is nothing to write.
constexpr char kOther[] = "/dev/shm";
constexpr char kPolicyFile[] = "/tmp/policy";
constexpr char kPolicy[] = R"(
    access { who { everybody: true } rights: [ALLOCATE, ADMIN] heaps: "*" retry_policies: "*" }
    retry_policies { name: "patient"  max_elapsed { nanos: 500000000 } }
    retry_policies {
      name: "syncing"  max_elapsed { seconds: 5 }  sync { filesystems: "/tmp/unwritten" }
    }
    retry_policies {
      name: "syncing-another"  max_elapsed { nanos: 700000000 }  sync { filesystems: "/dev/shm" }
    })";
// Each sync that is asked for is a line of the kernel's trace.
constexpr char kTraceSwitch[] = "/sys/kernel/tracing/events/syscalls/sys_enter_syncfs/enable";
constexpr char kTrace[] = "/sys/kernel/tracing/trace";

int SyncsSoFar() {
  std::ifstream trace(kTrace);
  int syncs = 0;
  for (std::string line; std::getline(trace, line);) {
    if (absl::StrContains(line, "sys_syncfs(")) ++syncs;
  }
  return syncs;
}

// Of one that has ended.
std::string ReasonOf(GuestProcess& maker) {
  maker.Wait();
  return maker.error();
}

class UnwrittenPagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(kPolicyFile) << kPolicy;
    std::ofstream(kTraceSwitch) << 1;
    std::ofstream(kTrace) << 0;
  }

  void Start(const std::vector<std::string>& options) {
    StartSpec spec;
    spec.arguments = {"--user=dmaheapd", absl::StrCat("--policy=", kPolicyFile)};
    spec.arguments.insert(spec.arguments.end(), options.begin(), options.end());
    daemon_ = std::make_unique<DaemonProcess>(kDaemon, spec);
    ASSERT_TRUE(daemon_->WaitReady()) << daemon_->Log();
    auto client = Client::Connect({.label = "unwritten"});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }
  void Stop() {
    client_.reset();
    daemon_->Signal(SIGTERM);
    EXPECT_EQ(daemon_->WaitExit(), 0);
    if (HasFailure()) GTEST_LOG_(INFO) << daemon_->Log();
    daemon_.reset();
  }
  // The whole area.
  absl::Status Allocate(const std::string& retry_policy) {
    const absl::Time begin = absl::Now();
    const absl::Status status = client_
                                    ->Allocate({.heap = "reserved",
                                                .size_bytes = ReadCmaCounters().total_pages * 4096,
                                                .retry_policy = retry_policy})
                                    .status();
    printf("%s: %s after %.0f ms\n", retry_policy.c_str(), status.ok() ? "OK" : "failed",
           absl::ToDoubleMilliseconds(absl::Now() - begin));
    return status;
  }
  void TestWith(const std::vector<std::string>& options) {
    GuestProcess maker({"trouble_maker", "unwritten_file"}, /*uid=*/0);
    ASSERT_TRUE(absl::StartsWith(maker.ReadLine(), "begun")) << ReasonOf(maker);
    std::vector<std::string> all = options;
    all.push_back(absl::StrCat("--sync-filesystem=", kMountPoint));
    Start(all);

    EXPECT_FALSE(Allocate("patient").ok()) << "nothing was in the way";
    EXPECT_EQ(SyncsSoFar(), 0);
    EXPECT_TRUE(Allocate("syncing").ok());
    EXPECT_EQ(SyncsSoFar(), 1);

    // It has the file system open.
    Stop();
    maker.WriteLine("");
    EXPECT_EQ(maker.Wait(), 0) << maker.output() << maker.error();
  }

  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<Client> client_;
};

TEST_F(UnwrittenPagesTest, AreWrittenForARequestWhosePolicySaysSo) { TestWith({}); }

TEST_F(UnwrittenPagesTest, AreWrittenAlsoWhereNobodySeesThem) { TestWith({"--no-prober"}); }

// An anonymous page in a pipe, which no sync would mend.
TEST_F(UnwrittenPagesTest, AreNotTakenForAPageThatIsSeenToBeAnother) {
  GuestProcess maker({"trouble_maker", "vmsplice_pin"}, /*uid=*/0);
  ASSERT_TRUE(absl::StartsWith(maker.ReadLine(), "begun")) << ReasonOf(maker);

  Start({absl::StrCat("--sync-filesystem=", kOther)});
  EXPECT_FALSE(Allocate("syncing-another").ok());
  EXPECT_EQ(SyncsSoFar(), 0);
  Stop();
  Start({absl::StrCat("--sync-filesystem=", kOther), "--no-prober"});
  EXPECT_FALSE(Allocate("syncing-another").ok());
  EXPECT_GE(SyncsSoFar(), 1) << "nobody sees which it is";
  Stop();

  maker.WriteLine("");
  EXPECT_EQ(maker.Wait(), 0);
}

}  // namespace
}  // namespace dmaheap
