#include "tests/vm/guest/daemon_fixture.h"

#include <signal.h>

#include <utility>

#include "absl/algorithm/container.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap {
namespace {

// Where the runner puts the files of a test.
constexpr char kDaemon[] = "/files/dmaheapd";
constexpr char kAgent[] = "/files/agent";
constexpr char kSocketDir[] = "/run/dmaheapd";

}  // namespace

void DaemonFixture::TearDown() {
  if (daemon_ != nullptr) {
    EXPECT_TRUE(AllAgreeOn({}));
    daemon_->Signal(SIGTERM);
    EXPECT_EQ(daemon_->WaitExit(), 0);
    if (HasFailure()) GTEST_LOG_(INFO) << daemon_->Log();
    daemon_.reset();
  }
  FdLeakCheck::TearDown();
}

void DaemonFixture::Start(std::vector<std::string> options, std::vector<std::string> hidden,
                          std::vector<int> dropped_capabilities) {
  const bool has_prober = !absl::c_linear_search(options, "--no-prober");
  StartSpec spec;
  spec.arguments = std::move(options);
  spec.arguments.emplace_back("--user=dmaheapd");
  spec.hidden = std::move(hidden);
  spec.dropped_capabilities = std::move(dropped_capabilities);
  daemon_ = std::make_unique<DaemonProcess>(kDaemon, spec);
  ASSERT_TRUE(daemon_->WaitReady()) << daemon_->Log();
  prober_ = 0;
  if (has_prober) {
    prober_ = NumberIn(daemon_->WaitLog("event=child_started child=prober"), "pid");
    ASSERT_GT(prober_, 0);
  }
  broker_ = NumberIn(daemon_->WaitLog("event=serving"), "broker");
  ASSERT_GT(broker_, 0);
}

void DaemonFixture::KillAll() {
  daemon_->Signal(SIGKILL);
  EXPECT_EQ(daemon_->WaitExit(), 128 + SIGKILL);
  // They die with their parent.
  ASSERT_TRUE(WaitGone(broker_));
  ASSERT_TRUE(prober_ == 0 || WaitGone(prober_));
}

std::unique_ptr<AgentProcess> DaemonFixture::NewClient() const {
  return std::make_unique<AgentProcess>(kSocketDir, kHalUid, kAgent);
}

}  // namespace dmaheap
