// A test with a real daemon (keeper, broker and prober) and an operator who looks at it.
//
// Skips unless root runs it: clients of several users are needed. At the end the daemon must stop
// with 0 and without a sanitizer's report, and the test have no more fds than before.

#ifndef TESTS_E2E_DAEMON_FIXTURE_H_
#define TESTS_E2E_DAEMON_FIXTURE_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "client/testing/fd_leak_check.h"
#include "daemon/keeper/testing/daemon_process.h"
#include "gtest/gtest.h"
#include "tests/e2e/operator_view.h"

namespace dmaheap {

// Users of the tests; no account has these numbers (systemd's range for dynamic users).
inline constexpr uid_t kDaemonUid = 61199;
inline constexpr uid_t kAliceUid = 61301;
inline constexpr uid_t kBobUid = 61302;
inline constexpr uid_t kCarolUid = 61303;

inline constexpr int64_t kMiB = 1 << 20;

class DaemonFixture : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // A daemon with a simulated heap of 64 MiB, and more options; returns when it serves.
  void Start(std::vector<std::string> more = {});
  // Kills the broker, as a crash would, and waits until the next one serves.
  void RestartBroker();

  // Where its sockets are.
  std::string dir() const { return folder_.Below("run"); }

  // Who writes thousands of lines a second would fill the pipe of a log that nobody reads.
  std::string log_level_ = "debug";
  // Added to the environment of the daemon.
  std::map<std::string, std::string> environment_;
  TempFolder folder_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<OperatorView> operator_;
  pid_t broker_ = 0;

 private:
  absl::optional<FdLeakCheck> fds_;
};

}  // namespace dmaheap

#endif  // TESTS_E2E_DAEMON_FIXTURE_H_
