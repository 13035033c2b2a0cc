// Whether an fd is the buffer that a frame says it is. Thread-safe; borrows the fd.

#ifndef CLIENT_INTERNAL_CHECK_FD_H_
#define CLIENT_INTERNAL_CHECK_FD_H_

#include "absl/status/status.h"
#include "dmaheap/v1/fd_channel.pb.h"

namespace dmaheap::client_internal {

// kDataLoss TRUNCATED_RECEIPT, with both numbers, when inode or size differ: what came is not what
// the daemon accounts for, and must not be taken for it.
absl::Status CheckFd(int fd, const v1::BufferEntry& entry);

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_CHECK_FD_H_
