#include <memory>
#include <utility>

#include "client/dmaheap.h"
#include "client/internal/async_allocation.h"
#include "client/internal/core.h"
#include "client/internal/reservation_calls.h"

namespace dmaheap {
inline namespace client_v0 {

void AllocationHandle::Cancel() {
  if (const auto allocation = allocation_.lock()) allocation->Cancel();
}

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(ConnectOptions options) {
  absl::StatusOr<std::shared_ptr<client_internal::Core>> core =
      client_internal::Core::Connect(options);
  if (!core.ok()) return core.status();
  return std::unique_ptr<Client>(new Client(*std::move(core)));
}

Client::Client(std::shared_ptr<client_internal::Core> core) : core_(std::move(core)) {}

Client::~Client() {
  if (core_->InForkedChild()) {
    // The threads of gRPC did not come along, so nothing of it can be ended here: left to exec or
    // exit. (Without memory for it the process ends, as everywhere here.)
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new)
    new std::shared_ptr<client_internal::Core>(std::move(core_));
    return;
  }
  core_->Shutdown();
}

absl::StatusOr<Buffer> Client::Allocate(const AllocateOptions& options) {
  absl::StatusOr<std::vector<Buffer>> buffers = core_->Allocate(options, 1);
  if (!buffers.ok()) return buffers.status();
  return std::move(buffers->front());
}

absl::StatusOr<std::vector<Buffer>> Client::AllocateMany(const AllocateOptions& options,
                                                         int count) {
  return core_->Allocate(options, count);
}

AllocationHandle Client::AllocateAsync(const AllocateOptions& options, AllocateCallback callback) {
  return AllocateManyAsync(
      options, 1,
      [callback = std::move(callback)](absl::StatusOr<std::vector<Buffer>> buffers) mutable {
        if (buffers.ok()) {
          std::move(callback)(std::move(buffers->front()));
        } else {
          std::move(callback)(buffers.status());
        }
      });
}

AllocationHandle Client::AllocateManyAsync(const AllocateOptions& options, int count,
                                           AllocateManyCallback callback) {
  const auto allocation = std::make_shared<client_internal::AsyncAllocation>(*core_, options, count,
                                                                             std::move(callback));
  core_->AsyncBegins(allocation);
  allocation->Start();
  return AllocationHandle(allocation);
}

absl::StatusOr<HeldBuffers> Client::Hold(const HoldOptions& options) {
  return core_->Hold(options);
}

absl::StatusOr<Buffer> Client::Claim(const ClaimOptions& options) { return core_->Claim(options); }

absl::Status Client::Release(absl::string_view name, absl::string_view token,
                             absl::Duration timeout) {
  return core_->Release(name, token, timeout);
}

absl::StatusOr<ReservationInfo> Client::Reserve(const ReserveOptions& options) {
  return client_internal::Reserve(*core_, options);
}

absl::StatusOr<std::vector<ReservationInfo>> Client::ListReservations(absl::Duration timeout) {
  return client_internal::ListReservations(*core_, timeout);
}

absl::StatusOr<ReservationInfo> Client::GetReservation(absl::string_view name,
                                                       absl::Duration timeout) {
  return client_internal::GetReservation(*core_, name, timeout);
}

absl::StatusOr<ReservationInfo> Client::KeepReservation(absl::string_view name,
                                                        absl::Duration timeout) {
  return client_internal::KeepReservation(*core_, name, timeout);
}

absl::Status Client::DeleteReservation(absl::string_view name, absl::Duration timeout) {
  return client_internal::DeleteReservation(*core_, name, timeout);
}

absl::StatusOr<std::vector<HeapInfo>> Client::ListHeaps(absl::Duration timeout) {
  return core_->ListHeaps(timeout);
}

std::string Client::server_version() const {
  return core_->CurrentLink()->session->welcome().server_version();
}

}  // namespace client_v0
}  // namespace dmaheap
