// The client of grpc_floor_server.h: a blocking unary call, as the client library makes it, and the
// fd that came before the reply.

#ifndef TESTS_BENCH_GRPC_FLOOR_CLIENT_H_
#define TESTS_BENCH_GRPC_FLOOR_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dmaheap/v1/allocator.grpc.pb.h"
#include "proto/unique_fd.h"

namespace dmaheap::bench {

class GrpcFloorClient {
 public:
  // With connections of its own.
  static absl::StatusOr<std::unique_ptr<GrpcFloorClient>> Connect(const std::string& rpc_path,
                                                                  const std::string& fd_path);

  // Asks for size_bytes, receives the fd, closes it. One thread at a time.
  absl::Status Once(int64_t size_bytes);

 private:
  GrpcFloorClient(UniqueFd socket, std::string number, std::unique_ptr<v1::Allocator::Stub> stub)
      : socket_(std::move(socket)), number_(std::move(number)), stub_(std::move(stub)) {}

  const UniqueFd socket_;
  const std::string number_;
  const std::unique_ptr<v1::Allocator::Stub> stub_;
};

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GRPC_FLOOR_CLIENT_H_
