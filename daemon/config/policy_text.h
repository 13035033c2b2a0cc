// A policy from its text: parsed and checked as a whole, with the place of everything that is
// wrong. Pure.

#ifndef DAEMON_CONFIG_POLICY_TEXT_H_
#define DAEMON_CONFIG_POLICY_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/config/text_outline.h"
#include "dmaheap/config/v1/policy.pb.h"

namespace dmaheap {

// An error goes to the operator through gRPC, too, whose trailers hold 8 KiB with everything twice
// and escaped. What does not fit is counted in the last line.
inline constexpr size_t kMaxPolicyReportBytes = 3072;

// Everything that is wrong with text, in its order. Where nothing is, policy is what it says.
std::vector<TextProblem> ReadPolicyText(absl::string_view text, int64_t page_size_bytes,
                                        config::v1::Policy& policy);

// A valid policy. INVALID_POLICY otherwise, as policy_file.h describes it; its metadata has "file"
// and "problems", how many there are.
absl::StatusOr<config::v1::Policy> ParsePolicyText(absl::string_view text,
                                                   absl::string_view file_name,
                                                   int64_t page_size_bytes);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_POLICY_TEXT_H_
