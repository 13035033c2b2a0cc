// The policy as the broker asks it: who may do what, how much, how long, and how it goes on.
//
// Made once from a policy that passed validation (policy_file.h), immutable afterwards, so that it
// may be read from any thread; a reload makes a new one. No I/O, no clock: every answer follows
// from the arguments alone. Nothing here can fail.

#ifndef DAEMON_CONFIG_EFFECTIVE_POLICY_H_
#define DAEMON_CONFIG_EFFECTIVE_POLICY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "daemon/config/priority.h"
#include "daemon/config/retry_policy.h"
#include "daemon/config/virtual_heap.h"
#include "dmaheap/config/v1/policy.pb.h"

namespace dmaheap {

// Who a uid that has no number in the daemon's user namespace is shown as
// (DEFAULT_OVERFLOWUID, include/linux/highuid.h); on Debian also the account `nobody`. Two callers
// with it need not be the same user.
inline constexpr uint32_t kOverflowUid = 65534;

// Who asks, by the kernel's word on the socket.
struct Principal {
  // SO_PEERCRED.
  uint32_t uid = kOverflowUid;
  uint32_t gid = kOverflowUid;
  // SO_PEERGROUPS (socket(7), Linux 4.13); may stay empty: rules by gid then see the gid alone.
  std::vector<uint32_t> groups = {};
};

// What somebody may do with one heap, and with the daemon.
struct Rights {
  // On the heap that was asked about.
  bool allocate = false;
  bool hold = false;
  bool reserve = false;
  // On the admin socket; the same whatever the heap.
  bool inspect = false;
  bool admin = false;

  friend bool operator==(const Rights& a, const Rights& b) = default;
};

// Absent: no limit but the heap. Zero: none at all.
struct QuotaLimits {
  absl::optional<int64_t> max_bytes;
  absl::optional<int64_t> max_buffers;

  friend bool operator==(const QuotaLimits& a, const QuotaLimits& b) = default;
};

// Both above zero, default_lease not above max_lease.
struct LeaseLimits {
  absl::Duration default_lease = absl::Seconds(60);
  absl::Duration max_lease = absl::Minutes(10);
};

// What requests of somebody may choose on one heap. The default is that of who may have no memory
// there.
struct Ceiling {
  bool Allows(absl::string_view retry_policy) const;

  Priority max_priority = Priority::kLow;
  // In no order, some perhaps twice.
  std::vector<std::string> retry_policies = {};
  // Whatever their names.
  bool all_retry_policies = false;
};

struct SimulatedHeapConfig {
  std::string name;
  // A multiple of the page size, above zero.
  int64_t size_bytes = 0;
  uint64_t seed = 0;

  friend bool operator==(const SimulatedHeapConfig& a, const SimulatedHeapConfig& b) = default;
};

struct HeapAliasConfig {
  std::string alias;
  std::string heap;

  friend bool operator==(const HeapAliasConfig& a, const HeapAliasConfig& b) = default;
};

class EffectivePolicy {
 public:
  // policy has passed validation; defaults are filled in here.
  explicit EffectivePolicy(const config::v1::Policy& policy);

  // What principal may do with a heap that answers to heap_names (its own name and every alias: a
  // rule may name any of them). Without a name, what is for heaps is false: the question is then
  // about the daemon alone. The overflow uid gets nothing by `everybody` or by a range, only by its
  // number.
  Rights RightsOf(const Principal& principal, absl::Span<const std::string> heap_names) const;

  // The first quota that matches. Unlike a rule, a quota for everybody, or for a range with it,
  // holds for the overflow uid too: a limit that leaves somebody out would be none.
  QuotaLimits QuotaOf(const Principal& principal) const;

  // What principal may choose on a heap that answers to heap_names: all that any of the rules gives
  // that let it have memory there.
  Ceiling CeilingOf(const Principal& principal, absl::Span<const std::string> heap_names) const;

  // Null for a name that there is not. Lives as long as this.
  const RetryPolicy* FindRetryPolicy(absl::string_view name) const;

  // What a request goes by that chooses none: that of the virtual heap which was asked for by
  // requested_name; else that of the first of heap_policies for one of heap_names; else `default`.
  // The first is a choice of who asks, for the ceiling to allow; the others are the operator's.
  const RetryPolicy& DefaultRetryPolicyOf(absl::string_view requested_name,
                                          absl::Span<const std::string> heap_names) const;

  // The shipped ones first.
  std::vector<std::string> retry_policy_names() const;

  // Positions (from 0) of the access rules that match principal, whatever they give: what an
  // ACCESS_DENIED may name.
  std::vector<int> RulesOf(const Principal& principal) const;

  const LeaseLimits& leases() const { return leases_; }
  const std::vector<RetryPolicy>& retry_policies() const { return retry_policies_; }
  const std::vector<VirtualHeapConfig>& virtual_heaps() const { return virtual_heaps_; }
  const std::vector<SimulatedHeapConfig>& simulated_heaps() const { return simulated_heaps_; }
  const std::vector<HeapAliasConfig>& heap_aliases() const { return heap_aliases_; }

 private:
  config::v1::Policy policy_;
  LeaseLimits leases_;
  std::vector<RetryPolicy> retry_policies_;
  std::vector<VirtualHeapConfig> virtual_heaps_;
  std::vector<SimulatedHeapConfig> simulated_heaps_;
  std::vector<HeapAliasConfig> heap_aliases_;
};

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_EFFECTIVE_POLICY_H_
