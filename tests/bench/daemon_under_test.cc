#include "tests/bench/daemon_under_test.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/bench/process_tree.h"
#include "tests/bench/progress.h"
#include "tests/bench/runfile.h"

namespace dmaheap::bench {
namespace {

// No account has this number (systemd's range for dynamic users).
constexpr uid_t kDaemonUid = 61199;

constexpr absl::Duration kPatience = absl::Seconds(20);

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

absl::StatusOr<std::unique_ptr<DaemonUnderTest>> DaemonUnderTest::Start(const RunFolder& folder) {
  std::string socket_dir = folder.Below("run");
  const std::string log = folder.Below("daemon.log");
  std::vector<std::string> command = {Runfile("daemon/dmaheapd"),
                                      absl::StrCat("--socket-dir=", socket_dir), "--simulate",
                                      absl::StrCat("--ready-fd=", STDOUT_FILENO)};
  if (getuid() == 0) command.push_back(absl::StrCat("--user=", kDaemonUid));
  auto keeper = ChildProcess::Start(std::move(command), log);
  if (!keeper.ok()) return keeper.status();
  if (absl::Status status = (*keeper)->WaitReady(kPatience); !status.ok()) {
    Say(ReadFile(log));
    return status;
  }
  std::unique_ptr<DaemonUnderTest> daemon(
      new DaemonUnderTest(std::move(socket_dir), *std::move(keeper)));
  daemon->broker_ = ChildWith(daemon->keeper(), "--role=broker");
  daemon->prober_ = ChildWith(daemon->keeper(), "--role=prober");
  if (daemon->broker_ < 0 || daemon->prober_ < 0) {
    Say(ReadFile(log));
    return absl::NotFoundError("the daemon has no broker or no prober");
  }
  return daemon;
}

absl::Status DaemonUnderTest::Stop() {
  const bool same = ChildWith(keeper(), "--role=broker") == broker_ &&
                    ChildWith(keeper(), "--role=prober") == prober_;
  if (absl::Status status = keeper_->Stop(kPatience); !status.ok()) return status;
  return same ? absl::OkStatus()
              : absl::InternalError("a process of the daemon died while it was measured");
}

}  // namespace dmaheap::bench
