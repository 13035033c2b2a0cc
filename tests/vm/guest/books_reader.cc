// What the daemon's books have, for a test in the guest: for each line of standard input one line
// of JSON, the daemon's answer to Admin.ListBuffers. A process for many questions, as the start of
// one takes the emulated processor longer than all of them.

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "client/ctl/json_text.h"
#include "dmaheap/v1/admin.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "proto/grpc_status.h"

namespace dmaheap {
namespace {

// More than any test in the guest has.
constexpr int kPageSize = 1000;
constexpr std::chrono::seconds kPatience{20};

absl::StatusOr<std::string> Answer(const std::string& socket) {
  // A connection for each question: the daemon may be another one than before.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto admin = v1::Admin::NewStub(
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  v1::ListBuffersRequest request;
  request.set_page_size(kPageSize);
  v1::ListBuffersResponse response;
  const absl::Status status = FromGrpcStatus(admin->ListBuffers(&context, request, &response));
  if (!status.ok()) return status;
  return ctl::JsonLine(response);
}

int Main(const std::string& socket) {
  for (std::string line; std::getline(std::cin, line);) {
    const absl::StatusOr<std::string> answer = Answer(socket);
    if (!answer.ok()) fprintf(stderr, "%s\n", answer.status().ToString().c_str());
    if (!answer.ok()) return 1;
    std::cout << *answer << std::flush;
  }
  return 0;
}

}  // namespace
}  // namespace dmaheap

int main(int argc, char** argv) { return argc == 2 ? dmaheap::Main(argv[1]) : 2; }
