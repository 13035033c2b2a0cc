#include "client/ctl/verbs_reservation.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/ctl/daemon_calls.h"
#include "client/ctl/exit_code.h"
#include "client/ctl/progress_display.h"
#include "client/ctl/show.h"
#include "client/ctl/units_text.h"
#include "client/ctl/views.h"
#include "client/ctl/waiting.h"
#include "client/internal/convert.h"
#include "client/internal/random_id.h"

namespace dmaheap::ctl {
namespace {

v1::ReserveBuffersRequest MakeRequest(const Arguments& arguments) {
  v1::ReserveBuffersRequest request;
  request.set_heap(client_internal::ResourceName("heaps", arguments.heap));
  request.set_size_bytes(arguments.size_bytes);
  request.set_count(arguments.count);
  if (arguments.lease > absl::ZeroDuration()) {
    *request.mutable_lease() = client_internal::FromDuration(arguments.lease);
  }
  request.set_label(arguments.label);
  request.set_request_id(client_internal::RandomId());
  request.set_validate_only(arguments.dry_run);
  request.set_priority(client_internal::FromPriority(arguments.priority));
  request.set_retry_policy(arguments.retry_policy);
  if (arguments.refill_below.has_value()) request.set_refill_below(*arguments.refill_below);
  return request;
}

// This process goes and has no session: what it booked must not end as a surprise.
std::string WhenItEnds(const v1::Reservation& reservation) {
  const std::string name = Printable(reservation.name());
  return absl::StrCat(
      "dmaheapctl: no session keeps ", name, ": it ends at ", UtcText(reservation.expire_time()),
      ", ", absl::FormatDuration(client_internal::ToDuration(reservation.lease())),
      " from now, unless a draw takes it up before; dmaheapctl release ", name, " ends it\n");
}

}  // namespace

absl::StatusOr<int> Reserve(const Arguments& arguments, Interrupt& interrupt,
                            const Streams& streams) {
  const v1::ReserveBuffersRequest request = MakeRequest(arguments);
  DaemonCalls daemon(arguments.socket_dir, DeadlineOf(arguments), interrupt);
  absl::StatusOr<v1::Reservation> reservation = absl::CancelledError("");
  {
    ProgressDisplay display(streams.err, streams.err_columns);
    reservation = daemon.Reserve(request, ProgressOf(arguments, display));
  }
  if (!reservation.ok()) return reservation.status();
  if (arguments.dry_run) {
    streams.err << "dmaheapctl: dry run: a reservation of " << arguments.count << " x "
                << arguments.size_bytes << " bytes from " << Printable(request.heap())
                << " passed every check; nothing was allocated\n";
    return kExitOk;
  }
  streams.err << WhenItEnds(*reservation);
  v1::ListReservationsResponse one;
  *one.add_reservations() = *reservation;
  return ShowTable(
      arguments.format, *reservation, JsonFields::kWhole, NamesOf(one.reservations()),
      [&](bool wide) { return ReservationTable(one, wide, /*of_all=*/false, absl::Now()); },
      streams.out);
}

absl::StatusOr<int> ReleaseReservation(const Arguments& arguments, Interrupt& interrupt,
                                       const Streams& streams) {
  DaemonCalls daemon(arguments.socket_dir, arguments.timeout, interrupt);
  if (absl::Status deleted = daemon.DeleteReservation(arguments.reservation); !deleted.ok()) {
    return deleted;
  }
  streams.err << "dmaheapctl: ended "
              << Printable(client_internal::ResourceName("reservations", arguments.reservation))
              << "; what was drawn from it stays with who has it\n";
  return kExitOk;
}

}  // namespace dmaheap::ctl
