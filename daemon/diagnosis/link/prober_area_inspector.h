// The prober's word on areas, for the diagnoser.

#ifndef DAEMON_DIAGNOSIS_LINK_PROBER_AREA_INSPECTOR_H_
#define DAEMON_DIAGNOSIS_LINK_PROBER_AREA_INSPECTOR_H_

#include <string>

#include "daemon/core/area_inspector.h"
#include "daemon/diagnosis/prober/prober_client.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

class ProberAreaInspector : public AreaInspector {
 public:
  // Both outlive this.
  ProberAreaInspector(Executor& executor, ProberClient& client)
      : executor_(executor), client_(client) {}

  bool ReadFreeList(const std::string& area, OnFreeList on_free_list) override;
  bool ReadLog(OnLog on_log) override;

 private:
  Executor& executor_;
  ProberClient& client_;
  // It can not be read on this machine: nobody is asked any more.
  bool no_log_ = false;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_LINK_PROBER_AREA_INSPECTOR_H_
