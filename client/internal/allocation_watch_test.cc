#include "client/internal/allocation_watch.h"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/internal/grpc_channel.h"
#include "client/testing/fake_daemon.h"
#include "client/testing/fd_leak_check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap::client_internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The attempts that were told of, for a test to wait for.
class Told {
 public:
  ProgressCallback Callback() {
    return [this](const AllocationProgress& progress) {
      std::lock_guard<std::mutex> lock(mutex_);
      attempts_.push_back(progress.attempts);
    };
  }
  std::vector<int> attempts() {
    std::lock_guard<std::mutex> lock(mutex_);
    return attempts_;
  }
  std::vector<int> WaitFor(size_t count) {
    FakeDaemon::WaitUntil([&] { return attempts().size() >= count; });
    return attempts();
  }

 private:
  std::mutex mutex_;
  std::vector<int> attempts_;
};

class AllocationWatchTest : public ::testing::Test {
 protected:
  void TearDown() override {
    replies_.Stop();
    stub_ = nullptr;
    daemon_ = nullptr;
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  void Start(FakeDaemonOptions options = {}) {
    daemon_ = FakeDaemon::Start(options);
    stub_ = v1::Allocator::NewStub(
        *ConnectGrpcChannel(absl::StrCat(daemon_->dir(), "/", kRpcSocketName)));
  }

  // Attempts tell one report from another.
  void Report(int attempts, v1::Allocation::State state = v1::Allocation::BACKING_OFF) {
    v1::Allocation allocation;
    allocation.set_attempts(attempts);
    allocation.set_state(state);
    daemon_->Report("r1", allocation);
  }
  bool AllWatchesEnd() {
    return FakeDaemon::WaitUntil([&] { return daemon_->open_watches() == 0; });
  }

  const FdLeakCheck leaks_;
  std::unique_ptr<FakeDaemon> daemon_;
  std::unique_ptr<v1::Allocator::Stub> stub_;
  ReplyThread replies_;
  Told told_;
};

TEST_F(AllocationWatchTest, TellsWhatTheDaemonReportsInItsOrder) {
  Start();
  const AllocationWatch watch(replies_, *stub_, "r1", told_.Callback());

  Report(1);
  Report(2);

  EXPECT_THAT(told_.WaitFor(2), ElementsAre(1, 2));
  EXPECT_THAT(daemon_->watched(), ElementsAre("r1"));
}

TEST_F(AllocationWatchTest, TheEndIsNotToldForTheReplyTellsIt) {
  Start();
  const AllocationWatch watch(replies_, *stub_, "r1", told_.Callback());

  Report(1, v1::Allocation::FAILED);
  Report(2, v1::Allocation::SUCCEEDED);
  Report(3, v1::Allocation::ATTEMPTING);

  EXPECT_THAT(told_.WaitFor(1), ElementsAre(3));
}

TEST_F(AllocationWatchTest, EndsInTheDaemonWithItsDestruction) {
  Start();
  {
    const AllocationWatch watch(replies_, *stub_, "r1", told_.Callback());
    Report(1);
    told_.WaitFor(1);
    EXPECT_EQ(daemon_->open_watches(), 1);
  }

  EXPECT_TRUE(AllWatchesEnd());
  Report(2);
  replies_.Stop();
  EXPECT_THAT(told_.attempts(), ElementsAre(1));
}

TEST_F(AllocationWatchTest, DestructionWaitsForACallThatRuns) {
  Start();
  std::promise<void> inside;
  std::promise<void> leave;
  bool left = false;
  auto watch =
      std::make_unique<AllocationWatch>(replies_, *stub_, "r1", [&](const AllocationProgress&) {
        inside.set_value();
        leave.get_future().wait();
        left = true;
      });
  Report(1);
  inside.get_future().wait();

  std::thread opens([&] { leave.set_value(); });
  watch = nullptr;

  // No lock of the test's: the destructor orders the two.
  EXPECT_TRUE(left);
  opens.join();
}

TEST_F(AllocationWatchTest, WithoutACallbackNothingIsAsked) {
  Start();

  { const AllocationWatch watch(replies_, *stub_, "r1", nullptr); }

  EXPECT_THAT(daemon_->watched(), IsEmpty());
}

TEST_F(AllocationWatchTest, AnOlderDaemonAndOneThatRefusesTellNothing) {
  Start({.knows_watch = false});
  {
    const AllocationWatch watch(replies_, *stub_, "r1", told_.Callback());
    Report(1);
  }
  replies_.Stop();
  EXPECT_THAT(told_.attempts(), IsEmpty());

  daemon_ = nullptr;
  Start();
  daemon_->FailWatches(Error(ErrorReason::OVERLOADED, "too many watches"));
  {
    const AllocationWatch watch(replies_, *stub_, "r1", told_.Callback());
    ASSERT_TRUE(FakeDaemon::WaitUntil([&] { return !daemon_->watched().empty(); }));
  }
  replies_.Stop();
  EXPECT_THAT(told_.attempts(), IsEmpty());
}

TEST_F(AllocationWatchTest, OutlivesTheDaemonAndItsConnection) {
  Start();
  const AllocationWatch watch(replies_, *stub_, "r1", told_.Callback());
  Report(1);
  told_.WaitFor(1);

  daemon_->Kill();

  EXPECT_EQ(daemon_->open_watches(), 0);
  daemon_->Restart();
}

TEST_F(AllocationWatchTest, ManyThatEndAtOnceLeaveNothingBehind) {
  Start();
  std::atomic<int> calls{0};
  std::vector<std::thread> threads;

  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        // The stream begins, runs and ends while it is ended.
        const std::string id = absl::StrCat("r", t, "-", i);
        v1::Allocation allocation;
        allocation.set_attempts(1);
        daemon_->Report(id, allocation);
        std::atomic<bool> called{false};
        const AllocationWatch watch(replies_, *stub_, id, [&](const AllocationProgress&) {
          called = true;
          ++calls;
        });
        if (i % 2 == 0) FakeDaemon::WaitUntil([&] { return called.load(); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  replies_.Stop();

  EXPECT_TRUE(AllWatchesEnd());
  EXPECT_GE(calls, 4 * 13);
}

}  // namespace
}  // namespace dmaheap::client_internal
