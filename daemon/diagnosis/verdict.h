// What the evidence says of a failure, and no more than it says: a pure function.
//
// The order of the questions is the kernel's own (cma_alloc in mm/cma.c): the call itself; then the
// bitmap, which has room or has not; then the pages in the way, which can be moved or can not; then
// the memory they would be moved to.

#ifndef DAEMON_DIAGNOSIS_VERDICT_H_
#define DAEMON_DIAGNOSIS_VERDICT_H_

#include "absl/time/time.h"
#include "daemon/diagnosis/evidence.h"

namespace dmaheap {

// A page in the way for so long will not be gone in an instant: exits and forks hold one for
// milliseconds, in storms for tens of them.
inline constexpr absl::Duration kStuckAfter = absl::Milliseconds(500);

// A closed set. A quota is none of them: it refuses a request before an attempt is made.
enum class Verdict {
  // A page that could not be moved, for an instant: the same request goes another time.
  kPinnedTransient,
  // One and the same page has been in the way for long, and still is.
  kPinnedStuck,
  // Enough is free, in runs that are too short.
  kFragmented,
  // A free run is long enough, but does not begin where the kernel lets a buffer of that size
  // begin.
  kAlignmentWaste,
  // Less is free than was asked for.
  kExhausted,
  // The same, and what one user holds has only grown.
  kLeakSuspected,
  // There is room, but no free memory to move the pages to that lie in it.
  kNoMigrationTarget,
  kPermission,
  kHeapAbsent,
  kKernelUnsupported,
  kFdLimit,
  // What is known fits more than one of these, or none.
  kUnknown,
};

enum class Confidence {
  // Nothing contradicts it.
  kPossible,
  // What is known fits nothing else.
  kLikely,
  // The kernel's own word.
  kCertain,
};

struct Judgement {
  Verdict verdict = Verdict::kUnknown;
  Confidence confidence = Confidence::kPossible;
};

Judgement Judge(const Evidence& evidence);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_VERDICT_H_
