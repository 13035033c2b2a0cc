// Which processor is whose while a barrier stands: the keeper waits for the end of its box on the
// last one of the machine, and the attempt behind the barrier runs on the others.
//
// Where the kernel does not preempt itself (CONFIG_PREEMPT_NONE, _VOLUNTARY), an allocation that
// clears its pages keeps its processor for tens of milliseconds, and a keeper that wakes there
// waits as long, though another processor stands idle: a real-time thread is not moved away from an
// ordinary one (kernel/sched/rt.c, select_task_rq_rt).

#ifndef DAEMON_HANDOVER_BARRIER_CPU_H_
#define DAEMON_HANDOVER_BARRIER_CPU_H_

#include <sched.h>

namespace dmaheap {

// Keeps the calling thread to a part of its processors while it lives. Changes nothing where the
// thread has only one, or the kernel does not let it.
class BarrierCpu {
 public:
  enum class Part { kLast, kAllButLast };

  explicit BarrierCpu(Part part);
  // On the same thread.
  ~BarrierCpu();
  BarrierCpu(const BarrierCpu&) = delete;
  BarrierCpu& operator=(const BarrierCpu&) = delete;

 private:
  cpu_set_t before_;
  bool changed_ = false;
};

}  // namespace dmaheap

#endif  // DAEMON_HANDOVER_BARRIER_CPU_H_
