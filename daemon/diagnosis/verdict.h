// What the evidence says of a failure, and no more than it says: a pure function.
//
// The order of the questions is the kernel's own (cma_alloc in mm/cma.c): the call itself; then the
// bitmap, which has room or has not; then the pages in the way, which can be moved or can not; then
// the memory they would be moved to.

#ifndef DAEMON_DIAGNOSIS_VERDICT_H_
#define DAEMON_DIAGNOSIS_VERDICT_H_

#include "absl/time/time.h"
#include "daemon/diagnosis/evidence.h"
#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

// A page in the way for so long will not be gone in an instant: exits and forks hold one for
// milliseconds, in storms for tens of them.
inline constexpr absl::Duration kStuckAfter = absl::Milliseconds(500);

// A quota is none of the verdicts: it refuses a request before an attempt is made.
struct Judgement {
  v1::Diagnosis::Verdict verdict = v1::Diagnosis::UNKNOWN;
  v1::Diagnosis::Confidence confidence = v1::Diagnosis::POSSIBLE;
};

Judgement Judge(const Evidence& evidence);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_VERDICT_H_
