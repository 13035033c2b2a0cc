#include "daemon/handover/barrier_cpu.h"

namespace dmaheap {

BarrierCpu::BarrierCpu(Part part) {
  // Machines with more than 1024 processors are left alone.
  if (sched_getaffinity(0, sizeof(before_), &before_) != 0 || CPU_COUNT(&before_) < 2) return;
  int last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &before_)) --last;
  cpu_set_t wanted = before_;
  if (part == Part::kLast) {
    CPU_ZERO(&wanted);
    CPU_SET(last, &wanted);
  } else {
    CPU_CLR(last, &wanted);
  }
  changed_ = sched_setaffinity(0, sizeof(wanted), &wanted) == 0;
}

BarrierCpu::~BarrierCpu() {
  if (changed_) sched_setaffinity(0, sizeof(before_), &before_);
}

}  // namespace dmaheap
