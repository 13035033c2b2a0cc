#include "tests/bench/guest/ioctl_contender.h"

#include <cerrno>
#include <utility>

#include "absl/time/clock.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"
#include "tests/vm/tools/heap_buffers.h"

namespace dmaheap::bench {
namespace {

class IoctlContender final : public Contender {
 public:
  IoctlContender(HeapBuffers heap, const Retries& retries)
      : heap_(std::move(heap)), retries_(retries) {}

  absl::Status Allocate() override {
    const absl::Time start = absl::Now();
    for (int tries = 1;; ++tries) {
      absl::StatusOr<UniqueFd> buffer = heap_.Allocate(kAreaBytes);
      if (buffer.ok()) {
        buffer_ = *std::move(buffer);
        return absl::OkStatus();
      }
      // A CMA heap says so whatever the reason.
      if (GetErrno(buffer.status()) != ENOMEM) return buffer.status();
      const auto pause = NextPause(retries_, tries, absl::Now() - start);
      if (!pause.has_value()) return buffer.status();
      absl::SleepFor(*pause);
    }
  }

  void Release() override { buffer_.Reset(); }

 private:
  const HeapBuffers heap_;
  const Retries retries_;
  UniqueFd buffer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Contender>> MakeIoctlContender(const Retries& retries) {
  absl::StatusOr<HeapBuffers> heap = HeapBuffers::Open(kAreaHeap);
  if (!heap.ok()) return heap.status();
  return std::make_unique<IoctlContender>(*std::move(heap), retries);
}

}  // namespace dmaheap::bench
