#include "client/ctl/waiting.h"

namespace dmaheap::ctl {

absl::Duration DeadlineOf(const Arguments& arguments) {
  return arguments.wait ? absl::InfiniteDuration() : arguments.timeout;
}

ProgressCallback ProgressOf(const Arguments& arguments, ProgressDisplay& display) {
  if (!arguments.wait) return nullptr;
  return [&display](const AllocationProgress& progress) { display.Show(progress); };
}

}  // namespace dmaheap::ctl
