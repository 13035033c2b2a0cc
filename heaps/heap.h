// A heap: where buffers come from. The backends are dma_heap (the kernel's), simulated_heap and
// drm_dumb_heap; the registry names them.
//
// Allocate may block for as long as the kernel does (a CMA allocation migrates pages: milliseconds
// to seconds), so it runs on a worker thread. All methods are thread-safe.

#ifndef HEAPS_HEAP_H_
#define HEAPS_HEAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "dmaheap/v1/resources.pb.h"
#include "heaps/buffer.h"
#include "heaps/cma_area.h"

namespace dmaheap {

// What does not change while the daemon runs.
struct HeapDescription {
  // Its own name, without "heaps/": for a kernel heap the name of its node.
  std::string name;
  // Other names that resolve to it.
  std::vector<std::string> aliases;
  v1::HeapKind kind = v1::HEAP_KIND_UNSPECIFIED;
  v1::Contiguity contiguity = v1::CONTIGUITY_UNSPECIFIED;
  // Heaps of one area take turns: the engine runs one allocation of an area at a time. Empty for a
  // heap whose allocations do not disturb each other (system).
  std::string area;
  // Absent where the heap has no fixed size or the kernel does not tell.
  absl::optional<int64_t> size_bytes;
  int64_t page_size_bytes = 4096;
};

// What changes.
struct HeapUsage {
  absl::optional<int64_t> free_bytes;
  absl::optional<int64_t> largest_free_bytes;
};

struct AllocationSpec {
  // 1 or more; the heap rounds up to whole pages.
  int64_t size_bytes = 0;
  // At most kMaxLabelBytes; becomes the name of the dma-buf. May be empty.
  std::string label;
};

class Heap {
 public:
  virtual ~Heap() = default;

  virtual const HeapDescription& description() const = 0;

  // One buffer: zeroed, read-write, O_CLOEXEC, of at least the asked size. Every failure carries
  // the kernel's errno (GetErrno): ENOMEM for whatever the heap could not give, EMFILE and ENFILE
  // where the process or the system has no fd left, EINTR and EAGAIN as they come, ENODEV where the
  // node is gone.
  virtual absl::StatusOr<Buffer> Allocate(const AllocationSpec& spec) = 0;

  // Never blocks; what is not known is absent.
  virtual HeapUsage Usage() const = 0;

  // The free pages of its area, where the heap itself keeps count of them; the kernel's are the
  // prober's to read. Never blocks.
  virtual absl::optional<CmaFreeList> FreeList() const { return absl::nullopt; }

  // The memory of a buffer of this heap is gone (BufferWatch said so, or it was closed before
  // anybody else had it). A kernel heap knows by itself; the simulated one frees its page frames. A
  // key that the heap does not know changes nothing.
  virtual void Release(const BufferKey& key) {}

  // A buffer of this heap outlived the process that allocated it: a heap that keeps its own books
  // takes it up again, so that the new process does not hand the same frames out twice. ENOMEM
  // where it has less free than that.
  virtual absl::Status Adopt(const BufferKey& key, int64_t size_bytes) { return absl::OkStatus(); }
};

}  // namespace dmaheap

#endif  // HEAPS_HEAP_H_
