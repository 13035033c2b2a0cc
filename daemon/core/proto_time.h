// absl::Time and absl::Duration as protobuf's well-known types.

#ifndef DAEMON_CORE_PROTO_TIME_H_
#define DAEMON_CORE_PROTO_TIME_H_

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace dmaheap {

google::protobuf::Timestamp ToTimestamp(absl::Time time);
google::protobuf::Duration ToProtoDuration(absl::Duration duration);
absl::Duration FromProtoDuration(const google::protobuf::Duration& duration);

}  // namespace dmaheap

#endif  // DAEMON_CORE_PROTO_TIME_H_
