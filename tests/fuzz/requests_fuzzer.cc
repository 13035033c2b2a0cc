// Requests as they come over the wire: one that is taken keeps to every limit, one that is refused
// names a field. The first byte says which request the rest is.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "daemon/core/request.h"
#include "daemon/limits.h"
#include "dmaheap/v1/allocator.pb.h"
#include "proto/error.h"
#include "proto/wire.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

void DemandText(absl::string_view text, size_t most) {
  DEMAND(text.size() <= most);
  DEMAND(absl::c_all_of(text, [](unsigned char c) { return absl::ascii_isprint(c); }));
}

void CheckRefused(const absl::Status& error) {
  DEMAND(absl::IsInvalidArgument(error));
  google::rpc::BadRequest fields;
  DEMAND(GetDetail(error, fields) && fields.field_violations_size() > 0);
  // Trailers hold 8 KiB, with everything twice.
  DEMAND(error.message().size() < 4096);
  DemandText(error.message(), 4096);
}

void Check(const absl::StatusOr<AllocateRequest>& checked) {
  if (!checked.ok()) return CheckRefused(checked.status());
  const bool draws = checked->reservation != 0;
  DEMAND(checked->size_bytes >= 1 || (draws && checked->size_bytes == 0));
  DEMAND(!checked->heap.empty() || draws);
  DemandText(checked->heap, kMaxClientTextBytes);
  DEMAND(checked->count >= 1 && checked->count <= kFdWindow);
  DemandText(checked->label, kMaxLabelBytes);
  DEMAND(!checked->request_id.empty());
  DemandText(checked->request_id, kMaxClientTextBytes);
  DemandText(checked->retry_policy, kMaxClientTextBytes);
  DEMAND(v1::Priority_IsValid(checked->priority));
  if (checked->lease.has_value()) DEMAND(*checked->lease > absl::ZeroDuration());
  if (checked->purpose == AllocateRequest::Purpose::kReserve) {
    DEMAND(checked->refill_below >= 1 && checked->refill_below <= checked->count);
  }
  DEMAND(!checked->Fingerprint().empty());
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  fuzz::Input input(data, size);
  const bool reserve = input.Take<uint8_t>() % 2 == 1;
  const std::string bytes(input.TakeRest());
  if (bytes.size() > static_cast<size_t>(kMaxRequestBytes)) return 0;
  if (reserve) {
    v1::ReserveBuffersRequest request;
    if (request.ParseFromString(bytes)) fuzz::Check(CheckReserveRequest(request));
  } else {
    v1::AllocateBuffersRequest request;
    if (request.ParseFromString(bytes)) fuzz::Check(CheckAllocateRequest(request));
  }
  if (const absl::Status status = CheckRequestId(bytes); !status.ok()) fuzz::CheckRefused(status);
  return 0;
}
