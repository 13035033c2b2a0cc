// The daemon's sockets without the client library: for peers that say what no library of this
// version would say, and for those that come and go faster.

#ifndef TESTS_E2E_RAW_CLIENT_H_
#define TESTS_E2E_RAW_CLIENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dmaheap/v1/fd_channel.pb.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// A blocking socket; connecting, sending and receiving end with EAGAIN after 10 s.
absl::StatusOr<UniqueFd> ConnectSocket(const std::string& path, int type);

// The first message on the fd channel.
v1::ClientMessage MakeHello(int min_wire_version, int max_wire_version);

// Says it and waits for the answer: the Welcome, or the daemon's refusal. Without either: the errno
// of the socket, or OUT_OF_RANGE where the daemon closed without a word.
absl::StatusOr<v1::Welcome> SayHello(int socket, const v1::ClientMessage& hello);

}  // namespace dmaheap

#endif  // TESTS_E2E_RAW_CLIENT_H_
