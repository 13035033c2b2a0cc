#include "tests/bench/raw_seqpacket_server.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>

#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "tests/bench/child_process.h"
#include "tests/bench/plain_memfd.h"
#include "tests/bench/unix_socket.h"

namespace dmaheap::bench {
namespace {

absl::Status AnswerOne(int socket) {
  int64_t size_bytes = 0;
  auto request = ReceiveDatagram(socket, sizeof(size_bytes), /*max_fds=*/0);
  if (!request.ok()) return request.status();
  if (request->bytes.size() != sizeof(size_bytes)) return absl::OutOfRangeError("the client left");
  memcpy(&size_bytes, request->bytes.data(), sizeof(size_bytes));
  const auto memory = MakePlainMemfd(size_bytes);
  if (!memory.ok()) return memory.status();
  return SendDatagram(socket, "x", {memory->get()});
}

}  // namespace

absl::Status RunRawSeqpacketServer(const std::string& path) {
  const auto listener = ListenUnix(path, SOCK_SEQPACKET);
  if (!listener.ok()) return listener.status();
  std::thread([listener = listener->get()] {
    while (true) {
      const UniqueFd connection(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
      while (connection.valid() && AnswerOne(connection.get()).ok()) {
      }
    }
  }).detach();
  SayReady();
  WaitForParent();
  _exit(0);  // the thread has no end
}

}  // namespace dmaheap::bench
