// Values of the command line: sizes and durations. Pure functions.

#ifndef CLIENT_CTL_PARSE_VALUE_H_
#define CLIENT_CTL_PARSE_VALUE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace dmaheap::ctl {

// "4096", "4k", "4KiB", "8MiB", "1.5G": bytes, with units of 1024 in either case (k, Ki, KiB; up
// to T). kInvalidArgument for anything else, for parts of a byte, for 0 and for more than 2^63-1.
absl::StatusOr<int64_t> ParseSize(absl::string_view text);

// "5s", "250ms", "1m30s", and a bare number for seconds. kInvalidArgument for anything else and for
// durations that are not above zero or do not fit google.protobuf.Duration.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_PARSE_VALUE_H_
