// A duration of the policy file.

#ifndef DAEMON_CONFIG_PROTO_DURATION_H_
#define DAEMON_CONFIG_PROTO_DURATION_H_

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"

namespace dmaheap {

inline absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_PROTO_DURATION_H_
