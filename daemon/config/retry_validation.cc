#include "daemon/config/retry_validation.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/config/nearest_name.h"
#include "daemon/config/proto_duration.h"
#include "daemon/config/retry_policy_message.h"
#include "daemon/config/rights.h"
#include "daemon/config/text_outline.h"
#include "daemon/config/virtual_heap.h"

namespace dmaheap {
namespace {

// A caller who waits that long has given up; what is wrong by then, no retry mends.
constexpr absl::Duration kMaxBackoff = absl::Minutes(1);
// Longer than any caller has; who means no bound leaves it out.
constexpr absl::Duration kMaxElapsed = absl::Hours(24);
constexpr int kMaxAttempts = 1000;
constexpr double kMaxMultiplier = 100;
constexpr size_t kMaxPolicyNameBytes = 64;
// The keeper's own bounds (daemon/limits.h).
constexpr absl::Duration kMinBarrierBox = absl::Milliseconds(1);
constexpr absl::Duration kMaxBarrierBox = absl::Milliseconds(50);
constexpr int kMaxSyncFilesystems = 16;
// A disk does not write a block in less; nobody waits longer for a frame.
constexpr absl::Duration kMinSyncBox = absl::Milliseconds(1);
constexpr absl::Duration kMaxSyncBox = absl::Seconds(10);
// What nobody can tell apart any more; each request looks through them.
constexpr int kMaxRetryPolicies = 64;
constexpr int kMaxHeapPolicies = 256;
constexpr int kMaxVirtualHeaps = 64;
// A message that lists more names than this helps nobody.
constexpr size_t kMaxListedNames = 16;

std::string WrongPolicyName(absl::string_view name) {
  if (name.size() > kMaxPolicyNameBytes) {
    return absl::StrCat("a name of ", name.size(), " bytes; a retry policy's has 1 to ",
                        kMaxPolicyNameBytes);
  }
  for (const char c : name) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.') continue;
    return absl::StrCat(Quoted(name), " has ", Quoted(absl::string_view(&c, 1)),
                        "; a retry policy's name has letters, digits, - _ and .");
  }
  return "";
}

class Validation {
 public:
  Validation(const config::v1::Policy& policy, PolicyProblems& problems)
      : policy_(policy), problems_(problems) {
    for (const RetryPolicy& shipped : ShippedRetryPolicies()) Know(shipped.name);
    for (const auto& given : policy.retry_policies()) Know(given.name());
    for (const auto& alias : policy.heap_aliases()) aliases_.emplace(alias.alias(), alias.heap());
    for (const VirtualHeapConfig& heap : VirtualHeapsOf(policy)) virtual_.insert(heap.name);
  }

  void All() {
    for (int i = 0; i < policy_.access_size(); ++i) Ceiling(At("access", i), policy_.access(i));
    // Name -> the field that has it.
    absl::flat_hash_map<std::string, std::string> named;
    const int policies = AtMost("retry_policies", policy_.retry_policies_size(), kMaxRetryPolicies);
    for (int i = 0; i < policies; ++i) {
      const std::string path = At("retry_policies", i);
      const auto& given = policy_.retry_policies(i);
      PolicyName(path + ".name", given.name(), named);
      Policy(path, given);
    }
    HeapPolicies();
    VirtualHeaps();
  }

 private:
  static std::string At(absl::string_view path, int index) {
    return PolicyProblems::At(path, index);
  }

  void Know(const std::string& retry_policy) {
    if (known_.insert(retry_policy).second) names_.push_back(retry_policy);
  }

  // How many of size are to be looked at.
  int AtMost(const std::string& field, int size, int most) {
    if (size <= most) return size;
    problems_.Wrong(At(field, most), absl::StrCat("is one too many: ", size, " are given; at most ",
                                                  most, " may be"));
    return most;
  }

  // What a heap is called, as far as the file tells.
  absl::string_view Resolved(absl::string_view heap) const {
    const auto it = aliases_.find(heap);
    return it == aliases_.end() ? heap : absl::string_view(it->second);
  }

  void PolicyName(const std::string& path, const std::string& name,
                  absl::flat_hash_map<std::string, std::string>& named) {
    if (name.empty()) {
      problems_.Missing(path, "is required: the name of the retry policy");
      return;
    }
    if (std::string wrong = WrongPolicyName(name); !wrong.empty()) {
      problems_.Wrong(path, std::move(wrong));
    } else if (const auto [it, fresh] = named.emplace(name, path); !fresh) {
      problems_.Wrong(path, absl::StrCat(Quoted(name), " is taken by ", it->second,
                                         "; every retry policy has a name of its own"));
    }
  }

  // The name of a retry policy that there is.
  void Reference(const std::string& path, const std::string& name) {
    if (name.empty()) {
      problems_.Missing(path, "is required: the name of a retry policy");
    } else if (!known_.contains(name)) {
      const auto nearest = NearestName(name, names_);
      const std::vector<std::string> listed(
          names_.begin(), names_.begin() + std::min(names_.size(), kMaxListedNames));
      problems_.Wrong(
          path, absl::StrCat("there is no retry policy ", Quoted(name), "; ",
                             nearest.has_value()
                                 ? absl::StrCat("did you mean ", *nearest, "?")
                                 : absl::StrCat("there are ", absl::StrJoin(listed, ", "),
                                                listed.size() < names_.size() ? ", ..." : "",
                                                ", or add one of that name to retry_policies")));
    }
  }

  void Ceiling(const std::string& path, const config::v1::AccessRule& rule) {
    const bool gives_memory = GivesMemory(rule);
    // A right that is not known is a problem of its own, and may be one of these.
    const bool knows_all_rights =
        !rule.rights().empty() &&
        std::all_of(rule.rights().begin(), rule.rights().end(), [](int right) {
          return right != config::v1::RIGHT_UNSPECIFIED && config::v1::Right_IsValid(right);
        });
    const auto means_nothing = [&](const std::string& field) {
      if (gives_memory || !knows_all_rights) return;
      problems_.Wrong(field, absl::StrCat("means nothing without ", kMemoryRights,
                                          "; drop it, or give one of these rights"));
    };
    CeilingPolicies(path + ".retry_policies", rule);
    if (!rule.retry_policies().empty()) means_nothing(path + ".retry_policies");
    if (!config::v1::Priority_IsValid(rule.max_priority())) {
      problems_.Wrong(path + ".max_priority", absl::StrCat(static_cast<int>(rule.max_priority()),
                                                           " is no priority; there are LOW, "
                                                           "NORMAL, HIGH"));
    } else if (rule.max_priority() != config::v1::PRIORITY_UNSPECIFIED) {
      means_nothing(path + ".max_priority");
    }
  }

  void CeilingPolicies(const std::string& path, const config::v1::AccessRule& rule) {
    const auto& given = rule.retry_policies();
    const bool all = std::find(given.begin(), given.end(), "*") != given.end();
    absl::flat_hash_set<std::string> listed;
    for (int i = 0; i < given.size(); ++i) {
      if (!given[i].empty() && !listed.insert(given[i]).second) {
        problems_.Wrong(At(path, i),
                        absl::StrCat(Quoted(given[i]), " is listed twice; once is enough"));
      } else if (given[i] != "*") {
        Reference(At(path, i), given[i]);
        if (all && known_.contains(given[i])) {
          problems_.Wrong(At(path, i),
                          absl::StrCat(Quoted(given[i]), " is one of \"*\"; drop it, or \"*\""));
        }
      }
    }
  }

  void Policy(const std::string& path, const config::v1::RetryPolicy& given) {
    if (given.has_max_attempts() &&
        (given.max_attempts() < 1 || given.max_attempts() > kMaxAttempts)) {
      problems_.Wrong(path + ".max_attempts",
                      absl::StrCat(given.max_attempts(), " is out of range; from 1 (no retry) to ",
                                   kMaxAttempts, ", absent for no bound"));
    }
    const auto sound = [&](const char* field, bool present, const auto& value, absl::Duration max) {
      return !present || problems_.Span(absl::StrCat(path, ".", field), value, max);
    };
    bool spans = sound("max_elapsed", given.has_max_elapsed(), given.max_elapsed(), kMaxElapsed);
    spans &=
        sound("initial_backoff", given.has_initial_backoff(), given.initial_backoff(), kMaxBackoff);
    spans &= sound("max_backoff", given.has_max_backoff(), given.max_backoff(), kMaxBackoff);
    spans &= sound("give_up_when_stuck_for", given.has_give_up_when_stuck_for(),
                   given.give_up_when_stuck_for(), kMaxElapsed);
    if (spans) SpansInOrder(path, given);
    problems_.Number(path + ".backoff_multiplier", given.has_backoff_multiplier(),
                     given.backoff_multiplier(), 1, kMaxMultiplier);
    problems_.Number(path + ".jitter", given.has_jitter(), given.jitter(), 0, 1);
    Fallbacks(path + ".fallback_heaps", given);
    if (given.has_barrier()) Barrier(path + ".barrier", given);
    if (given.has_sync()) Sync(path + ".sync", given);
    if (given.ask_clients().has_after_attempts()) {
      AfterAttempts(path + ".ask_clients", "ask_clients", given.ask_clients().after_attempts(),
                    given);
    }
  }

  void Barrier(const std::string& path, const config::v1::RetryPolicy& given) {
    const config::v1::Barrier& barrier = given.barrier();
    if (barrier.cgroup().empty()) {
      problems_.Missing(path + ".cgroup", "is required: a cgroup of the daemon's --barrier-cgroup");
    }
    if (barrier.has_box() && problems_.Span(path + ".box", barrier.box(), kMaxBarrierBox) &&
        ToDuration(barrier.box()) < kMinBarrierBox) {
      problems_.Wrong(path + ".box", absl::StrCat(absl::FormatDuration(ToDuration(barrier.box())),
                                                  " is shorter than freezing takes; at least ",
                                                  absl::FormatDuration(kMinBarrierBox)));
    }
    if (barrier.has_after_attempts()) {
      AfterAttempts(path, "barrier", barrier.after_attempts(), given);
    }
  }

  void Sync(const std::string& path, const config::v1::RetryPolicy& given) {
    const config::v1::Sync& sync = given.sync();
    if (sync.filesystems().empty()) {
      problems_.Missing(path + ".filesystems",
                        "is required: mount points of the daemon's --sync-filesystem");
    }
    absl::flat_hash_set<std::string> listed;
    const int filesystems =
        AtMost(path + ".filesystems", sync.filesystems_size(), kMaxSyncFilesystems);
    for (int i = 0; i < filesystems; ++i) {
      const std::string& mount_point = sync.filesystems(i);
      if (mount_point.empty()) {
        problems_.Missing(At(path + ".filesystems", i),
                          "is required: a mount point of the daemon's --sync-filesystem");
      } else if (!listed.insert(mount_point).second) {
        problems_.Wrong(At(path + ".filesystems", i),
                        absl::StrCat(Quoted(mount_point), " is listed twice; once is enough"));
      }
    }
    if (sync.has_box() && problems_.Span(path + ".box", sync.box(), kMaxSyncBox) &&
        ToDuration(sync.box()) < kMinSyncBox) {
      problems_.Wrong(path + ".box", absl::StrCat(absl::FormatDuration(ToDuration(sync.box())),
                                                  " is shorter than any disk takes; at least ",
                                                  absl::FormatDuration(kMinSyncBox)));
    }
    if (sync.has_after_attempts()) AfterAttempts(path, "sync", sync.after_attempts(), given);
  }

  // Of a remedy, the field at path.
  void AfterAttempts(const std::string& path, absl::string_view remedy, int after_attempts,
                     const config::v1::RetryPolicy& given) {
    if (after_attempts < 1 || after_attempts > kMaxAttempts) {
      problems_.Wrong(path + ".after_attempts",
                      absl::StrCat(after_attempts, " is out of range; from 1 to ", kMaxAttempts));
    } else if (given.has_max_attempts() && after_attempts >= given.max_attempts()) {
      problems_.Wrong(
          path + ".after_attempts",
          absl::StrCat(after_attempts, " never comes: max_attempts ", given.max_attempts(),
                       " ends it before; lower it, or drop the ", remedy));
    }
  }

  void SpansInOrder(const std::string& path, const config::v1::RetryPolicy& given) {
    const RetryPolicy policy = ToRetryPolicy(given);
    const std::string initial = absl::FormatDuration(policy.initial_backoff);
    if (policy.initial_backoff > policy.max_backoff) {
      problems_.Wrong(
          path + ".initial_backoff",
          absl::StrCat(initial, " is above max_backoff ", absl::FormatDuration(policy.max_backoff),
                       "; lower it, or give a higher max_backoff"));
    }
    if (!given.has_max_elapsed()) return;
    const std::string elapsed = absl::FormatDuration(policy.max_elapsed);
    // Whoever writes these wants to wait, or to give up early; neither would ever happen.
    if (policy.initial_backoff >= policy.max_elapsed && policy.max_attempts != 1) {
      problems_.Wrong(
          path + ".initial_backoff",
          absl::StrCat(initial, given.has_initial_backoff() ? "" : " (its default)",
                       " is not below max_elapsed ", elapsed,
                       ", which would cut it short; lower it, or give a higher max_elapsed"));
    }
    if (given.has_give_up_when_stuck_for() && policy.give_up_when_stuck_for >= policy.max_elapsed) {
      problems_.Wrong(path + ".give_up_when_stuck_for",
                      absl::StrCat(absl::FormatDuration(policy.give_up_when_stuck_for),
                                   " never counts: max_elapsed ", elapsed,
                                   " ends it before; lower it, or drop it"));
    }
  }

  void Fallbacks(const std::string& path, const config::v1::RetryPolicy& given) {
    // The heap -> how the list calls it.
    absl::flat_hash_map<std::string, std::string> listed;
    for (int i = 0; i < given.fallback_heaps_size(); ++i) {
      const std::string& heap = given.fallback_heaps(i);
      problems_.HeapName(At(path, i), heap);
      if (heap.empty()) continue;
      if (virtual_.contains(heap)) {
        problems_.Wrong(At(path, i),
                        absl::StrCat(Quoted(heap), " is a virtual heap; name the heap behind it"));
      } else if (const auto [it, fresh] = listed.emplace(Resolved(heap), heap); !fresh) {
        problems_.Wrong(At(path, i),
                        it->second == heap
                            ? absl::StrCat(Quoted(heap), " is listed twice; once is enough")
                            : absl::StrCat(Quoted(heap), " is the heap ", Quoted(it->second),
                                           ", which is listed; once is enough"));
      } else if (const std::string user = UserOf(given.name(), Resolved(heap)); !user.empty()) {
        problems_.Wrong(At(path, i),
                        absl::StrCat(Quoted(heap), " is the heap that ", user,
                                     " gives this policy to: it would stand in for itself; drop "
                                     "it, or give that heap another policy"));
      }
    }
  }

  // The field that gives that policy to that heap; empty if none does.
  std::string UserOf(absl::string_view retry_policy, absl::string_view heap) const {
    for (int i = 0; i < std::min(policy_.heap_policies_size(), kMaxHeapPolicies); ++i) {
      const auto& user = policy_.heap_policies(i);
      if (user.retry_policy() == retry_policy && Resolved(user.heap()) == heap) {
        return At("heap_policies", i);
      }
    }
    for (int i = 0; i < std::min(policy_.virtual_heaps_size(), kMaxVirtualHeaps); ++i) {
      const auto& user = policy_.virtual_heaps(i);
      if (user.retry_policy() == retry_policy && Resolved(user.heap()) == heap) {
        return At("virtual_heaps", i);
      }
    }
    return "";
  }

  void HeapPolicies() {
    // The heap -> the field that has it.
    absl::flat_hash_map<std::string, std::string> taken;
    const int policies = AtMost("heap_policies", policy_.heap_policies_size(), kMaxHeapPolicies);
    for (int i = 0; i < policies; ++i) {
      const std::string path = At("heap_policies", i);
      const auto& given = policy_.heap_policies(i);
      const std::string& heap = given.heap();
      if (heap == "*") {
        problems_.Wrong(path + ".heap",
                        "\"*\" is no heap; for all heaps, give a retry policy the name default");
      } else {
        problems_.HeapName(path + ".heap", heap);
      }
      if (virtual_.contains(heap)) {
        problems_.Wrong(path + ".heap",
                        absl::StrCat(Quoted(heap),
                                     " is a virtual heap, which has a policy of its own; change it "
                                     "in virtual_heaps, or name the heap behind it"));
      } else if (!heap.empty()) {
        if (const auto [it, fresh] = taken.emplace(Resolved(heap), path); !fresh) {
          problems_.Wrong(path + ".heap", absl::StrCat(Quoted(heap), " has its policy from ",
                                                       it->second, "; keep one of the two"));
        }
      }
      Reference(path + ".retry_policy", given.retry_policy());
    }
  }

  // That their names are their own is for who checks all heaps' names.
  void VirtualHeaps() {
    const int heaps = AtMost("virtual_heaps", policy_.virtual_heaps_size(), kMaxVirtualHeaps);
    for (int i = 0; i < heaps; ++i) {
      const std::string path = At("virtual_heaps", i);
      const auto& given = policy_.virtual_heaps(i);
      if (!given.heap().empty()) {
        problems_.HeapName(path + ".heap", given.heap());
        if (virtual_.contains(given.heap())) {
          problems_.Wrong(
              path + ".heap",
              absl::StrCat(Quoted(given.heap()), " is itself virtual; name the heap behind it"));
        }
      }
      Reference(path + ".retry_policy", given.retry_policy());
    }
  }

  const config::v1::Policy& policy_;
  PolicyProblems& problems_;
  // Of the retry policies; the same as a set.
  std::vector<std::string> names_;
  absl::flat_hash_set<std::string> known_;
  absl::flat_hash_map<std::string, std::string> aliases_;
  absl::flat_hash_set<std::string> virtual_;
};

}  // namespace

void ValidateRetries(const config::v1::Policy& policy, PolicyProblems& problems) {
  Validation(policy, problems).All();
}

}  // namespace dmaheap
