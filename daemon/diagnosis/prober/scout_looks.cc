#include "daemon/diagnosis/prober/scout_looks.h"

#include "absl/time/time.h"
#include "daemon/diagnosis/prober/direct_transfers.h"
#include "daemon/diagnosis/prober/pipe_touch.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

ScoutAnswer LookAsScout(const ScoutQuestion& question, const UniqueFd& file) {
  const TimeBox box(absl::Microseconds(question.microseconds));
  switch (question.look) {
    case ScoutLook::kTouchPipe:
      return {.flags = TouchPipe(file) ? kScoutWhole : 0};
    case ScoutLook::kTransfer:
      return LookForTransfer(file, question.frame, box);
  }
  return {};
}

}  // namespace dmaheap
