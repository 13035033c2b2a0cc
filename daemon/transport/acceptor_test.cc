#include "daemon/transport/acceptor.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/limits.h"
#include "gtest/gtest.h"
#include "heaps/temp_folder.h"
#include "proto/testing/fd_leak_check.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

absl::Duration CpuTime() {
  timespec spent;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return absl::DurationFromTimespec(spent);
}

class AcceptorTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    address_.sun_family = AF_UNIX;
    const std::string path = folder_.path() + "/fd.sock";
    memcpy(address_.sun_path, path.data(), path.size());
    UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address_), sizeof(address_)), 0);
    ASSERT_EQ(listen(listener.get(), 256), 0);
    loop_ = EventLoop::Create().value();
    thread_ = std::thread([this] { loop_->Run(); });
    Await([&] {
      acceptor_ = Acceptor::Create(*loop_, std::move(listener),
                                   [this](UniqueFd connection, PeerIdentity peer) {
                                     EXPECT_NE(fcntl(connection.get(), F_GETFL) & O_NONBLOCK, 0);
                                     EXPECT_EQ(fcntl(connection.get(), F_GETFD), FD_CLOEXEC);
                                     EXPECT_EQ(peer.principal.uid, geteuid());
                                     connections_.push_back(std::move(connection));
                                     accepted_.fetch_add(1);
                                   })
                      .value();
    });
  }
  void TearDown() override {
    Await([&] {
      acceptor_.reset();
      connections_.clear();
    });
    loop_->Stop();
    thread_.join();
    loop_.reset();
    FdLeakCheck::TearDown();
  }
  void Await(Task task) {
    std::promise<void> done;
    loop_->Post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  UniqueFd NewSocket() {
    UniqueFd client(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const timeval patience = {.tv_sec = 5, .tv_usec = 0};
    setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return client;
  }
  void Connect(const UniqueFd& client) {
    ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address_), sizeof(address_)), 0)
        << strerror(errno);
  }
  void WaitFor(int accepted) {
    while (accepted_.load() < accepted) std::this_thread::yield();
  }

  TempFolder folder_;
  sockaddr_un address_ = {};
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<UniqueFd> connections_;
  std::atomic<int> accepted_{0};
};

TEST_F(AcceptorTest, HandsOnWhoConnects) {
  const UniqueFd client = NewSocket();
  Connect(client);
  WaitFor(1);
}

TEST_F(AcceptorTest, AFloodIsTakenWhole) {
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(NewSocket());
    Connect(clients.back());
  }
  WaitFor(200);
}

TEST_F(AcceptorTest, WhoIsGoneBeforeItsTurnDisturbsNobody) {
  std::promise<void> go;
  std::thread busy([&] { loop_->Post([&] { go.get_future().wait(); }); });
  for (int i = 0; i < 20; ++i) {
    const UniqueFd client = NewSocket();
    Connect(client);
  }
  const UniqueFd client = NewSocket();
  Connect(client);
  go.set_value();
  busy.join();
  WaitFor(1);
}

TEST_F(AcceptorTest, WithoutAnFdItWaitsWithoutSpinningAndRecoversAlone) {
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(NewSocket());
  // UBSan looks at an object's type with a pipe the first time, for which there are no fds below.
  spdlog::warn("event=accept_paused {}", std::string("for=test"));
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  UniqueFd lowest(fcntl(0, F_DUPFD_CLOEXEC, 0));
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(lowest.get());
  lowest.Reset();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  const absl::Duration cpu = CpuTime();
  for (const UniqueFd& client : clients) Connect(client);

  // Not a wait for something: the time over which the processor is measured.
  timespec while_measured = {.tv_sec = 0, .tv_nsec = 400'000'000};
  nanosleep(&while_measured, nullptr);
  const absl::Duration spent = CpuTime() - cpu;
  const int accepted = accepted_.load();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);

  EXPECT_EQ(accepted, 0);
  EXPECT_LT(spent, absl::Milliseconds(100));
  WaitFor(20);
}

TEST_F(AcceptorTest, TheLastFdsAreKeptForWhoIsConnected) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  if (before.rlim_max < kMaxOpenFiles + 100) GTEST_SKIP() << "RLIMIT_NOFILE is too low";
  rlimit wide = before;
  wide.rlim_cur = kMaxOpenFiles + 100;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &wide), 0);
  const UniqueFd refused = NewSocket();
  const UniqueFd taken = NewSocket();
  {
    std::vector<UniqueFd> filling;
    do {
      filling.emplace_back(fcntl(0, F_DUPFD_CLOEXEC, 0));
    } while (filling.back().get() < static_cast<int>(kMaxOpenFiles - kReservedFds));
    Connect(refused);
    char byte;
    EXPECT_EQ(recv(refused.get(), &byte, 1, 0), 0);  // closed at once
    EXPECT_EQ(accepted_.load(), 0);
  }
  Connect(taken);
  WaitFor(1);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace dmaheap
