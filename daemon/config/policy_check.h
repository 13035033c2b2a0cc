// A policy's text, checked for somebody who only wants to know.

#ifndef DAEMON_CONFIG_POLICY_CHECK_H_
#define DAEMON_CONFIG_POLICY_CHECK_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "dmaheap/v1/admin.pb.h"

namespace dmaheap {

// Whoever mends the first of so many asks again.
inline constexpr int kMaxCheckedProblems = 1000;

// Pure but for the page size, which is this machine's. A text of kMaxPolicyBytes takes about a
// second.
v1::CheckPolicyResponse CheckPolicyText(absl::string_view text);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_POLICY_CHECK_H_
