#include "tests/bench/grpc_floor_server.h"

#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "dmaheap/v1/allocator.grpc.pb.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "proto/fd_socket.h"
#include "proto/grpc_status.h"
#include "tests/bench/child_process.h"
#include "tests/bench/plain_memfd.h"
#include "tests/bench/unix_socket.h"

namespace dmaheap::bench {
namespace {

// The SEQPACKET sockets of the clients, by number. Thread-safe.
class Channels {
 public:
  // Tells the client its number.
  absl::Status Add(UniqueFd socket) {
    const std::lock_guard<std::mutex> lock(mutex_);
    sockets_.push_back(std::move(socket));
    return SendDatagram(sockets_.back().get(), absl::StrCat(sockets_.size() - 1), {});
  }

  // -1 if there is none of that number. Sockets stay for good.
  int Find(const std::string& number) const {
    size_t index = 0;
    const std::lock_guard<std::mutex> lock(mutex_);
    return absl::SimpleAtoi(number, &index) && index < sockets_.size() ? sockets_[index].get() : -1;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<UniqueFd> sockets_;
};

class FloorService final : public v1::Allocator::CallbackService {
 public:
  explicit FloorService(const Channels& channels) : channels_(channels) {}

  grpc::ServerUnaryReactor* AllocateBuffers(grpc::CallbackServerContext* context,
                                            const v1::AllocateBuffersRequest* request,
                                            v1::AllocateBuffersResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(ToGrpcStatus(Answer(*request)));
    return reactor;
  }

 private:
  absl::Status Answer(const v1::AllocateBuffersRequest& request) const {
    const auto memory = MakePlainMemfd(request.size_bytes());
    if (!memory.ok()) return memory.status();
    return SendDatagram(channels_.Find(request.session_id()), "x", {memory->get()});
  }

  const Channels& channels_;
};

}  // namespace

absl::Status RunGrpcFloorServer(const std::string& rpc_path, const std::string& fd_path) {
  Channels channels;
  FloorService service(channels);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(absl::StrCat("unix:", rpc_path), grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::InternalError("gRPC did not start the server");
  const auto listener = ListenUnix(fd_path, SOCK_SEQPACKET);
  if (!listener.ok()) return listener.status();
  std::thread([&channels, listener = listener->get()] {
    while (true) {
      UniqueFd connection(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
      if (connection.valid()) channels.Add(std::move(connection)).IgnoreError();
    }
  }).detach();
  SayReady();
  WaitForParent();
  _exit(0);  // the thread has no end
}

}  // namespace dmaheap::bench
