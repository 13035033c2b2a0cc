// What a retry policy does, in words. Pure.

#ifndef DAEMON_CONFIG_RETRY_WORDS_H_
#define DAEMON_CONFIG_RETRY_WORDS_H_

#include <string>

#include "absl/time/time.h"
#include "daemon/config/retry_policy.h"

namespace dmaheap {

// One or two sentences, then the worst case: how many attempts, and for how long.
std::string RetryWords(const RetryPolicy& policy);

// The most that its waits between max_attempts attempts can add up to; infinite without
// max_attempts.
absl::Duration LongestWaits(const RetryPolicy& policy);

// How many attempts fit into max_elapsed at most, if none takes any time: about, as it is the
// shortest of waits that are drawn. Infinite where nothing bounds it.
double MostAttempts(const RetryPolicy& policy);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_RETRY_WORDS_H_
