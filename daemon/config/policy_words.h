// What a policy does, in words: for the operator who is about to put it in force. Pure.

#ifndef DAEMON_CONFIG_POLICY_WORDS_H_
#define DAEMON_CONFIG_POLICY_WORDS_H_

#include <cstddef>
#include <string>

#include "dmaheap/config/v1/policy.pb.h"

namespace dmaheap {

// Nobody reads more, and it goes through gRPC. What does not fit is counted in the last line.
inline constexpr size_t kMaxPolicyWordsBytes = 1 << 20;

// Of a valid policy. Every rule, quota, retry policy and virtual heap, with what is left out filled
// in, in lines of at most 80 columns.
std::string PolicyWords(const config::v1::Policy& policy);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_POLICY_WORDS_H_
