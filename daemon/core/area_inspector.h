// Which pages of a CMA area are free, and what the kernel's log says of those that refused: the
// kernel's word, by way of the prober. Where it does not tell, a diagnosis goes by the heap's
// totals.

#ifndef DAEMON_CORE_AREA_INSPECTOR_H_
#define DAEMON_CORE_AREA_INSPECTOR_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "daemon/diagnosis/failure_log.h"
#include "heaps/cma_area.h"

namespace dmaheap {

// Inside tasks only; calls back as tasks.
class AreaInspector {
 public:
  using OnFreeList = absl::AnyInvocable<void(absl::StatusOr<CmaFreeList>)>;
  using OnLog = absl::AnyInvocable<void(absl::StatusOr<FailureLog>)>;

  virtual ~AreaInspector() = default;

  // on_free_list is called once, or, by a prober that died, never. False: nobody can be asked, and
  // nothing is called.
  virtual bool ReadFreeList(const std::string& area, OnFreeList on_free_list) = 0;
  // The same for the log, which is of all areas.
  virtual bool ReadLog(OnLog on_log) = 0;
};

// Where there is no prober.
class NoAreaInspector : public AreaInspector {
 public:
  bool ReadFreeList(const std::string&, OnFreeList) override { return false; }
  bool ReadLog(OnLog) override { return false; }
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_AREA_INSPECTOR_H_
