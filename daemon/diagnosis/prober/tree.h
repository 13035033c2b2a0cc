// Files below a root, opened for reading only and without ever following a link.
//
// The prober holds capabilities that open every file, so it walks from a root it was given, one
// component at a time with O_NOFOLLOW: a link that somebody plants leads nowhere (ELOOP, ENOTDIR).
// Plain openat(2) and not openat2(2), since the sandbox can check the flags of the former.

#ifndef DAEMON_DIAGNOSIS_PROBER_TREE_H_
#define DAEMON_DIAGNOSIS_PROBER_TREE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// A folder by its absolute path. Errors carry the errno.
absl::StatusOr<UniqueFd> OpenRoot(const std::string& path);

// What is at path below a folder, "kernel/dmabuf/buffers" for instance. Errors carry the errno:
// ENOENT, EACCES, ELOOP for a link, EINVAL for an absolute path, an empty component or "..".
absl::StatusOr<UniqueFd> OpenFolderBelow(int folder, absl::string_view path);
absl::StatusOr<UniqueFd> OpenFileBelow(int folder, absl::string_view path);

// EXDEV where something is mounted between the two folders: what is there is not the root's own.
absl::Status CheckSameFileSystem(int root, int folder);

// The names in a folder, without "." and "..". EINTR at the end of the box.
absl::StatusOr<std::vector<std::string>> ListFolder(const UniqueFd& folder, const TimeBox& box);

struct FileText {
  std::string bytes;
  // The end of the file was reached: not so when the limit or the time box cut it short.
  bool complete = false;
};

// Reads from the current place up to limit bytes, and begins nothing after the end of the box. An
// error after some bytes gives those, incomplete.
absl::StatusOr<FileText> ReadAll(int file, size_t limit, const TimeBox& box);

// A small file that holds one number, as those of sysfs and debugfs do.
absl::StatusOr<uint64_t> ReadNumberBelow(int folder, absl::string_view path, const TimeBox& box);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_TREE_H_
