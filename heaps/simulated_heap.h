// The heap that every machine has: a simulated CMA area whose buffers are memfds.
//
// Where the area (simulated_area.h) has frames for a request, the buffer is a zeroed, sealed memfd,
// wrapped into a dma-buf where /dev/udmabuf was given. Its contiguity is SIMULATED: no device
// without an IOMMU can use it. Migration takes real time (or the clock's), and one allocation at a
// time does it, as under the kernel's cma_mutex.
//
// Memory: the pages of a buffer come when they are touched, and are charged to whoever touches them
// first, not to this process; with udmabuf they come at once. The area bounds how many there are.
// The label is the memfd's name; with udmabuf it is the dma-buf's name too.
// udmabuf takes at most its size_limit_mb (64 MiB unless changed): a larger buffer stays a memfd,
// and its key says so.
//
// Frames: a buffer has its frames until Release. The daemon calls it when BufferWatch says that the
// memory is gone; nobody else can know.
//
// Thread-safe. Allocate fails with ENOMEM for whatever the area refuses (FailedAttempt tells the
// true cause), and with the errno of the system call that failed; the frames are then given back.

#ifndef HEAPS_SIMULATED_HEAP_H_
#define HEAPS_SIMULATED_HEAP_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "heaps/heap.h"
#include "heaps/kernel.h"
#include "heaps/simulated_area.h"
#include "heaps/simulation_clock.h"
#include "proto/unique_fd.h"

namespace dmaheap {

struct SimulatedHeapOptions {
  std::string name;
  std::vector<std::string> aliases;
  // A positive multiple of the page size, at most kMaxSimulatedPages pages.
  int64_t size_bytes = 0;
  // pages is taken from size_bytes, whatever stands here.
  SimulatedAreaOptions area;
  // An open /dev/udmabuf; empty: plain memfds.
  UniqueFd udmabuf;
  // Not owned; both outlive the heap.
  Kernel* kernel = nullptr;
  SimulationClock* clock = nullptr;
};

class SimulatedHeap final : public Heap {
 public:
  // kInvalidArgument names the option and its range.
  static absl::StatusOr<std::unique_ptr<SimulatedHeap>> Create(SimulatedHeapOptions options);

  const HeapDescription& description() const override { return description_; }
  absl::StatusOr<Buffer> Allocate(const AllocationSpec& spec) override;
  HeapUsage Usage() const override;
  absl::optional<CmaFreeList> FreeList() const override;
  void Release(const BufferKey& key) override;
  absl::Status Adopt(const BufferKey& key, int64_t size_bytes) override;

  // Looks at the area, or changes it (pins, occupants), while nobody else does. Must not call the
  // heap.
  void WithArea(const std::function<void(SimulatedArea&)>& look);

  // Buffers that have frames.
  int64_t live_buffers() const;

 private:
  explicit SimulatedHeap(SimulatedHeapOptions options, SimulatedArea area);

  // The memory behind frames that are already taken.
  absl::StatusOr<Buffer> MakeBuffer(int64_t size_bytes, const std::string& label);
  // Gives frames back. mutex_ is held.
  void FreeLocked(const std::vector<PageRun>& runs);

  const HeapDescription description_;
  const UniqueFd udmabuf_;
  Kernel* const kernel_;
  SimulationClock* const clock_;

  // cma_mutex: held over an attempt and the time that it takes. Before mutex_.
  std::mutex turn_;
  mutable std::mutex mutex_;
  SimulatedArea area_;
  // The frames of each buffer, as runs of PFNs.
  absl::flat_hash_map<BufferKey, std::vector<PageRun>> buffers_;
};

// What the area says of a refusal, from the status of Allocate; absent where the failure is not the
// area's.
absl::optional<SimulatedArea::Attempt> FailedAttempt(const absl::Status& status);

}  // namespace dmaheap

#endif  // HEAPS_SIMULATED_HEAP_H_
