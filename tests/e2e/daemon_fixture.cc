#include "tests/e2e/daemon_fixture.h"

#include <signal.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/agent_process.h"

namespace dmaheap {

void DaemonFixture::SetUp() {
  if (getuid() != 0) GTEST_SKIP() << "several users are needed, which only root can be";
  fds_.emplace();
}

void DaemonFixture::TearDown() {
  if (daemon_ != nullptr) {
    daemon_->Signal(SIGTERM);
    EXPECT_EQ(daemon_->WaitExit(), 0) << daemon_->Log();
    EXPECT_EQ(daemon_->Log().find("Sanitizer"), std::string::npos) << daemon_->Log();
  }
  operator_.reset();
  daemon_.reset();
  if (!fds_.has_value()) return;
  EXPECT_EQ(fds_->Leaked(), "");
}

void DaemonFixture::Start(std::vector<std::string> more) {
  StartSpec spec;
  spec.environment = environment_;
  spec.arguments = {absl::StrCat("--socket-dir=", dir()), "--simulate=64MiB",
                    absl::StrCat("--user=", kDaemonUid), absl::StrCat("--log-level=", log_level_)};
  spec.arguments.insert(spec.arguments.end(), more.begin(), more.end());
  daemon_ = std::make_unique<DaemonProcess>(Runfile("daemon/dmaheapd"), spec);
  ASSERT_TRUE(daemon_->WaitReady()) << daemon_->Log();
  broker_ = NumberIn(daemon_->WaitLog("event=serving"), "broker");
  operator_ = std::make_unique<OperatorView>(dir());
}

void DaemonFixture::RestartBroker() {
  ASSERT_EQ(kill(broker_, SIGKILL), 0);
  broker_ = NumberIn(daemon_->WaitLog("event=serving"), "broker");
  ASSERT_GT(broker_, 0) << daemon_->Log();
}

}  // namespace dmaheap
