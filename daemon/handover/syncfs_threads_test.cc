#include "daemon/handover/syncfs_threads.h"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/loop/event_loop.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

class SyncfsThreadsTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    loop_ = EventLoop::Create().value();
    fds_ = OpenFds();
    thread_ = std::thread([this] { loop_->Run(); });
  }
  void TearDown() override {
    // A thread that has told of its end drops the fds a moment later.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (OpenFds() != fds_ && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    loop_->Stop();
    thread_.join();
    loop_.reset();
    FdLeakCheck::TearDown();
  }

  static std::vector<SyncfsThreads::Filesystem> Proc() {
    std::vector<SyncfsThreads::Filesystem> filesystems;
    filesystems.push_back({"/proc", UniqueFd(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC))});
    return filesystems;
  }
  std::future<absl::Status> Sync(SyncfsThreads& threads) {
    auto ended = std::make_shared<std::promise<absl::Status>>();
    loop_->Post([&threads, ended] {
      threads.Sync(0, [ended](absl::Status status) { ended->set_value(std::move(status)); });
    });
    return ended->get_future();
  }

  std::unique_ptr<EventLoop> loop_;
  std::set<int> fds_;
  std::thread thread_;
};

TEST_F(SyncfsThreadsTest, SyncsAFileSystem) {
  SyncfsThreads threads(*loop_, Proc());
  EXPECT_EQ(threads.filesystems(), std::vector<std::string>{"/proc"});
  EXPECT_TRUE(Sync(threads).get().ok());
}

TEST_F(SyncfsThreadsTest, TellsTheErrnoOfTheKernel) {
  SyncfsThreads threads(*loop_, Proc(), [](int) {
    errno = EIO;
    return -1;
  });
  const absl::Status status = Sync(threads).get();
  EXPECT_EQ(GetErrno(status), EIO);
  EXPECT_NE(status.message().find("/proc"), absl::string_view::npos) << status;
}

TEST_F(SyncfsThreadsTest, HoldsUpNoTaskMeanwhile) {
  std::promise<void> let_go;
  SyncfsThreads threads(*loop_, Proc(), [&](int) {
    let_go.get_future().wait();
    return 0;
  });
  std::future<absl::Status> ended = Sync(threads);
  std::promise<void> ran;
  loop_->Post([&] { ran.set_value(); });
  ran.get_future().wait();
  let_go.set_value();
  EXPECT_TRUE(ended.get().ok());
}

// As where a disk hangs: the broker ends all the same.
TEST_F(SyncfsThreadsTest, IsNotHeldUpAtItsEndByASyncThatGoesOn) {
  struct Gate {
    std::promise<void> entered, let_go, left;
  };
  const auto gate = std::make_shared<Gate>();
  // Belongs to the thread until that ends.
  std::shared_ptr<void> leaving(nullptr, [gate](void*) { gate->left.set_value(); });
  auto threads = std::make_unique<SyncfsThreads>(*loop_, Proc(), [gate](int) {
    gate->entered.set_value();
    gate->let_go.get_future().wait();
    return 0;
  });
  bool told = false;
  loop_->Post([&threads, &told, leaving = std::move(leaving)]() mutable {
    threads->Sync(0, [&told, leaving = std::move(leaving)](const absl::Status&) { told = true; });
  });
  gate->entered.get_future().wait();
  threads.reset();
  gate->let_go.set_value();
  gate->left.get_future().wait();
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace dmaheap
