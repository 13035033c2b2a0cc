#include "daemon/keeper/privileges.h"

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

struct CapFree {
  void operator()(cap_t caps) const { cap_free(caps); }
};
using Caps = std::unique_ptr<std::remove_pointer_t<cap_t>, CapFree>;

absl::StatusOr<bool> Has(cap_value_t cap, cap_flag_t set) {
  const Caps own(cap_get_proc());
  if (own == nullptr) return ErrnoStatus(errno, "cap_get_proc");
  cap_flag_value_t value = CAP_CLEAR;
  if (cap_get_flag(own.get(), cap, set, &value) != 0) return ErrnoStatus(errno, "cap_get_flag");
  return value == CAP_SET;
}

absl::Status ShrinkBoundingSet(absl::Span<const cap_value_t> keep) {
  const absl::StatusOr<bool> allowed = Has(CAP_SETPCAP, CAP_EFFECTIVE);
  if (!allowed.ok()) return allowed.status();
  // Without it the set stays as it is, which gives nothing: no_new_privs follows.
  if (!*allowed) return absl::OkStatus();
  for (cap_value_t cap = 0; cap < cap_max_bits(); ++cap) {
    if (std::find(keep.begin(), keep.end(), cap) != keep.end()) continue;
    if (cap_get_bound(cap) == CAP_SET && cap_drop_bound(cap) != 0) {
      return ErrnoStatus(errno,
                         absl::StrCat("dropping capability ", cap, " from the bounding set"));
    }
  }
  return absl::OkStatus();
}

absl::Status ChangeAccount(const Account& account) {
  // The permitted set would be emptied by the change of the user id.
  if (prctl(PR_SET_KEEPCAPS, 1) != 0) return ErrnoStatus(errno, "prctl(PR_SET_KEEPCAPS)");
  if (setgroups(0, nullptr) != 0) return ErrnoStatus(errno, "setgroups to none");
  if (setresgid(account.gid, account.gid, account.gid) != 0) {
    return ErrnoStatus(errno, absl::StrCat("setresgid to ", account.gid));
  }
  if (setresuid(account.uid, account.uid, account.uid) != 0) {
    return ErrnoStatus(errno, absl::StrCat("setresuid to ", account.uid));
  }
  return absl::OkStatus();
}

absl::Status SetCapabilities(const std::vector<cap_value_t>& keep) {
  const Caps caps(cap_init());
  if (caps == nullptr) return ErrnoStatus(errno, "cap_init");
  if (!keep.empty()) {
    for (const cap_flag_t set : {CAP_PERMITTED, CAP_EFFECTIVE, CAP_INHERITABLE}) {
      if (cap_set_flag(caps.get(), set, static_cast<int>(keep.size()), keep.data(), CAP_SET) != 0) {
        return ErrnoStatus(errno, "cap_set_flag");
      }
    }
  }
  if (cap_set_proc(caps.get()) != 0) return ErrnoStatus(errno, "cap_set_proc");
  if (cap_reset_ambient() != 0) return ErrnoStatus(errno, "cap_reset_ambient");
  for (const cap_value_t cap : keep) {
    if (cap_set_ambient(cap, CAP_SET) != 0) {
      return ErrnoStatus(errno, absl::StrCat("raising ambient capability ", cap));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<cap_value_t>> AvailableCapabilities(
    absl::Span<const cap_value_t> wanted) {
  std::vector<cap_value_t> available;
  for (const cap_value_t cap : wanted) {
    const absl::StatusOr<bool> has = Has(cap, CAP_PERMITTED);
    if (!has.ok()) return has.status();
    if (*has) available.push_back(cap);
  }
  return available;
}

absl::Status DropPrivileges(const Account& account, absl::Span<const cap_value_t> keep) {
  const absl::StatusOr<std::vector<cap_value_t>> available = AvailableCapabilities(keep);
  if (!available.ok()) return available.status();
  // The bounding set first: it needs a capability that is about to go.
  if (absl::Status status = ShrinkBoundingSet(*available); !status.ok()) return status;
  if (account.change) {
    if (absl::Status status = ChangeAccount(account); !status.ok()) return status;
  }
  if (absl::Status status = SetCapabilities(*available); !status.ok()) return status;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return ErrnoStatus(errno, "prctl(PR_SET_NO_NEW_PRIVS)");
  }
  return absl::OkStatus();
}

void HardenProcess(absl::string_view name) {
  // Neither can fail for these arguments (prctl(2)).
  prctl(PR_SET_NAME, std::string(name).c_str());
  prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace dmaheap
