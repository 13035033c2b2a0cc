// The folders and the lock file of the daemon.

#ifndef DAEMON_KEEPER_FILES_H_
#define DAEMON_KEEPER_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/keeper/account.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// Whether a folder was made by us, who then also remove it at the end.
enum class FolderOrigin { kFound, kMade };

// The folder of the sockets: made with mode 0755 if it is missing (its parent is not). One that is
// there is left as it is; it must be a real folder, no link, owned by root or by this process,
// since whoever owns it can replace the sockets in it. Errors carry the errno (NOT_FOUND: the
// parent is missing), FAILED_PRECONDITION as above.
absl::StatusOr<FolderOrigin> PrepareSocketDir(const std::string& path);

// The folder of the broker's state: made if it is missing, and given to the account with mode 0700.
// One that is there must be a real folder: of the account, or empty and of root or this process.
absl::StatusOr<FolderOrigin> PrepareStateDir(const std::string& path, const Account& account);

// Held for as long as the daemon lives: <socket-dir>/lock, with our pid in it, locked by flock(2),
// so that a crash frees it. ALREADY_EXISTS names the pid of the holder.
class LockFile {
 public:
  static absl::StatusOr<LockFile> Acquire(const std::string& path);

  // Removes the file, while it is still locked.
  void Remove();

 private:
  LockFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  UniqueFd fd_;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_FILES_H_
