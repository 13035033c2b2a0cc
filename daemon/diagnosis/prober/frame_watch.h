// What becomes of a page while it is looked at: whether a fork's child shares it, or its user gives
// it up. Each lasts an instant, so it looks again and again, also between the steps of other looks.

#ifndef DAEMON_DIAGNOSIS_PROBER_FRAME_WATCH_H_
#define DAEMON_DIAGNOSIS_PROBER_FRAME_WATCH_H_

#include "absl/time/time.h"
#include "daemon/diagnosis/prober/page_tracer.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

class FrameWatch {
 public:
  // Notes in record, of record.frame, most_mapped and was_free. proc: the folder /proc. All are
  // borrowed.
  FrameWatch(int proc, PageTracer& pages, FrameRecord& record)
      : proc_(proc), pages_(pages), record_(record) {}

  // Looks, but for one that comes sooner than a millisecond after the last. False: it is known what
  // became of the page, or the kernel does not tell.
  bool Look();
  // Looks each millisecond, until that or the end of the box.
  void LookUntil(const TimeBox& box);

 private:
  const int proc_;
  PageTracer& pages_;
  FrameRecord& record_;
  absl::Time next_ = absl::InfinitePast();
  bool goes_on_ = true;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_FRAME_WATCH_H_
