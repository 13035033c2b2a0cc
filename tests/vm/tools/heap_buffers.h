// Buffers taken straight from a heap node, past the daemon. Root.

#ifndef TESTS_VM_TOOLS_HEAP_BUFFERS_H_
#define TESTS_VM_TOOLS_HEAP_BUFFERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class HeapBuffers {
 public:
  // node: "system", "reserved".
  static absl::StatusOr<HeapBuffers> Open(const std::string& node);

  // One more buffer, or the kernel's errno.
  absl::StatusOr<UniqueFd> Allocate(int64_t size_bytes) const;
  // Holds buffers until there are count of them, or the heap has no more (ENOMEM). How many came.
  absl::StatusOr<int64_t> Hold(int64_t size_bytes, int64_t count);
  // Gives back those at odd places, so that no two free ones lie together if they lay in a row.
  void ReleaseEverySecond();
  void ReleaseAll() { held_.clear(); }

 private:
  explicit HeapBuffers(UniqueFd node) : node_(std::move(node)) {}

  UniqueFd node_;
  std::vector<UniqueFd> held_;
};

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_HEAP_BUFFERS_H_
