#include "daemon/config/policy_validation.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/config/effective_policy.h"
#include "daemon/config/retry_validation.h"
#include "daemon/config/rights.h"
#include "daemon/config/text_outline.h"
#include "daemon/config/virtual_heap.h"

namespace dmaheap {
namespace {

// The simulation keeps a record for each page frame; the largest CMA areas in use have 2 GiB.
constexpr int64_t kMaxSimulatedHeapBytes = int64_t{16} << 30;
// A held buffer that nobody claims in a day was forgotten.
constexpr absl::Duration kMaxLease = absl::Hours(24);
// (uid_t)-1 means "no uid" to the kernel.
constexpr uint32_t kNoId = std::numeric_limits<uint32_t>::max();

class Validation {
 public:
  explicit Validation(int64_t page_size_bytes) : page_size_bytes_(page_size_bytes) {}

  void Policy(const config::v1::Policy& policy) {
    Heaps(policy);
    if (policy.access().empty()) {
      Missing("access", "there is no rule, so nobody could do anything; give at least one");
    }
    for (int i = 0; i < policy.access_size(); ++i) Access(At("access", i), policy.access(i));
    std::string quota_for_all;
    for (int i = 0; i < policy.quotas_size(); ++i) {
      const std::string path = At("quotas", i);
      Quota(path, policy.quotas(i));
      if (!quota_for_all.empty()) {
        Wrong(path, absl::StrCat("never counts: ", quota_for_all,
                                 " is for everybody and comes first; put it last"));
      } else if (policy.quotas(i).who().everybody()) {
        quota_for_all = path;
      }
    }
    Hold(policy.hold());
    ValidateRetries(policy, problems_);
  }

  std::vector<PolicyProblem> Take() { return problems_.Take(); }

 private:
  static std::string At(absl::string_view path, int index) {
    return PolicyProblems::At(path, index);
  }
  void Wrong(absl::string_view path, std::string what) { problems_.Wrong(path, std::move(what)); }
  void Missing(absl::string_view path, std::string what) {
    problems_.Missing(path, std::move(what));
  }

  void Pages(const std::string& path, int64_t bytes) {
    if (bytes % page_size_bytes_ == 0) return;
    const int64_t below = bytes / page_size_bytes_ * page_size_bytes_;
    const bool has_above = below <= std::numeric_limits<int64_t>::max() - page_size_bytes_;
    Wrong(path, absl::StrCat(bytes, " is not a multiple of the page size ", page_size_bytes_,
                             "; the nearest are ", below,
                             has_above ? absl::StrCat(" and ", below + page_size_bytes_) : ""));
  }

  void Heaps(const config::v1::Policy& policy) {
    // Name -> the field that took it.
    absl::flat_hash_map<std::string, std::string> taken;
    const auto take = [&](const std::string& path, const std::string& name) {
      if (name.empty()) return;
      if (const auto [it, fresh] = taken.emplace(name, path); !fresh) {
        Wrong(path, absl::StrCat(Quoted(name), " is taken by ", it->second,
                                 "; every heap and alias has a name of its own"));
      }
    };
    for (int i = 0; i < policy.simulated_heaps_size(); ++i) {
      const auto& heap = policy.simulated_heaps(i);
      const std::string path = At("simulated_heaps", i);
      problems_.HeapName(path + ".name", heap.name());
      take(path + ".name", heap.name());
      SimulatedSize(path + ".size_bytes", heap.size_bytes());
    }
    absl::flat_hash_set<std::string> virtual_heaps;
    for (const VirtualHeapConfig& heap : VirtualHeapsOf(policy)) virtual_heaps.insert(heap.name);
    absl::flat_hash_set<std::string> aliases;
    for (const auto& alias : policy.heap_aliases()) aliases.insert(alias.alias());
    for (int i = 0; i < policy.heap_aliases_size(); ++i) {
      const auto& alias = policy.heap_aliases(i);
      const std::string path = At("heap_aliases", i);
      problems_.HeapName(path + ".alias", alias.alias());
      take(path + ".alias", alias.alias());
      problems_.HeapName(path + ".heap", alias.heap());
      if (!alias.heap().empty() && aliases.contains(alias.heap())) {
        Wrong(path + ".heap",
              absl::StrCat(Quoted(alias.heap()),
                           " is itself an alias; name the heap that it stands for"));
      } else if (virtual_heaps.contains(alias.heap()) && !taken.contains(alias.heap())) {
        Wrong(path + ".heap", absl::StrCat(Quoted(alias.heap()),
                                           " is a virtual heap; name the heap behind it, or make "
                                           "this a virtual heap too"));
      }
    }
    for (int i = 0; i < policy.virtual_heaps_size(); ++i) {
      const std::string path = At("virtual_heaps", i) + ".name";
      problems_.HeapName(path, policy.virtual_heaps(i).name());
      take(path, policy.virtual_heaps(i).name());
    }
    // The one that no file has written.
    if (const auto it = taken.find(kNofailHeap);
        it != taken.end() && !absl::StartsWith(it->second, "virtual_heaps")) {
      Wrong(it->second, absl::StrCat(Quoted(kNofailHeap),
                                     " is a virtual heap that every daemon has; take another name, "
                                     "or put a heap behind that one in virtual_heaps"));
    }
  }

  void SimulatedSize(const std::string& path, int64_t bytes) {
    if (bytes == 0) {
      Missing(path, "is required: the size of the area in bytes, for example 67108864");
    } else if (bytes < 0 || bytes > kMaxSimulatedHeapBytes) {
      Wrong(path, absl::StrCat(bytes, " is out of range; from ", page_size_bytes_, " to ",
                               kMaxSimulatedHeapBytes));
    } else {
      Pages(path, bytes);
    }
  }

  void Id(const std::string& path, uint32_t id, const char* kind) {
    if (id == kNoId) {
      Wrong(path, absl::StrCat(id, " is no ", kind, " but the kernel's sign for none; up to ",
                               kNoId - 1));
    }
  }

  void Ids(const std::string& path, const google::protobuf::RepeatedField<uint32_t>& ids,
           const char* kind) {
    absl::flat_hash_set<uint32_t> listed;
    for (int i = 0; i < ids.size(); ++i) {
      Id(At(path, i), ids[i], kind);
      if (!listed.insert(ids[i]).second) {
        Wrong(At(path, i), absl::StrCat(kind, " ", ids[i], " is listed twice; once is enough"));
      }
    }
  }

  void Who(const std::string& path, bool present, const config::v1::Principals& who) {
    if (!present) {
      Missing(path, "is required: uids, uid_ranges, gids or everybody");
      return;
    }
    if (who.uids().empty() && who.uid_ranges().empty() && who.gids().empty() && !who.everybody()) {
      Missing(path, "matches nobody; give uids, uid_ranges, gids or everybody: true");
    }
    Ids(path + ".uids", who.uids(), "uid");
    Ids(path + ".gids", who.gids(), "gid");
    for (int i = 0; i < who.uid_ranges_size(); ++i) {
      const auto& range = who.uid_ranges(i);
      const std::string at = At(path + ".uid_ranges", i);
      Id(at + ".last", range.last(), "uid");
      if (range.first() > range.last()) {
        Wrong(at, absl::StrCat("first ", range.first(), " is above last ", range.last(),
                               "; a range goes up, both ends included"));
      }
    }
    if (who.everybody()) BesideEverybody(path, who);
  }

  // Whoever writes these meant one or the other. A gid may add somebody: a caller with the overflow
  // uid. So does that uid itself.
  void BesideEverybody(const std::string& path, const config::v1::Principals& who) {
    for (int i = 0; i < who.uids_size(); ++i) {
      if (who.uids(i) == kOverflowUid) continue;
      Wrong(At(path + ".uids", i),
            absl::StrCat("uid ", who.uids(i), " is one of everybody; drop it, or everybody"));
    }
    for (int i = 0; i < who.uid_ranges_size(); ++i) {
      Wrong(At(path + ".uid_ranges", i), "is part of everybody; drop it, or everybody");
    }
  }

  void Access(const std::string& path, const config::v1::AccessRule& rule) {
    Who(path + ".who", rule.has_who(), rule.who());
    if (rule.rights().empty()) {
      Missing(path + ".rights", absl::StrCat("is required: one or more of ", kAllRights));
    }
    bool for_heaps = false;
    bool knows_all_rights = true;
    absl::flat_hash_set<int> listed;
    for (int i = 0; i < rule.rights_size(); ++i) {
      const int right = rule.rights(i);
      for_heaps |= IsMemoryRight(right);
      if (right == config::v1::RIGHT_UNSPECIFIED || !config::v1::Right_IsValid(right)) {
        knows_all_rights = false;
        Wrong(At(path + ".rights", i), absl::StrCat(right, " is no right; there are ", kAllRights));
      } else if (!listed.insert(right).second) {
        Wrong(At(path + ".rights", i),
              absl::StrCat(config::v1::Right_Name(right), " is listed twice; once is enough"));
      }
    }
    RuleHeaps(path + ".heaps", rule);
    if (for_heaps && rule.heaps().empty()) {
      Missing(
          path + ".heaps",
          absl::StrCat(kMemoryRights, " needs the heaps it is for; name them, or \"*\" for all"));
    }
    if (!for_heaps && knows_all_rights && !rule.heaps().empty() && !rule.rights().empty()) {
      Wrong(path + ".heaps", absl::StrCat("mean nothing without ", kMemoryRights,
                                          "; drop them, or give one of these rights"));
    }
  }

  void RuleHeaps(const std::string& path, const config::v1::AccessRule& rule) {
    const bool all = std::find(rule.heaps().begin(), rule.heaps().end(), "*") != rule.heaps().end();
    absl::flat_hash_set<std::string> listed;
    for (int i = 0; i < rule.heaps_size(); ++i) {
      const std::string& heap = rule.heaps(i);
      if (!heap.empty() && !listed.insert(heap).second) {
        Wrong(At(path, i), absl::StrCat(Quoted(heap), " is listed twice; once is enough"));
      } else if (heap != "*") {
        problems_.HeapName(At(path, i), heap);
        if (all && !heap.empty()) {
          Wrong(At(path, i), absl::StrCat(Quoted(heap), " is one of \"*\"; drop it, or \"*\""));
        }
      }
    }
  }

  void Quota(const std::string& path, const config::v1::Quota& quota) {
    Who(path + ".who", quota.has_who(), quota.who());
    if (!quota.has_max_bytes() && !quota.has_max_buffers()) {
      Missing(path, "limits nothing; give max_bytes, max_buffers or both");
    }
    if (quota.max_bytes() < 0) {
      Wrong(path + ".max_bytes",
            absl::StrCat(quota.max_bytes(), " is below 0; 0 means none at all, absent no limit"));
    } else {
      Pages(path + ".max_bytes", quota.max_bytes());
    }
    if (quota.max_buffers() < 0) {
      Wrong(path + ".max_buffers",
            absl::StrCat(quota.max_buffers(), " is below 0; 0 means none at all, absent no limit"));
    }
  }

  void Hold(const config::v1::HoldLimits& hold) {
    bool sound = true;
    if (hold.has_default_lease()) {
      sound &= problems_.Span("hold.default_lease", hold.default_lease(), kMaxLease);
    }
    if (hold.has_max_lease())
      sound &= problems_.Span("hold.max_lease", hold.max_lease(), kMaxLease);
    if (!sound) return;
    config::v1::Policy policy;
    *policy.mutable_hold() = hold;
    const LeaseLimits leases = EffectivePolicy(policy).leases();
    if (leases.default_lease > leases.max_lease) {
      Wrong("hold.default_lease",
            absl::StrCat(absl::FormatDuration(leases.default_lease), " is above max_lease ",
                         absl::FormatDuration(leases.max_lease),
                         hold.has_max_lease() ? "" : " (its default)",
                         "; lower it, or give a higher max_lease"));
    }
  }

  const int64_t page_size_bytes_;
  PolicyProblems problems_;
};

}  // namespace

std::vector<PolicyProblem> ValidatePolicy(const config::v1::Policy& policy,
                                          int64_t page_size_bytes) {
  Validation validation(page_size_bytes);
  validation.Policy(policy);
  return validation.Take();
}

}  // namespace dmaheap
