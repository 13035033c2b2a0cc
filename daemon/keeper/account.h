// The account that the broker and the prober run as.

#ifndef DAEMON_KEEPER_ACCOUNT_H_
#define DAEMON_KEEPER_ACCOUNT_H_

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dmaheap {

// The account that is looked for when --user names none.
inline constexpr absl::string_view kDefaultAccount = "dmaheapd";

struct Account {
  std::string name;
  uid_t uid = 0;
  // A number without an account gets the group of the same number.
  gid_t gid = 0;
  // Whether it differs from what this process is, so that the children must change to it.
  bool change = false;
};

// What --user (may be empty) means on this machine for a process of effective user id euid.
// FAILED_PRECONDITION, with the remedy: started as root without an account to change to.
// NOT_FOUND: no account of that name. PERMISSION_DENIED: another account, but not started as root.
absl::StatusOr<Account> ResolveAccount(absl::string_view user, uid_t euid);

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_ACCOUNT_H_
