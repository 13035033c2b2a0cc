#include "daemon/config/retry_policy_message.h"

#include <algorithm>
#include <utility>

#include "daemon/config/proto_duration.h"

namespace dmaheap {

RetryPolicy ToRetryPolicy(const config::v1::RetryPolicy& given) {
  RetryPolicy policy;
  policy.name = given.name();
  if (given.has_max_attempts()) policy.max_attempts = given.max_attempts();
  if (given.has_max_elapsed()) policy.max_elapsed = ToDuration(given.max_elapsed());
  if (given.has_initial_backoff()) policy.initial_backoff = ToDuration(given.initial_backoff());
  if (given.has_max_backoff()) {
    policy.max_backoff = ToDuration(given.max_backoff());
    if (!given.has_initial_backoff()) {
      policy.initial_backoff = std::min(policy.initial_backoff, policy.max_backoff);
    }
  } else {
    policy.max_backoff = std::max(policy.max_backoff, policy.initial_backoff);
  }
  if (given.has_backoff_multiplier()) policy.multiplier = given.backoff_multiplier();
  if (given.has_jitter()) policy.jitter = given.jitter();
  if (given.has_learn()) policy.learn = given.learn();
  if (given.has_give_up_when_stuck_for()) {
    policy.give_up_when_stuck_for = ToDuration(given.give_up_when_stuck_for());
  }
  policy.fallback_heaps.assign(given.fallback_heaps().begin(), given.fallback_heaps().end());
  if (given.has_barrier()) {
    BarrierUse use;
    use.cgroup = given.barrier().cgroup();
    if (given.barrier().has_box()) use.box = ToDuration(given.barrier().box());
    if (given.barrier().has_after_attempts()) use.after_attempts = given.barrier().after_attempts();
    policy.barrier = std::move(use);
  }
  if (given.has_ask_clients()) {
    ClientAskUse use;
    if (given.ask_clients().has_after_attempts()) {
      use.after_attempts = given.ask_clients().after_attempts();
    }
    policy.ask_clients = use;
  }
  if (given.has_sync()) {
    SyncUse use;
    use.filesystems.assign(given.sync().filesystems().begin(), given.sync().filesystems().end());
    if (given.sync().has_box()) use.box = ToDuration(given.sync().box());
    if (given.sync().has_after_attempts()) use.after_attempts = given.sync().after_attempts();
    policy.sync = std::move(use);
  }
  return policy;
}

std::vector<RetryPolicy> RetryPoliciesOf(const config::v1::Policy& policy) {
  std::vector<RetryPolicy> policies = ShippedRetryPolicies();
  for (const config::v1::RetryPolicy& given : policy.retry_policies()) {
    const auto same = std::find_if(policies.begin(), policies.end(), [&](const RetryPolicy& there) {
      return there.name == given.name();
    });
    if (same == policies.end()) {
      policies.push_back(ToRetryPolicy(given));
    } else {
      *same = ToRetryPolicy(given);
    }
  }
  return policies;
}

}  // namespace dmaheap
