// Watches the CMA area of the running kernel while a trouble goes on. Root; one at a time.

#ifndef TESTS_POLICY_LAB_RECORDING_RECORDER_H_
#define TESTS_POLICY_LAB_RECORDING_RECORDER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/policy_lab/recording/pin_assembly.h"
#include "tests/vm/tools/trouble.h"

namespace dmaheap::policy_lab {

struct RecorderOptions {
  int pages_per_unmapping = 4;
  // Each buffer is given back at once; after a failure the next attempt comes a millisecond later.
  absl::Duration pause = absl::Milliseconds(5);
  // A fork storm fills 1 MiB of it a second. It is taken from the memory that the storm lacks
  // anyway, before the trouble begins.
  int buffer_mib = 24;
};

struct Recorded {
  Recording recording;
  // What the trouble said of itself as it began and as it ended, in words KEY=VALUE.
  std::string begun;
  std::string ended;
  int64_t area_pages = 0;
};

// Begins the trouble, records for so long while the whole area is asked for again and again, as
// pages are pinned otherwise that no allocation has ever moved out, and ends it. Cost, in a fork
// storm on an emulated processor: with the event of dropped references its processes got through 6
// % fewer rounds (a probe of each page that is taken out of a page table would cost 37 %, so there
// is none); the other events come a few times for each process. Failures of the kernel's files name
// the file; kDataLoss: events were lost, and what is left is no true record.
absl::StatusOr<Recorded> RecordPins(Trouble& trouble, absl::Duration length,
                                    const RecorderOptions& options);

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_RECORDING_RECORDER_H_
