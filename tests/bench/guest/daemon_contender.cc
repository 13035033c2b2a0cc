#include "tests/bench/guest/daemon_contender.h"

#include <utility>

#include "absl/types/optional.h"
#include "client/dmaheap.h"

namespace dmaheap::bench {
namespace {

class DaemonContender final : public Contender {
 public:
  DaemonContender(std::unique_ptr<Client> client, std::string retry_policy)
      : client_(std::move(client)), retry_policy_(std::move(retry_policy)) {}

  absl::Status Allocate() override {
    absl::StatusOr<Buffer> buffer = client_->Allocate({.heap = "linux,cma-nofail",
                                                       .size_bytes = kAreaBytes,
                                                       .deadline = kAttemptDeadline,
                                                       .retry_policy = retry_policy_});
    if (!buffer.ok()) return buffer.status();
    buffer_ = *std::move(buffer);
    return absl::OkStatus();
  }

  void Release() override { buffer_.reset(); }

 private:
  const std::unique_ptr<Client> client_;
  const std::string retry_policy_;
  absl::optional<Buffer> buffer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Contender>> MakeDaemonContender(std::string retry_policy) {
  auto client = Client::Connect({.label = "storm"});
  if (!client.ok()) return client.status();
  return std::make_unique<DaemonContender>(*std::move(client), std::move(retry_policy));
}

}  // namespace dmaheap::bench
