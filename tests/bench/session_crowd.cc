#include "tests/bench/session_crowd.h"

#include <memory>
#include <utility>
#include <vector>

#include "client/dmaheap.h"
#include "tests/bench/become_user.h"
#include "tests/bench/child_process.h"
#include "tests/bench/daemon_under_test.h"

namespace dmaheap::bench {

absl::Status RunSessionCrowd(const std::string& socket_dir, uid_t uid, int sessions) {
  if (absl::Status status = BecomeUser(uid); !status.ok()) return status;
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
