// What was booked: as much of a reservation as a successor of this process has to know.

#ifndef DAEMON_CORE_RESERVATION_RECORD_H_
#define DAEMON_CORE_RESERVATION_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace dmaheap {

struct ReservationRecord {
  // reservations/{id}
  uint64_t id = 0;
  uint32_t uid = 0;
  // The heap's own name.
  std::string heap;
  // Of each buffer, in whole pages.
  int64_t size_bytes = 0;
  int count = 0;
  std::string label;
  // 0 to kPriorities - 1.
  int priority = 0;
  std::string retry_policy;
  // Buffers are made again once fewer than so many exist: 1 to count.
  int refill_below = 0;
  // How long it stays without a session.
  absl::Duration lease;
  absl::Time create_time;

  friend bool operator==(const ReservationRecord& a, const ReservationRecord& b) = default;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_RESERVATION_RECORD_H_
