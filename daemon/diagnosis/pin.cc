#include "daemon/diagnosis/pin.h"

#include <algorithm>

namespace dmaheap {

using Pin = v1::Diagnosis::Pin;

absl::optional<int64_t> ExcessReferences(const RefusingFrame& frame) {
  if (!frame.references.has_value() || !frame.mappings.has_value()) return absl::nullopt;
  return *frame.references - *frame.mappings - (frame.kind == Pin::PAGE_CACHE ? 1 : 0);
}

absl::optional<bool> IsHeld(const RefusingFrame& frame) {
  if (frame.in_a_pipe || frame.in_a_transfer) return true;
  const absl::optional<int64_t> excess = ExcessReferences(frame);
  if (!excess.has_value()) return absl::nullopt;
  return *excess > 0;
}

Pin::Cause CauseOf(const RefusingFrame& frame, v1::Diagnosis::Verdict verdict) {
  if (frame.in_a_pipe) return Pin::PIPE;
  if (frame.in_a_transfer || ExcessReferences(frame).value_or(0) >= kTransferReferences) {
    return Pin::DIRECT_IO;
  }
  if (verdict != v1::Diagnosis::PINNED_TRANSIENT) return Pin::NOT_ESTABLISHED;
  if (std::max(frame.most_mapped, frame.mappings.value_or(0)) > 1) return Pin::FORK_COPY;
  const bool unmapped = frame.kind == Pin::ANONYMOUS && frame.mappings == 0;
  if (frame.kind == Pin::FREE || frame.was_free || unmapped) return Pin::EXIT_UNMAP;
  // It is still there, so nobody gave it up; its user has it alone again, after its child.
  if (frame.of_forker && frame.kind == Pin::ANONYMOUS && IsHeld(frame) == false) {
    return Pin::FORK_COPY;
  }
  return Pin::NOT_ESTABLISHED;
}

}  // namespace dmaheap
