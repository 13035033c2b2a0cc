#include "tests/bench/guest/daemon_contender.h"

#include <utility>

#include "absl/types/optional.h"
#include "client/dmaheap.h"

namespace dmaheap::bench {
namespace {

class DaemonContender final : public Contender {
 public:
  DaemonContender(std::unique_ptr<Client> client, std::string heap)
      : client_(std::move(client)), heap_(std::move(heap)) {}

  absl::Status Allocate() override {
    absl::StatusOr<Buffer> buffer =
        client_->Allocate({.heap = heap_, .size_bytes = kAreaBytes, .deadline = kAttemptDeadline});
    if (!buffer.ok()) return buffer.status();
    buffer_ = *std::move(buffer);
    return absl::OkStatus();
  }

  void Release() override { buffer_.reset(); }

 private:
  const std::unique_ptr<Client> client_;
  const std::string heap_;
  absl::optional<Buffer> buffer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Contender>> MakeDaemonContender(const std::string& heap) {
  auto client = Client::Connect({.label = "storm"});
  if (!client.ok()) return client.status();
  return std::make_unique<DaemonContender>(*std::move(client), heap);
}

}  // namespace dmaheap::bench
