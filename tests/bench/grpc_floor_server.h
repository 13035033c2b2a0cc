// What every broker pays whose requests are gRPC calls and whose answers are fds: the floor under
// the daemon's times.
//
// A process of its own, as the daemon is, with a callback service on a Unix socket as the daemon
// has; the handler makes the memfd, pushes its fd over the caller's SEQPACKET socket, and then
// replies. Nothing else: no session, no check of who asks, no queue or thread between, no books, no
// receipt, no release, the smallest messages. So no daemon reaches it; the bound says how near to
// come.

#ifndef TESTS_BENCH_GRPC_FLOOR_SERVER_H_
#define TESTS_BENCH_GRPC_FLOOR_SERVER_H_

#include <string>

#include "absl/status/status.h"

namespace dmaheap::bench {

// The life of a child process: serves until the parent ends. Whoever connects to the fd socket is
// told its number, in decimal, which it then names as session_id in AllocateBuffers.
absl::Status RunGrpcFloorServer(const std::string& rpc_path, const std::string& fd_path);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GRPC_FLOOR_SERVER_H_
