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

 private:
  Executor& executor_;
  ProberClient& client_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_LINK_PROBER_AREA_INSPECTOR_H_
