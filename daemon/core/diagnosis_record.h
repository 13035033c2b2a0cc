// A failure, its evidence and the verdict as one record. Pure.

#ifndef DAEMON_CORE_DIAGNOSIS_RECORD_H_
#define DAEMON_CORE_DIAGNOSIS_RECORD_H_

#include <vector>

#include "absl/time/time.h"
#include "daemon/core/allocation.h"
#include "daemon/core/buffer_table.h"
#include "daemon/core/diagnosis_store.h"
#include "daemon/core/gather_evidence.h"
#include "daemon/diagnosis/evidence.h"
#include "daemon/diagnosis/sources.h"
#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

// What a record is made of, all borrowed.
struct FailureRecord {
  const Allocation& allocation;
  const Evidence& evidence;
  const BufferTable& table;
  const std::vector<HeapHolder>& holders;
  // nullptr: none.
  const AreaSight* sight;
  const SourceErrors& sources;
  // The executor's, and the calendar's.
  absl::Time now;
  absl::Time wall_time;
  // Its uid may inspect: nothing is taken out for it.
  bool owner_inspects = false;
};

// The request alone, without a verdict.
v1::Diagnosis DescribeRequest(const Allocation& allocation, absl::Time now);

// With the verdict, the explanation and no name.
KeptDiagnosis MakeDiagnosis(const FailureRecord& record);

}  // namespace dmaheap

#endif  // DAEMON_CORE_DIAGNOSIS_RECORD_H_
