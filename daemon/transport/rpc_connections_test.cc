// Identities of RPC connections, through a real gRPC server and client over socketpairs.

#include "daemon/transport/rpc_connections.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/limits.h"
#include "daemon/transport/rpc_call.h"
#include "daemon/transport/rpc_server.h"
#include "dmaheap/v1/allocator.grpc.pb.h"
#include "grpcpp/create_channel_posix.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// Answers GetHeap with what the daemon knows of the call: who makes it, and by when it answers. A
// call for "late" is left to the test.
class Mirror final : public v1::Allocator::CallbackService {
 public:
  Mirror(const Executor& executor, const IdentityTable& identities)
      : executor_(executor), identities_(identities) {}
  grpc::ServerUnaryReactor* GetHeap(grpc::CallbackServerContext* context,
                                    const v1::GetHeapRequest* request,
                                    v1::Heap* response) override {
    if (request->name() == "late") {
      grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
      late_.set_value({context, reactor});
      return reactor;
    }
    const auto identity = identities_.Find(context->peer());
    response->set_name(identity.ok() ? absl::StrCat((*identity)->principal.uid) : "unknown");
    response->add_aliases(context->peer());
    const absl::Duration left = AnswerBy(*context, executor_) - executor_.Now();
    response->set_live_bytes(left == absl::InfiniteDuration() ? -1
                                                              : absl::ToInt64Milliseconds(left));
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  // A call that was taken and not answered.
  struct LateCall {
    grpc::CallbackServerContext* context = nullptr;
    grpc::ServerUnaryReactor* reactor = nullptr;
  };
  LateCall WaitLate() { return late_.get_future().get(); }

 private:
  std::promise<LateCall> late_;
  const Executor& executor_;
  const IdentityTable& identities_;
};

class RpcConnectionsTest : public testing::Test {
 protected:
  void SetUp() override {
    loop_ = EventLoop::Create().value();
    thread_ = std::thread([this] { loop_->Run(); });
    mirror_ = std::make_unique<Mirror>(*loop_, identities_);
    server_ = StartRpcServer({mirror_.get()}, kMaxRequestBytes).value();
    connections_ = std::make_unique<RpcConnections>(*loop_, identities_, *server_);
  }
  void TearDown() override {
    server_->Shutdown(std::chrono::system_clock::now());
    Await([&] { connections_.reset(); });
    server_.reset();
    loop_->Stop();
    thread_.join();
  }
  void Await(Task task) {
    std::promise<void> done;
    loop_->Post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  UniqueFd ConnectSocket(uint32_t uid) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    PeerIdentity peer;
    peer.principal.uid = uid;
    Await([&] { connections_->Add(UniqueFd(ends[1]), peer); });
    return UniqueFd(ends[0]);
  }
  std::shared_ptr<grpc::Channel> Connect(uint32_t uid) {
    return grpc::CreateInsecureChannelFromFd("test", ConnectSocket(uid).Take());
  }
  static v1::Heap Call(const std::shared_ptr<grpc::Channel>& channel,
                       absl::Duration deadline = absl::Seconds(20)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(deadline));
    v1::Heap heap;
    const grpc::Status status =
        v1::Allocator::NewStub(channel)->GetHeap(&context, v1::GetHeapRequest(), &heap);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return heap;
  }
  // The number that gRPC has for a connection; waits until it is closed.
  static void WaitClosed(int number) {
    while (fcntl(number, F_GETFD) >= 0) std::this_thread::yield();
  }
  static int NumberOf(const v1::Heap& answer) { return std::stoi(answer.aliases(0).substr(3)); }
  size_t Connections() {
    size_t size = 0;
    Await([&] { size = connections_->size(); });
    return size;
  }

  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
  IdentityTable identities_;
  std::unique_ptr<Mirror> mirror_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<RpcConnections> connections_;
};

TEST_F(RpcConnectionsTest, EveryCallIsItsConnectionsOwn) {
  const auto first = Connect(1000);
  const auto second = Connect(2000);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Call(first).name(), "1000");
    EXPECT_EQ(Call(second).name(), "2000");
  }
  EXPECT_EQ(Connections(), 2u);
  EXPECT_EQ(Call(first).aliases(0).substr(0, 3), "fd:");
}

TEST_F(RpcConnectionsTest, NumbersGoUpFromTheirOwnRange) {
  const std::string first = Call(Connect(1000)).aliases(0);
  const std::string second = Call(Connect(1000)).aliases(0);
  EXPECT_GE(std::stoi(first.substr(3)), kFirstRpcFd);
  EXPECT_GT(std::stoi(second.substr(3)), std::stoi(first.substr(3)));
}

TEST_F(RpcConnectionsTest, AConnectionThatEndedIsForgotten) {
  auto channel = Connect(1000);
  EXPECT_EQ(Call(channel).name(), "1000");
  channel.reset();
  while (Connections() > 0) std::this_thread::yield();
  EXPECT_EQ(identities_.size(), 0u);
}

TEST_F(RpcConnectionsTest, ConnectionsThatComeAndGoKeepTheirOwnIdentities) {
  for (uint32_t i = 0; i < 40; ++i) EXPECT_EQ(Call(Connect(i)).name(), absl::StrCat(i));
  while (Connections() > 0) std::this_thread::yield();
  EXPECT_EQ(identities_.size(), 0u);
}

// Sets RLIMIT_NOFILE for as long as it lives.
class FdLimit {
 public:
  explicit FdLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit now = before_;
    now.rlim_cur = limit;
    ok_ = setrlimit(RLIMIT_NOFILE, &now) == 0;
  }
  ~FdLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  bool ok() const { return ok_; }

 private:
  rlimit before_ = {};
  bool ok_ = false;
};

TEST_F(RpcConnectionsTest, NumbersGoRoundBelowTheDaemonsLimitAlsoWhereTheProcessMayHaveMore) {
  const FdLimit limit(kMaxOpenFiles + 100);
  if (!limit.ok()) GTEST_SKIP() << "RLIMIT_NOFILE is too low";
  std::vector<UniqueFd> taken;
  for (int number = kFirstRpcFd + 3; number < static_cast<int>(kMaxOpenFiles); ++number) {
    taken.emplace_back(fcntl(0, F_DUPFD_CLOEXEC, number));
  }
  for (int i = 0; i < 10; ++i) {
    auto channel = Connect(1000);
    const int number = NumberOf(Call(channel));
    EXPECT_EQ(number, kFirstRpcFd + i % 3);
    channel.reset();
    WaitClosed(number);
  }
}

TEST_F(RpcConnectionsTest, ANumberIsNotUsedAgainWhileACallOfItsConnectionIsUnderWay) {
  const FdLimit limit(kFirstRpcFd + 4);
  UniqueFd mine = ConnectSocket(1000);
  const int number = kFirstRpcFd;
  ASSERT_GE(fcntl(number, F_GETFD), 0);
  auto channel = grpc::CreateInsecureChannelFromFd("test", mine.Take());
  Mirror::LateCall late;
  std::thread caller([&] {
    grpc::ClientContext context;
    v1::GetHeapRequest request;
    request.set_name("late");
    v1::Heap heap;
    std::thread canceller([&] {
      late = mirror_->WaitLate();
      context.TryCancel();
    });
    EXPECT_EQ(v1::Allocator::NewStub(channel)->GetHeap(&context, request, &heap).error_code(),
              grpc::StatusCode::CANCELLED);
    canceller.join();
  });
  caller.join();
  channel.reset();
  while (Connections() > 0) std::this_thread::yield();
  for (int i = 0; i < 12; ++i) {
    auto other = Connect(2000);
    const v1::Heap answer = Call(other);
    EXPECT_EQ(answer.name(), "2000");
    EXPECT_NE(NumberOf(answer), number);
    other.reset();
    WaitClosed(NumberOf(answer));
  }

  // It looks up late who called: nobody any more, and not who came after.
  EXPECT_EQ(late.context->peer(), absl::StrCat("fd:", number));
  EXPECT_EQ(GetReason(identities_.Find(late.context->peer()).status()),
            ErrorReason::SESSION_UNKNOWN);
  late.reactor->Finish(grpc::Status::OK);
  WaitClosed(number);
}

TEST_F(RpcConnectionsTest, AUidHasSoManyConnectionsAndAnotherOneItsOwn) {
  std::vector<UniqueFd> hostile;
  for (size_t i = 0; i < kMaxRpcConnectionsPerUid; ++i) hostile.push_back(ConnectSocket(1000));
  const UniqueFd refused = ConnectSocket(1000);
  char byte;
  EXPECT_EQ(recv(refused.get(), &byte, 1, 0), 0);
  EXPECT_EQ(Connections(), kMaxRpcConnectionsPerUid);

  EXPECT_EQ(Call(Connect(2000)).name(), "2000");

  // One that ends makes room.
  hostile.clear();
  while (Connections() > 0) std::this_thread::yield();
  EXPECT_EQ(Call(Connect(1000)).name(), "1000");
}

TEST_F(RpcConnectionsTest, TheDaemonAnswersBeforeTheDeadlineByAMargin) {
  const auto channel = Connect(1000);
  // 5 %, at most 250 ms, of what the caller has, whatever gRPC makes of it on the way.
  EXPECT_LE(Call(channel, absl::Seconds(2)).live_bytes(), 1900);
  for (const int64_t seconds : {20, 200, 2000, 20000}) {
    const int64_t left = Call(channel, absl::Seconds(seconds)).live_bytes();
    EXPECT_LE(left, seconds * 1000 - 250);
    EXPECT_GE(left, seconds * 900);
  }
}

}  // namespace
}  // namespace dmaheap
