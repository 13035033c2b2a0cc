// The client of raw_seqpacket_server.h: one blocking round trip.

#ifndef TESTS_BENCH_RAW_SEQPACKET_CLIENT_H_
#define TESTS_BENCH_RAW_SEQPACKET_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap::bench {

class RawSeqpacketClient {
 public:
  static absl::StatusOr<std::unique_ptr<RawSeqpacketClient>> Connect(const std::string& path);

  // Asks for size_bytes, receives the fd, closes it.
  absl::Status Once(int64_t size_bytes);

 private:
  explicit RawSeqpacketClient(UniqueFd socket) : socket_(std::move(socket)) {}

  const UniqueFd socket_;
};

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_RAW_SEQPACKET_CLIENT_H_
