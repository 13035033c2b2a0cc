#include "daemon/config/effective_policy.h"

#include <algorithm>

namespace dmaheap {
namespace {

using config::v1::AccessRule;
using config::v1::Principals;

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

bool Contains(const google::protobuf::RepeatedField<uint32_t>& numbers, uint32_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

bool MatchesByGroup(const Principals& who, const Principal& principal) {
  if (Contains(who.gids(), principal.gid)) return true;
  return std::any_of(principal.groups.begin(), principal.groups.end(),
                     [&](uint32_t group) { return Contains(who.gids(), group); });
}

// By a line that does not name the caller's own number, but takes it in with others.
bool MatchesByBreadth(const Principals& who, uint32_t uid) {
  if (who.everybody()) return true;
  return std::any_of(
      who.uid_ranges().begin(), who.uid_ranges().end(),
      [&](const config::v1::UidRange& r) { return r.first() <= uid && uid <= r.last(); });
}

bool MatchesRule(const AccessRule& rule, const Principal& principal) {
  if (Contains(rule.who().uids(), principal.uid)) return true;
  if (MatchesByGroup(rule.who(), principal)) return true;
  return principal.uid != kOverflowUid && MatchesByBreadth(rule.who(), principal.uid);
}

bool MatchesQuota(const config::v1::Quota& quota, const Principal& principal) {
  return Contains(quota.who().uids(), principal.uid) || MatchesByGroup(quota.who(), principal) ||
         MatchesByBreadth(quota.who(), principal.uid);
}

bool CoversHeap(const AccessRule& rule, absl::Span<const std::string> heap_names) {
  if (heap_names.empty()) return false;
  return std::any_of(rule.heaps().begin(), rule.heaps().end(), [&](const std::string& heap) {
    return heap == "*" || std::find(heap_names.begin(), heap_names.end(), heap) != heap_names.end();
  });
}

// Where only one of the two is given, the default of the other gives way to it.
LeaseLimits LeasesOf(const config::v1::HoldLimits& hold) {
  LeaseLimits leases;
  if (hold.has_max_lease()) leases.max_lease = ToDuration(hold.max_lease());
  leases.default_lease = hold.has_default_lease()
                             ? ToDuration(hold.default_lease())
                             : std::min(leases.default_lease, leases.max_lease);
  return leases;
}

RetrySchedule RetryOf(const config::v1::RetrySchedule& given) {
  RetrySchedule retry;
  if (given.has_max_attempts()) retry.max_attempts = given.max_attempts();
  if (given.has_initial_backoff()) retry.initial_backoff = ToDuration(given.initial_backoff());
  if (given.has_max_backoff()) {
    retry.max_backoff = ToDuration(given.max_backoff());
    if (!given.has_initial_backoff()) {
      retry.initial_backoff = std::min(retry.initial_backoff, retry.max_backoff);
    }
  } else {
    retry.max_backoff = std::max(retry.max_backoff, retry.initial_backoff);
  }
  if (given.has_backoff_multiplier()) retry.multiplier = given.backoff_multiplier();
  if (given.has_jitter()) retry.jitter = given.jitter();
  return retry;
}

}  // namespace

EffectivePolicy::EffectivePolicy(const config::v1::Policy& policy)
    : policy_(policy), leases_(LeasesOf(policy.hold())), retry_(RetryOf(policy.retry())) {
  for (const auto& heap : policy.simulated_heaps()) {
    simulated_heaps_.push_back({heap.name(), heap.size_bytes(), heap.seed()});
  }
  for (const auto& alias : policy.heap_aliases()) {
    heap_aliases_.push_back({alias.alias(), alias.heap()});
  }
}

Rights EffectivePolicy::RightsOf(const Principal& principal,
                                 absl::Span<const std::string> heap_names) const {
  Rights rights;
  for (const AccessRule& rule : policy_.access()) {
    if (!MatchesRule(rule, principal)) continue;
    const bool covers = CoversHeap(rule, heap_names);
    for (const int right : rule.rights()) {
      switch (right) {
        case config::v1::ALLOCATE:
          rights.allocate |= covers;
          break;
        case config::v1::HOLD:
          rights.hold |= covers;
          break;
        case config::v1::INSPECT:
          rights.inspect = true;
          break;
        case config::v1::ADMIN:
          rights.admin = true;
          break;
        default:  // a right that this version does not know gives nothing
          break;
      }
    }
  }
  return rights;
}

QuotaLimits EffectivePolicy::QuotaOf(const Principal& principal) const {
  for (const auto& quota : policy_.quotas()) {
    if (!MatchesQuota(quota, principal)) continue;
    QuotaLimits limits;
    if (quota.has_max_bytes()) limits.max_bytes = quota.max_bytes();
    if (quota.has_max_buffers()) limits.max_buffers = quota.max_buffers();
    return limits;
  }
  return {};
}

std::vector<int> EffectivePolicy::RulesOf(const Principal& principal) const {
  std::vector<int> rules;
  for (int i = 0; i < policy_.access_size(); ++i) {
    if (MatchesRule(policy_.access(i), principal)) rules.push_back(i);
  }
  return rules;
}

}  // namespace dmaheap
