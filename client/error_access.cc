#include "client/dmaheap.h"
#include "google/rpc/error_details.pb.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap {
inline namespace client_v0 {

absl::string_view LibraryVersion() { return kVersion; }

absl::string_view ContiguityName(Contiguity contiguity) {
  switch (contiguity) {
    case Contiguity::kPhysical:
      return "PHYSICAL";
    case Contiguity::kScattered:
      return "SCATTERED";
    case Contiguity::kSimulated:
      return "SIMULATED";
    case Contiguity::kUnspecified:
      break;
  }
  return "UNSPECIFIED";
}

absl::string_view ObstacleName(Obstacle obstacle) {
  switch (obstacle) {
    case Obstacle::kPinned:
      return "PINNED";
    case Obstacle::kNoRoom:
      return "NO_ROOM";
    case Obstacle::kOwnBuffers:
      return "OWN_BUFFERS";
    case Obstacle::kEachOther:
      return "EACH_OTHER";
    case Obstacle::kUnspecified:
      break;
  }
  return "UNSPECIFIED";
}

std::string ErrorReasonName(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  if (!GetDetail(status, info) || info.domain() != kErrorDomain) return "";
  return info.reason();
}

std::map<std::string, std::string> ErrorDetails(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  if (!GetDetail(status, info)) return {};
  return {info.metadata().begin(), info.metadata().end()};
}

absl::optional<absl::Duration> ErrorRetryAfter(const absl::Status& status) {
  return GetRetryAfter(status);
}

}  // namespace client_v0
}  // namespace dmaheap
