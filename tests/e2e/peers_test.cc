// Peers of other versions than the daemon's: by the rule of fd_channel.proto, served or told why
// not.

#include <sys/socket.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "dmaheap/v1/allocator.grpc.pb.h"
#include "grpcpp/create_channel_posix.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/fd_channel.h"
#include "proto/grpc_status.h"
#include "proto/rpc_status.h"
#include "proto/wire.h"
#include "tests/e2e/daemon_fixture.h"
#include "tests/e2e/raw_client.h"

namespace dmaheap {
namespace {

// An empty field that no message of this version has.
constexpr char kLaterField[] = "\xfa\x3e";

class PeersTest : public DaemonFixture {
 protected:
  UniqueFd Connect() const {
    auto socket = ConnectSocket(absl::StrCat(dir(), "/", kFdSocketName), SOCK_SEQPACKET);
    EXPECT_TRUE(socket.ok()) << socket.status();
    return socket.ok() ? *std::move(socket) : UniqueFd();
  }

  // A buffer through that session, from the request to the receipt.
  void ExpectServed(const UniqueFd& socket, const v1::AllocateBuffersRequest& request) {
    auto rpc = ConnectSocket(absl::StrCat(dir(), "/", kRpcSocketName), SOCK_STREAM);
    ASSERT_TRUE(rpc.ok()) << rpc.status();
    fcntl(rpc->get(), F_SETFL, O_NONBLOCK);
    const auto stub = v1::Allocator::NewStub(grpc::CreateInsecureChannelFromFd("raw", rpc->Take()));
    grpc::ClientContext context;
    v1::AllocateBuffersResponse response;
    const absl::Status status = FromGrpcStatus(stub->AllocateBuffers(&context, request, &response));
    ASSERT_TRUE(status.ok()) << status;
    const auto frame = ReceiveFromServer(socket.get());
    ASSERT_TRUE(frame.ok()) << frame.status();
    EXPECT_EQ(frame->fds.size(), 1u);
    EXPECT_EQ(frame->message.buffers().batch_id(), response.batch_id());
    v1::ClientMessage receipt;
    receipt.mutable_receipt()->set_batch_id(response.batch_id());
    receipt.mutable_receipt()->set_received(1);
    EXPECT_TRUE(SendToServer(socket.get(), receipt).ok());
  }

  static v1::AllocateBuffersRequest Request(const v1::Welcome& welcome) {
    v1::AllocateBuffersRequest request;
    request.set_heap("heaps/simulated");
    request.set_size_bytes(4096);
    request.set_session_id(welcome.session_id());
    return request;
  }
};

TEST_F(PeersTest, APeerThatSpeaksOurVersionAmongOthersIsServed) {
  Start();
  struct Row {
    const char* who;
    int min;
    int max;
  };
  for (const Row& row : {Row{"the oldest that is supported", kMinWireVersion, kMinWireVersion},
                         Row{"one of this version", kMinWireVersion, kMaxWireVersion},
                         Row{"a newer one that still speaks ours", kMinWireVersion, 99}}) {
    SCOPED_TRACE(row.who);
    const UniqueFd socket = Connect();

    const auto welcome = SayHello(socket.get(), MakeHello(row.min, row.max));

    ASSERT_TRUE(welcome.ok()) << welcome.status();
    EXPECT_EQ(welcome->wire_version(), std::min(row.max, kMaxWireVersion));
    EXPECT_EQ(welcome->server_version(), std::string(kVersion));
    ExpectServed(socket, Request(*welcome));
    const auto clients = operator_->Clients();
    ASSERT_EQ(clients.size(), 1u);
    EXPECT_EQ(clients[0].wire_version(), welcome->wire_version());
    EXPECT_TRUE(operator_->Within(5, [&] {
      const auto now = operator_->Clients();
      return now.size() == 1 && now[0].unacknowledged_fds() == 0;
    }));
    shutdown(socket.get(), SHUT_RDWR);
    EXPECT_TRUE(operator_->Within(5, [&] { return operator_->Clients().empty(); }));
  }
}

TEST_F(PeersTest, FieldsOfALaterReleaseAreIgnored) {
  Start();
  const UniqueFd socket = Connect();
  v1::ClientMessage hello = MakeHello(kMinWireVersion, kMaxWireVersion);
  ASSERT_TRUE(hello.mutable_hello()->MergeFromString(std::string(kLaterField, 2) + '\0'));

  const auto welcome = SayHello(socket.get(), hello);

  ASSERT_TRUE(welcome.ok()) << welcome.status();
  v1::AllocateBuffersRequest request = Request(*welcome);
  ASSERT_TRUE(request.MergeFromString(std::string(kLaterField, 2) + '\0'));
  ExpectServed(socket, request);
}

TEST_F(PeersTest, WithoutAVersionInCommonAPeerIsToldWhichSideIsOldAndOthersAreServed) {
  Start();
  struct Row {
    int min;
    int max;
    const char* advice;
  };
  for (const Row& row : {Row{kMaxWireVersion + 1, kMaxWireVersion + 5, "update the daemon"},
                         Row{kMinWireVersion - 1, kMinWireVersion - 1, "update the library"},
                         // A first release that knew of no versions.
                         Row{0, 0, "update the library"}}) {
    SCOPED_TRACE(absl::StrCat("speaks ", row.min, " to ", row.max));
    const UniqueFd socket = Connect();

    const absl::Status refusal = SayHello(socket.get(), MakeHello(row.min, row.max)).status();

    EXPECT_EQ(GetReason(refusal), ErrorReason::WIRE_VERSION_UNSUPPORTED) << refusal;
    EXPECT_TRUE(absl::IsFailedPrecondition(refusal)) << refusal;
    EXPECT_NE(refusal.message().find(row.advice), absl::string_view::npos) << refusal;
    EXPECT_EQ(GetErrorValue(refusal, "library_min_wire_version"), absl::StrCat(row.min));
    EXPECT_EQ(GetErrorValue(refusal, "library_max_wire_version"), absl::StrCat(row.max));
    EXPECT_EQ(GetErrorValue(refusal, "daemon_min_wire_version"), absl::StrCat(kMinWireVersion));
    EXPECT_EQ(GetErrorValue(refusal, "daemon_max_wire_version"), absl::StrCat(kMaxWireVersion));
    EXPECT_EQ(GetErrorValue(refusal, "daemon_version"), std::string(kVersion));
    // It is closed, and nothing came of it.
    EXPECT_TRUE(absl::IsOutOfRange(ReceiveFromServer(socket.get()).status()));
    EXPECT_TRUE(operator_->Clients().empty());
  }
  const UniqueFd socket = Connect();
  const auto welcome = SayHello(socket.get(), MakeHello(kMinWireVersion, kMaxWireVersion));
  ASSERT_TRUE(welcome.ok()) << welcome.status();
  ExpectServed(socket, Request(*welcome));
}

TEST_F(PeersTest, AKindOfMessageThatWasNotAgreedOnEndsTheSessionWithTheReason) {
  Start();
  const UniqueFd socket = Connect();
  ASSERT_TRUE(SayHello(socket.get(), MakeHello(kMinWireVersion, 99)).ok());
  v1::ClientMessage later;
  ASSERT_TRUE(later.ParseFromString(std::string(kLaterField, 2) + '\0'));

  ASSERT_TRUE(SendToServer(socket.get(), later).ok());

  const auto frame = ReceiveFromServer(socket.get());
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_TRUE(absl::IsInvalidArgument(FromRpcStatus(frame->message.refusal().status())));
  EXPECT_TRUE(absl::IsOutOfRange(ReceiveFromServer(socket.get()).status()));
}

}  // namespace
}  // namespace dmaheap
