// Whether who maps a page has forked lately: its child may have shared the page for an instant, and
// be gone before anybody looks.

#ifndef DAEMON_DIAGNOSIS_PROBER_FORK_SCANNER_H_
#define DAEMON_DIAGNOSIS_PROBER_FORK_SCANNER_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// How old a child is at most whose parent has forked lately.
inline constexpr absl::Duration kYoung = absl::Seconds(1);

// since_boot: the time that it is (CLOCK_BOOTTIME). go_on is asked after each process. False also
// where it said no, or the box ended, before one was found.
bool IsMappedByForker(const UniqueFd& proc, uint64_t frame, absl::Duration since_boot,
                      const TimeBox& box, absl::FunctionRef<bool()> go_on);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_FORK_SCANNER_H_
