// What became of failures that were looked into, since the broker began. It only grows. Inside
// tasks of the executor only.

#ifndef DAEMON_TELEMETRY_DIAGNOSIS_COUNTS_H_
#define DAEMON_TELEMETRY_DIAGNOSIS_COUNTS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "daemon/telemetry/duration_histogram.h"
#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

struct DiagnosisCounts {
  // By v1::Diagnosis::Verdict.
  std::array<int64_t, v1::Diagnosis::Verdict_ARRAYSIZE> verdicts = {};
  // How long those that failed for good waited for their evidence.
  DurationHistogram durations;
};

}  // namespace dmaheap

#endif  // DAEMON_TELEMETRY_DIAGNOSIS_COUNTS_H_
