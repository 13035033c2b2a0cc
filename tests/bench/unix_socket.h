// Unix sockets of the servers that the daemon is compared with.

#ifndef TESTS_BENCH_UNIX_SOCKET_H_
#define TESTS_BENCH_UNIX_SOCKET_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap::bench {

// type is SOCK_STREAM or SOCK_SEQPACKET. Errors carry the errno. Sockets block, unless type says
// SOCK_NONBLOCK.
absl::StatusOr<UniqueFd> ListenUnix(const std::string& path, int type);
absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path, int type);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_UNIX_SOCKET_H_
