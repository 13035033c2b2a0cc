// What a process of the prober may no longer do, once it has what it needed that for.

#ifndef DAEMON_DIAGNOSIS_PROBER_DROP_CAPABILITY_H_
#define DAEMON_DIAGNOSIS_PROBER_DROP_CAPABILITY_H_

#include <sys/capability.h>

#include "absl/status/status.h"

namespace dmaheap {

// For good, of this process (one thread). Ok also where it did not have it. Errors carry the errno.
absl::Status DropCapability(cap_value_t capability);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_DROP_CAPABILITY_H_
