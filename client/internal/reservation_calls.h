// The calls about reservations, but for the draw: what is booked is kept from then on by the
// sessions of the Client, until it is deleted. Blocking; thread-safe.

#ifndef CLIENT_INTERNAL_RESERVATION_CALLS_H_
#define CLIENT_INTERNAL_RESERVATION_CALLS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "client/internal/core.h"

namespace dmaheap::client_internal {

// As the methods of Client of these names.
absl::StatusOr<ReservationInfo> Reserve(Core& core, const ReserveOptions& options);
absl::StatusOr<std::vector<ReservationInfo>> ListReservations(Core& core, absl::Duration timeout);
absl::StatusOr<ReservationInfo> GetReservation(Core& core, absl::string_view name,
                                               absl::Duration timeout);
absl::StatusOr<ReservationInfo> KeepReservation(Core& core, absl::string_view name,
                                                absl::Duration timeout);
absl::Status DeleteReservation(Core& core, absl::string_view name, absl::Duration timeout);

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_RESERVATION_CALLS_H_
