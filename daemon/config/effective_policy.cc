#include "daemon/config/effective_policy.h"

#include <algorithm>

#include "daemon/config/proto_duration.h"
#include "daemon/config/retry_policy_message.h"
#include "daemon/config/rights.h"

namespace dmaheap {
namespace {

using config::v1::AccessRule;
using config::v1::Principals;

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

Priority MaxPriorityOf(const AccessRule& rule) {
  switch (rule.max_priority()) {
    case config::v1::LOW:
      return Priority::kLow;
    case config::v1::HIGH:
      return Priority::kHigh;
    default:
      return Priority::kNormal;
  }
}

void AddRule(const AccessRule& rule, Ceiling& ceiling) {
  ceiling.max_priority = std::max(ceiling.max_priority, MaxPriorityOf(rule));
  if (rule.retry_policies().empty()) {
    ceiling.retry_policies.insert(ceiling.retry_policies.end(), {kFailfastPolicy, kDefaultPolicy});
  }
  for (const std::string& name : rule.retry_policies()) {
    ceiling.all_retry_policies |= name == "*";
    ceiling.retry_policies.push_back(name);
  }
}

}  // namespace

bool Ceiling::Allows(absl::string_view retry_policy) const {
  return all_retry_policies || std::find(retry_policies.begin(), retry_policies.end(),
                                         retry_policy) != retry_policies.end();
}

EffectivePolicy::EffectivePolicy(const config::v1::Policy& policy)
    : policy_(policy),
      leases_(LeasesOf(policy.hold())),
      retry_policies_(RetryPoliciesOf(policy)),
      virtual_heaps_(VirtualHeapsOf(policy)) {
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
        case config::v1::RESERVE:
          rights.reserve |= covers;
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

Ceiling EffectivePolicy::CeilingOf(const Principal& principal,
                                   absl::Span<const std::string> heap_names) const {
  Ceiling ceiling;
  for (const AccessRule& rule : policy_.access()) {
    if (GivesMemory(rule) && MatchesRule(rule, principal) && CoversHeap(rule, heap_names)) {
      AddRule(rule, ceiling);
    }
  }
  return ceiling;
}

const RetryPolicy* EffectivePolicy::FindRetryPolicy(absl::string_view name) const {
  const auto it = std::find_if(retry_policies_.begin(), retry_policies_.end(),
                               [&](const RetryPolicy& policy) { return policy.name == name; });
  return it == retry_policies_.end() ? nullptr : &*it;
}

const RetryPolicy& EffectivePolicy::DefaultRetryPolicyOf(
    absl::string_view requested_name, absl::Span<const std::string> heap_names) const {
  const RetryPolicy* found = nullptr;
  for (const VirtualHeapConfig& heap : virtual_heaps_) {
    if (heap.name == requested_name) found = FindRetryPolicy(heap.retry_policy);
  }
  if (found != nullptr) return *found;
  for (const config::v1::HeapPolicy& heap : policy_.heap_policies()) {
    if (std::find(heap_names.begin(), heap_names.end(), heap.heap()) == heap_names.end()) continue;
    found = FindRetryPolicy(heap.retry_policy());
    if (found != nullptr) return *found;
  }
  // Shipped, so that it is always there.
  return *FindRetryPolicy(kDefaultPolicy);
}

std::vector<std::string> EffectivePolicy::retry_policy_names() const {
  std::vector<std::string> names;
  for (const RetryPolicy& policy : retry_policies_) names.push_back(policy.name);
  return names;
}

std::vector<int> EffectivePolicy::RulesOf(const Principal& principal) const {
  std::vector<int> rules;
  for (int i = 0; i < policy_.access_size(); ++i) {
    if (MatchesRule(policy_.access(i), principal)) rules.push_back(i);
  }
  return rules;
}

}  // namespace dmaheap
