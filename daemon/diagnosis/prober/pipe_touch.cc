#include "daemon/diagnosis/prober/pipe_touch.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "absl/strings/str_cat.h"

namespace dmaheap {

bool TouchPipe(const UniqueFd& place) {
  const UniqueFd pipe(
      open(absl::StrCat("/proc/self/fd/", place.get()).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  int ends[2];
  // Not ours to open, or no numbers left.
  if (!pipe.valid() || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return false;
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  const int size = fcntl(pipe.get(), F_GETPIPE_SZ);
  // As many places as it has; where that is not allowed, its first pages are touched.
  const bool all = size >= 0 && fcntl(in.get(), F_SETPIPE_SZ, size) >= size;
  const ssize_t copied = tee(pipe.get(), in.get(), INT_MAX, SPLICE_F_NONBLOCK);
  return copied == 0 || (all && copied > 0) || (copied < 0 && errno == EAGAIN);
}

}  // namespace dmaheap
