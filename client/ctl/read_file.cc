#include "client/ctl/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap::ctl {
namespace {

// The first max bytes, or all.
absl::StatusOr<std::string> ReadFirst(const std::string& path, size_t max) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("can not open ", path));
  std::string text(max, '\0');
  size_t size = 0;
  while (size < max) {
    const ssize_t n = read(fd.get(), text.data() + size, max - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, absl::StrCat("can not read ", path));
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  text.resize(size);
  return text;
}

std::string ReadFirst(std::istream& in, size_t max) {
  std::string text(max, '\0');
  in.read(text.data(), static_cast<std::streamsize>(max));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, std::istream& in, size_t max_bytes) {
  // One more than there may be tells that there are too many.
  absl::StatusOr<std::string> text =
      path == "-" ? ReadFirst(in, max_bytes + 1) : ReadFirst(path, max_bytes + 1);
  if (!text.ok() || text->size() <= max_bytes) return text;
  return absl::OutOfRangeError(
      absl::StrCat(path, " has more than ", max_bytes, " bytes, the most that are taken"));
}

}  // namespace dmaheap::ctl
