// The prober's word on pages, for the engine.

#ifndef DAEMON_DIAGNOSIS_LINK_PROBER_PAGE_WATCH_H_
#define DAEMON_DIAGNOSIS_LINK_PROBER_PAGE_WATCH_H_

#include "daemon/core/page_watch.h"
#include "daemon/diagnosis/prober/prober_client.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

// A prober that dies answers nothing any more; the engine's own timers go on, and its next question
// goes to the successor.
class ProberPageWatch : public PageWatch {
 public:
  // Both outlive this.
  ProberPageWatch(Executor& executor, ProberClient& client)
      : executor_(executor), client_(client) {}

  bool asks() const override { return !unsupported_; }
  Id Watch(pid_t thread, Id replaced, OnFound on_found, OnReleased on_released) override;
  void Unwatch(Id watch) override;
  void FindMappers(uint64_t frame, OnMappers on_mappers) override;
  void FindPinners(uint64_t frame, absl::Duration box, OnPinners on_pinners) override;

 private:
  Executor& executor_;
  ProberClient& client_;
  // This kernel has no trace: nothing is asked any more.
  bool unsupported_ = false;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_LINK_PROBER_PAGE_WATCH_H_
