#include "client/internal/reservation_calls.h"

#include <string>

#include "client/internal/allocation_watch.h"
#include "client/internal/convert.h"
#include "client/internal/deadline.h"
#include "client/internal/random_id.h"
#include "client/internal/reservation_keeper.h"
#include "proto/error.h"

namespace dmaheap::client_internal {
namespace {

constexpr char kCollection[] = "reservations";

v1::ReserveBuffersRequest MakeRequest(const ReserveOptions& options) {
  v1::ReserveBuffersRequest request;
  request.set_heap(ResourceName("heaps", options.heap));
  request.set_size_bytes(options.size_bytes);
  request.set_count(options.count);
  if (options.lease != absl::ZeroDuration()) {
    *request.mutable_lease() = FromDuration(options.lease);
  }
  request.set_label(options.label);
  request.set_request_id(options.request_id.empty() ? RandomId() : options.request_id);
  request.set_priority(FromPriority(options.priority));
  request.set_retry_policy(options.retry_policy);
  if (options.refill_below != 0) request.set_refill_below(options.refill_below);
  return request;
}

}  // namespace

absl::StatusOr<ReservationInfo> Reserve(Core& core, const ReserveOptions& options) {
  v1::ReserveBuffersRequest request = MakeRequest(options);
  v1::Reservation response;
  const absl::Status status =
      core.Unary(options.deadline, "ReserveBuffers", [&](Link& link, grpc::ClientContext& context) {
        request.set_session_id(link.session->id());
        const AllocationWatch watch(core.replies(), *link.stub, request.request_id(),
                                    options.on_progress);
        return link.stub->ReserveBuffers(&context, request, &response);
      });
  if (!status.ok()) return status;
  core.keeper().OnKept(response.name(), request.session_id());
  return ToReservationInfo(response);
}

absl::StatusOr<std::vector<ReservationInfo>> ListReservations(Core& core, absl::Duration timeout) {
  std::vector<ReservationInfo> reservations;
  const Deadline deadline = Deadline::After(timeout);
  v1::ListReservationsRequest request;
  request.set_page_size(kPageSize);
  do {
    v1::ListReservationsResponse response;
    const absl::Status status = core.Unary(
        deadline.Remaining(), "ListReservations", [&](Link& link, grpc::ClientContext& context) {
          return link.stub->ListReservations(&context, request, &response);
        });
    if (!status.ok()) return status;
    for (const v1::Reservation& reservation : response.reservations()) {
      reservations.push_back(ToReservationInfo(reservation));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return reservations;
}

absl::StatusOr<ReservationInfo> GetReservation(Core& core, absl::string_view name,
                                               absl::Duration timeout) {
  v1::GetReservationRequest request;
  request.set_name(ResourceName(kCollection, name));
  v1::Reservation response;
  const absl::Status status =
      core.Unary(timeout, "GetReservation", [&](Link& link, grpc::ClientContext& context) {
        return link.stub->GetReservation(&context, request, &response);
      });
  if (!status.ok()) return status;
  return ToReservationInfo(response);
}

absl::StatusOr<ReservationInfo> KeepReservation(Core& core, absl::string_view name,
                                                absl::Duration timeout) {
  v1::KeepReservationRequest request;
  request.set_name(ResourceName(kCollection, name));
  v1::Reservation response;
  const absl::Status status =
      core.Unary(timeout, "KeepReservation", [&](Link& link, grpc::ClientContext& context) {
        request.set_session_id(link.session->id());
        return link.stub->KeepReservation(&context, request, &response);
      });
  if (!status.ok()) return status;
  core.keeper().OnKept(response.name(), request.session_id());
  return ToReservationInfo(response);
}

absl::Status DeleteReservation(Core& core, absl::string_view name, absl::Duration timeout) {
  v1::DeleteReservationRequest request;
  request.set_name(ResourceName(kCollection, name));
  const absl::Status status =
      core.Unary(timeout, "DeleteReservation", [&](Link& link, grpc::ClientContext& context) {
        google::protobuf::Empty response;
        return link.stub->DeleteReservation(&context, request, &response);
      });
  if (status.ok() || GetReason(status) == ErrorReason::RESERVATION_NOT_FOUND) {
    core.keeper().Forget(request.name());
  }
  return status;
}

}  // namespace dmaheap::client_internal
