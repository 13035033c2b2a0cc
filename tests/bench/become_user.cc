#include "tests/bench/become_user.h"

#include <grp.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"

namespace dmaheap::bench {

absl::Status BecomeUser(uid_t uid) {
  if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 ||
      setresuid(uid, uid, uid) != 0) {
    return ErrnoStatus(errno, absl::StrCat("becoming user ", uid));
  }
  return absl::OkStatus();
}

}  // namespace dmaheap::bench
