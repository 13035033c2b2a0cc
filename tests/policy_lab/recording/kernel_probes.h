// Probes of kernel functions that are events of the tracer as long as this lives
// (Documentation/trace/kprobetrace.rst). They are the whole machine's: nothing is traced until an
// instance enables them, as events GROUP/NAME.

#ifndef TESTS_POLICY_LAB_RECORDING_KERNEL_PROBES_H_
#define TESTS_POLICY_LAB_RECORDING_KERNEL_PROBES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace dmaheap::policy_lab {

// Root. One thread.
class KernelProbes {
 public:
  // definitions: "p:GROUP/NAME FUNCTION". An error names the one that the kernel
  // does not take.
  static absl::StatusOr<std::unique_ptr<KernelProbes>> Make(
      const std::vector<std::string>& definitions);
  // Removes them. No instance may have them enabled.
  ~KernelProbes();
  KernelProbes(const KernelProbes&) = delete;
  KernelProbes& operator=(const KernelProbes&) = delete;

  // "GROUP/NAME" of each.
  const std::vector<std::string>& events() const { return events_; }

 private:
  KernelProbes() = default;

  std::vector<std::string> events_;
};

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_RECORDING_KERNEL_PROBES_H_
