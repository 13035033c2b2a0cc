// What a scout does with a question: the looks that may be held (scouts.h).

#ifndef DAEMON_DIAGNOSIS_PROBER_SCOUT_LOOKS_H_
#define DAEMON_DIAGNOSIS_PROBER_SCOUT_LOOKS_H_

#include "daemon/diagnosis/prober/scout_wire.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// Of a look that is not known, nothing was seen.
ScoutAnswer LookAsScout(const ScoutQuestion& question, const UniqueFd& file);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_SCOUT_LOOKS_H_
