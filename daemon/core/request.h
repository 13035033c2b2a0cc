// Requests, checked: pure functions from what came over the wire to what the core works with.
//
// Everything that can be said without knowing the daemon's state is said here, every field at once.

#ifndef DAEMON_CORE_REQUEST_H_
#define DAEMON_CORE_REQUEST_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/config/effective_policy.h"
#include "daemon/core/recipient.h"
#include "dmaheap/v1/allocator.pb.h"
#include "heaps/buffer.h"

namespace dmaheap {

struct AllocateRequest {
  enum class Purpose {
    // To the session of recipient; with a reservation, what it has ready first.
    kDeliver,
    // The daemon holds them.
    kHold,
    // A reservation of them.
    kReserve,
    // One more for a reservation. Nobody asks for it from outside.
    kRefill,
  };

  // By name or alias, without "heaps/".
  std::string heap;
  int64_t size_bytes = 0;
  int count = 1;
  std::string label;
  // Made up where the caller gave none, so that log lines always have one.
  std::string request_id;
  // The caller gave it: a repeat is answered from memory.
  bool repeatable = false;
  Purpose purpose = Purpose::kDeliver;
  // Of what is held or reserved. Absent: the policy's default.
  absl::optional<absl::Duration> lease;
  // reservations/{id} to draw from, or to make a buffer for; 0: none.
  uint64_t reservation = 0;
  // Of a reservation.
  int refill_below = 0;
  bool validate_only = false;
  v1::Priority priority = v1::PRIORITY_UNSPECIFIED;
  // Empty: the heap's.
  std::string retry_policy;

  // Filled in by the transport.
  Principal principal;
  std::shared_ptr<Recipient> recipient;
  // In the executor's time.
  absl::Time deadline = absl::InfiniteFuture();

  // What a repeat must agree in.
  std::string Fingerprint() const;
};

// INVALID_* with a BadRequest that names every wrong field.
absl::StatusOr<AllocateRequest> CheckAllocateRequest(const v1::AllocateBuffersRequest& request);
absl::StatusOr<AllocateRequest> CheckReserveRequest(const v1::ReserveBuffersRequest& request);

// "heaps/reserved" -> "reserved"; INVALID_NAME.
absl::StatusOr<std::string> ParseHeapName(absl::string_view field, absl::string_view name);
// "buffers/4711" -> the key; INVALID_NAME.
absl::StatusOr<BufferKey> ParseBufferName(absl::string_view field, absl::string_view name);

// "reservations/42" -> 42; INVALID_NAME.
absl::StatusOr<uint64_t> ParseReservationName(absl::string_view field, absl::string_view name);

// "diagnoses/17" -> 17; INVALID_NAME.
absl::StatusOr<uint64_t> ParseDiagnosisName(absl::string_view field, absl::string_view name);

// INVALID_REQUEST_ID; an empty one is fine.
absl::Status CheckRequestId(absl::string_view request_id);

// A page of a list: how many, after which number.
struct Page {
  int size = 0;
  uint64_t after = 0;
};

// INVALID_PAGE.
absl::StatusOr<Page> CheckPage(int page_size, absl::string_view page_token);

}  // namespace dmaheap

#endif  // DAEMON_CORE_REQUEST_H_
