#include "tests/bench/raw_seqpacket_client.h"

#include <sys/socket.h>

#include <utility>

#include "absl/strings/string_view.h"
#include "proto/fd_socket.h"
#include "tests/bench/unix_socket.h"

namespace dmaheap::bench {

absl::StatusOr<std::unique_ptr<RawSeqpacketClient>> RawSeqpacketClient::Connect(
    const std::string& path) {
  auto socket = ConnectUnix(path, SOCK_SEQPACKET);
  if (!socket.ok()) return socket.status();
  return std::unique_ptr<RawSeqpacketClient>(new RawSeqpacketClient(*std::move(socket)));
}

absl::Status RawSeqpacketClient::Once(int64_t size_bytes) {
  const absl::string_view request(reinterpret_cast<const char*>(&size_bytes), sizeof(size_bytes));
  if (absl::Status status = SendDatagram(socket_.get(), request, {}); !status.ok()) return status;
  auto answer = ReceiveDatagram(socket_.get(), /*max_bytes=*/1, /*max_fds=*/1);
  if (!answer.ok()) return answer.status();
  return answer->fds.size() == 1 ? absl::OkStatus() : absl::DataLossError("no fd came");
}

}  // namespace dmaheap::bench
