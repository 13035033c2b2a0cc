// What is known of a request that did not get its memory, beside what it asked for. Nothing here is
// sure to be there: the kernel, the daemon's privileges and the moment decide what can be seen.

#ifndef DAEMON_DIAGNOSIS_EVIDENCE_H_
#define DAEMON_DIAGNOSIS_EVIDENCE_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/fit.h"
#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

// A page frame that refused a window of the area.
struct RefusingFrame {
  // How long it was the one, from the first failure to the last.
  absl::Duration stuck_for = absl::ZeroDuration();
  // After the last failure: how often it was mapped, how many references there were, what it was.
  absl::optional<int64_t> mappings = absl::nullopt;
  absl::optional<int64_t> references = absl::nullopt;
  v1::Diagnosis::Pin::PageKind kind = v1::Diagnosis::Pin::PAGE_KIND_UNSPECIFIED;
  // While it was looked at: how often it was mapped at the most, and whether nobody had it once.
  int64_t most_mapped = 0;
  bool was_free = false;
  // A process that maps it has forked lately.
  bool of_forker = false;
  // Who holds it there was seen.
  bool in_a_pipe = false;
  bool in_a_transfer = false;
};

// What a user's buffers of the heap did, as the books have it.
struct HolderTrend {
  int64_t bytes = 0;
  // Buffers that came and that went in the time looked at.
  int64_t came = 0;
  int64_t went = 0;
};

struct Evidence {
  // Of one buffer.
  int64_t pages = 0;
  // Of the last attempt.
  int error_number = 0;
  int attempts = 0;

  // At the last failure. Absent: not known.
  absl::optional<int64_t> free_pages = absl::nullopt;
  absl::optional<int64_t> largest_run_pages = absl::nullopt;
  absl::optional<Fit> fit = absl::nullopt;
  // The free list that fit is of was read so long before the last failure, and where.
  absl::Duration fit_age = absl::ZeroDuration();
  v1::EvidenceSource::Kind fit_source = v1::EvidenceSource::KIND_UNSPECIFIED;
  // What no buffer of the books has; others may have it.
  absl::optional<int64_t> unbooked_pages = absl::nullopt;

  // The errno inside the kernel's allocator, by its trace of the last attempt or its log of that or
  // an earlier one; 0: it does not tell. Its callers answer ENOMEM whatever it was.
  int inner_error_number = 0;
  v1::EvidenceSource::Kind inner_error_source = v1::EvidenceSource::KIND_UNSPECIFIED;
  // That attempt failed so long before the last.
  absl::Duration inner_error_age = absl::ZeroDuration();
  // Windows of the last attempt that were refused for the sake of a page; absent: no trace.
  absl::optional<int> windows_refused = absl::nullopt;
  // The page that refused the last of them.
  absl::optional<RefusingFrame> frame = absl::nullopt;

  // By user, of the heap.
  std::vector<HolderTrend> holders;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_EVIDENCE_H_
