#include "daemon/config/policy_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/config/builtin_policy.h"
#include "daemon/config/policy_text.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

absl::Status Refused(absl::string_view path, absl::string_view why) {
  return Error(ErrorReason::INVALID_POLICY, absl::StrCat(path, ": ", why)).With("file", path);
}

// The same with the errno of a failed system call.
absl::Status Failed(int error_number, absl::string_view path, absl::string_view what,
                    absl::string_view remedy) {
  const absl::Status cause = ErrnoStatus(error_number, what);
  absl::Status status =
      Error(ErrorReason::INVALID_POLICY, absl::StrCat(path, ": ", cause.message(), remedy))
          .With("file", path)
          .With("errno", ErrnoName(error_number));
  cause.ForEachPayload(
      [&](absl::string_view type, const absl::Cord& payload) { status.SetPayload(type, payload); });
  return status;
}

const char* KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "no regular file";
}

bool SameContent(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// All bytes of the fd from its start, or the first max + 1 of them.
absl::StatusOr<std::string> ReadAtMost(int fd, size_t max, absl::string_view path) {
  std::string text(max + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = pread(fd, text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed(errno, path, "read", "");
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  text.resize(size);
  return text;
}

}  // namespace

absl::StatusOr<UniqueFd> OpenPolicyFile(const std::string& path) {
  // O_NONBLOCK: a FIFO without a writer would block. O_NOCTTY: nor become our terminal.
  UniqueFd fd;
  do {
    fd = UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY));
  } while (!fd.valid() && errno == EINTR);
  if (fd.valid()) return fd;
  const int error_number = errno;
  return Failed(error_number, path, "open",
                error_number == ELOOP ? "; name the file itself, not a symbolic link to it" : "");
}

absl::StatusOr<EffectivePolicy> ReadPolicyFd(int fd, absl::string_view path) {
  struct stat before;
  if (fstat(fd, &before) != 0) return Failed(errno, path, "fstat", "");
  if (!S_ISREG(before.st_mode)) {
    return Refused(path, absl::StrCat("is ", KindOf(before.st_mode), "; a policy is a file"));
  }
  if (before.st_size > static_cast<off_t>(kMaxPolicyFileBytes)) {
    return Refused(path, absl::StrCat("has ", before.st_size, " bytes; a policy has at most ",
                                      kMaxPolicyFileBytes));
  }
  absl::StatusOr<std::string> text = ReadAtMost(fd, kMaxPolicyFileBytes, path);
  if (!text.ok()) return text.status();
  struct stat after;
  if (fstat(fd, &after) != 0) return Failed(errno, path, "fstat", "");
  // The files of /proc and /sys have no size, so what was read counts too.
  if (!SameContent(before, after) || text->size() > kMaxPolicyFileBytes) {
    return Refused(path, "changed while it was read; write a new file and rename it over the old");
  }
  return ParsePolicy(*text, path);
}

absl::StatusOr<EffectivePolicy> ReadPolicyFile(const std::string& path) {
  absl::StatusOr<UniqueFd> fd = OpenPolicyFile(path);
  if (!fd.ok()) return fd.status();
  return ReadPolicyFd(fd->get(), path);
}

absl::StatusOr<EffectivePolicy> ParsePolicy(absl::string_view text, absl::string_view file_name) {
  absl::StatusOr<config::v1::Policy> policy =
      ParsePolicyText(text, file_name, sysconf(_SC_PAGESIZE));
  if (!policy.ok()) return policy.status();
  return EffectivePolicy(*policy);
}

EffectivePolicy BuiltinPolicy(uint32_t operator_uid) {
  return EffectivePolicy(BuiltinPolicyMessage(operator_uid));
}

}  // namespace dmaheap
