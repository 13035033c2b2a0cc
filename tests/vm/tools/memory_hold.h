// Memory that can not be moved (buffers of the system heap): what others use then comes to lie in
// the area, as more than half of what is free is there.

#ifndef TESTS_VM_TOOLS_MEMORY_HOLD_H_
#define TESTS_VM_TOOLS_MEMORY_HOLD_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "tests/vm/tools/heap_buffers.h"
#include "tests/vm/tools/settings.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap {

class MemoryHold final : public Trouble {
 public:
  // Holds until no more than this is free.
  explicit MemoryHold(int64_t leave_bytes) : leave_bytes_(leave_bytes) {}

  TroubleLabel label() const override { return {}; }
  absl::StatusOr<std::string> Begin() override;
  absl::StatusOr<std::string> End() override;

 private:
  const int64_t leave_bytes_;
  std::optional<HeapBuffers> buffers_;
};

// leave_mib: how much stays free.
Settings MemoryHoldDefaults();
std::unique_ptr<Trouble> MakeMemoryHold(const Settings& settings);

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_MEMORY_HOLD_H_
