#include "daemon/keeper/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

constexpr mode_t kSocketDirMode = 0755;
constexpr mode_t kStateDirMode = 0700;
// Readable for all: who else wants to start sees the pid.
constexpr mode_t kLockMode = 0644;

struct Folder {
  UniqueFd fd;
  struct stat status;
  FolderOrigin origin = FolderOrigin::kFound;
};

absl::StatusOr<Folder> MakeOrOpen(const std::string& path, mode_t mode) {
  Folder folder;
  if (mkdir(path.c_str(), mode) == 0) {
    folder.origin = FolderOrigin::kMade;
  } else if (errno != EEXIST) {
    return ErrnoStatus(errno, absl::StrCat("making folder ", path));
  }
  folder.fd.Reset(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.fd.valid()) return ErrnoStatus(errno, absl::StrCat("opening folder ", path));
  // Our umask may have taken bits away.
  if (folder.origin == FolderOrigin::kMade && fchmod(folder.fd.get(), mode) != 0) {
    return ErrnoStatus(errno, absl::StrCat("chmod of folder ", path));
  }
  if (fstat(folder.fd.get(), &folder.status) != 0) {
    return ErrnoStatus(errno, absl::StrCat("fstat of folder ", path));
  }
  return folder;
}

absl::Status NotTrusted(const std::string& path, uid_t owner) {
  return absl::FailedPreconditionError(absl::StrCat(
      "folder ", path, " belongs to uid ", owner,
      ", who could put other files in the place of the daemon's. Remove it, or name another one"));
}

absl::StatusOr<bool> IsEmpty(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (folder == nullptr) return ErrnoStatus(errno, absl::StrCat("reading folder ", path));
  while (const dirent* entry = readdir(folder.get())) {
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  return true;
}

// -1 if the file does not hold a pid (yet).
int ReadPid(int fd) {
  char text[32];
  const ssize_t length = pread(fd, text, sizeof(text), 0);
  int pid = -1;
  if (length <= 0 ||
      !absl::SimpleAtoi(absl::string_view(text, static_cast<size_t>(length)), &pid)) {
    return -1;
  }
  return pid;
}

absl::Status WritePid(const std::string& path, int fd) {
  const std::string text = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd, 0) != 0 ||
      pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return ErrnoStatus(errno, absl::StrCat("writing our pid to ", path));
  }
  return absl::OkStatus();
}

// Whether the path still means the open file: a holder that ends removes it.
bool IsStillAt(const std::string& path, int fd) {
  struct stat by_path, by_fd;
  return lstat(path.c_str(), &by_path) == 0 && fstat(fd, &by_fd) == 0 &&
         by_path.st_dev == by_fd.st_dev && by_path.st_ino == by_fd.st_ino;
}

}  // namespace

absl::StatusOr<FolderOrigin> PrepareSocketDir(const std::string& path) {
  const absl::StatusOr<Folder> folder = MakeOrOpen(path, kSocketDirMode);
  if (!folder.ok()) return folder.status();
  const uid_t owner = folder->status.st_uid;
  if (owner != 0 && owner != geteuid()) return NotTrusted(path, owner);
  return folder->origin;
}

absl::StatusOr<FolderOrigin> PrepareStateDir(const std::string& path, const Account& account) {
  const absl::StatusOr<Folder> folder = MakeOrOpen(path, kStateDirMode);
  if (!folder.ok()) return folder.status();
  const uid_t owner = folder->status.st_uid;
  if (owner != 0 && owner != geteuid() && owner != account.uid) return NotTrusted(path, owner);
  if (owner != account.uid) {
    // A slip like --state-dir=/etc must not give /etc away.
    const absl::StatusOr<bool> empty = IsEmpty(path);
    if (!empty.ok()) return empty.status();
    if (!*empty) {
      return absl::FailedPreconditionError(absl::StrCat(
          "state folder ", path, " belongs to uid ", owner, " and is not empty. chown it to ",
          account.name, ", or name another one with --state-dir"));
    }
    if (fchown(folder->fd.get(), account.uid, account.gid) != 0) {
      return ErrnoStatus(errno, absl::StrCat("giving folder ", path, " to ", account.name));
    }
  }
  if (fchmod(folder->fd.get(), kStateDirMode) != 0) {
    return ErrnoStatus(errno, absl::StrCat("chmod of folder ", path));
  }
  return folder->origin;
}

absl::StatusOr<LockFile> LockFile::Acquire(const std::string& path) {
  // A file that its holder removed between our open and our lock is worth nothing: open anew. Each
  // turn means that another daemon just ended, so a few are plenty.
  constexpr int kTurns = 10;
  for (int turn = 0; turn < kTurns; ++turn) {
    UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode));
    if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("opening lock file ", path));
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return ErrnoStatus(errno, absl::StrCat("locking ", path));
      const int pid = ReadPid(fd.get());
      return absl::AlreadyExistsError(absl::StrCat(
          "another dmaheapd ", pid > 0 ? absl::StrCat("(pid ", pid, ") ") : std::string(),
          "serves this folder: it holds ", path, ". Stop it, or use another --socket-dir"));
    }
    if (!IsStillAt(path, fd.get())) continue;
    if (absl::Status status = WritePid(path, fd.get()); !status.ok()) return status;
    return LockFile(path, std::move(fd));
  }
  return absl::UnavailableError(absl::StrCat("lock file ", path, " was removed ", kTurns,
                                             " times while it was being locked"));
}

void LockFile::Remove() {
  unlink(path_.c_str());
  fd_.Reset();
}

}  // namespace dmaheap
