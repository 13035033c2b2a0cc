#include "tests/bench/session_crowd.h"

#include <grp.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/dmaheap.h"
#include "proto/errno_status.h"
#include "tests/bench/child_process.h"
#include "tests/bench/daemon_under_test.h"

namespace dmaheap::bench {

absl::Status RunSessionCrowd(const std::string& socket_dir, uid_t uid, int sessions) {
  if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 ||
      setresuid(uid, uid, uid) != 0) {
    return ErrnoStatus(errno, absl::StrCat("becoming user ", uid));
  }
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < sessions; ++i) {
    auto client = Client::Connect({.socket_dir = socket_dir, .label = "crowd"});
    if (!client.ok()) return client.status();
    const auto buffer =
        (*client)->Allocate({.heap = std::string(kSimulatedHeap), .size_bytes = 4096});
    if (!buffer.ok()) return buffer.status();
    clients.push_back(*std::move(client));
  }
  SayReady();
  WaitForParent();
  return absl::OkStatus();
}

}  // namespace dmaheap::bench
