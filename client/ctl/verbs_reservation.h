// The verbs on reservations: reserve, and release of one.

#ifndef CLIENT_CTL_VERBS_RESERVATION_H_
#define CLIENT_CTL_VERBS_RESERVATION_H_

#include "absl/status/statusor.h"
#include "client/ctl/arguments.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/streams.h"

namespace dmaheap::ctl {

// Each returns the exit code of the process, or an error to be told.
absl::StatusOr<int> Reserve(const Arguments& arguments, Interrupt& interrupt,
                            const Streams& streams);
absl::StatusOr<int> ReleaseReservation(const Arguments& arguments, Interrupt& interrupt,
                                       const Streams& streams);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_VERBS_RESERVATION_H_
