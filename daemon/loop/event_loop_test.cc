#include "daemon/loop/event_loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// A loop that runs on a thread of its own until the test ends.
class EventLoopTest : public testing::Test {
 protected:
  void SetUp() override {
    auto loop = EventLoop::Create();
    ASSERT_TRUE(loop.ok()) << loop.status();
    loop_ = std::move(*loop);
    thread_ = std::thread([this] { loop_->Run(); });
  }
  void TearDown() override {
    loop_->Stop();
    thread_.join();
  }
  // Runs task inside the loop and waits for its end.
  void Await(Task task) {
    std::promise<void> done;
    loop_->Post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

TEST_F(EventLoopTest, RunsAPostedTaskAtOnceWhenIdle) {
  bool ran = false;
  std::thread::id where;
  Await([&] {
    ran = true;
    where = std::this_thread::get_id();
  });
  EXPECT_TRUE(ran);
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST_F(EventLoopTest, RunsATaskPostedInsideATaskAfterIt) {
  std::vector<int> order;
  Await([&] {
    loop_->Post([&] { order.push_back(2); });
    order.push_back(1);
  });
  Await([] {});
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(EventLoopTest, NeverRunsTwoTasksAtOnce) {
  int unguarded = 0;  // a race here is what the thread sanitizer would report
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) loop_->Post([&] { ++unguarded; });
    });
  }
  for (auto& thread : threads) thread.join();
  int seen = 0;
  Await([&] { seen = unguarded; });
  EXPECT_EQ(seen, 20000);
}

TEST_F(EventLoopTest, RunsTimersInTheOrderTheyAreDue) {
  std::promise<std::vector<int>> done;
  std::vector<int> order;
  loop_->After(absl::Milliseconds(4), [&] {
    order.push_back(2);
    done.set_value(order);
  });
  loop_->After(absl::Milliseconds(1), [&] { order.push_back(1); });
  EXPECT_EQ(done.get_future().get(), (std::vector<int>{1, 2}));
}

TEST_F(EventLoopTest, DoesNotRunACancelledTimer) {
  std::promise<void> later;
  bool ran = false;
  Await([&] {
    const TimerId timer = loop_->After(absl::ZeroDuration(), [&] { ran = true; });
    loop_->Cancel(timer);
    loop_->After(absl::Milliseconds(2), [&] { later.set_value(); });
  });
  later.get_future().wait();
  EXPECT_FALSE(ran);
}

TEST_F(EventLoopTest, CallsAWatcherAgainForEachEvent) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  std::promise<void> twice;
  int calls = 0;
  auto watch = loop_->Watch(ours.get(), EPOLLIN, [&](uint32_t) {
    char byte;
    ASSERT_EQ(read(ours.get(), &byte, 1), 1);
    if (++calls == 2) twice.set_value();
  });
  ASSERT_TRUE(watch.ok());

  ASSERT_EQ(write(theirs.get(), "a", 1), 1);
  ASSERT_EQ(write(theirs.get(), "b", 1), 1);

  twice.get_future().wait();
  Await([&] { loop_->Unwatch(*watch); });
}

TEST_F(EventLoopTest, LeavesAWatcherThatRestsAloneForAWhileAndThenCallsItAgain) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  std::promise<void> twice;
  int calls = 0, calls_before_the_rest = 0;
  auto watch = loop_->Watch(
      ours.get(), EPOLLIN,
      [&](uint32_t) {
        char byte;
        ASSERT_EQ(read(ours.get(), &byte, 1), 1);
        if (++calls == 2) return twice.set_value();
        ASSERT_EQ(write(theirs.get(), "b", 1), 1);
        // Due before the end of the rest, so it runs before, however slow the machine is.
        loop_->After(absl::ZeroDuration(), [&] { calls_before_the_rest = calls; });
      },
      EventLoop::Pace::kRested);
  ASSERT_TRUE(watch.ok());

  ASSERT_EQ(write(theirs.get(), "a", 1), 1);

  twice.get_future().wait();
  EXPECT_EQ(calls_before_the_rest, 1);
  Await([&] { loop_->Unwatch(*watch); });
}

TEST_F(EventLoopTest, CallsNoWatcherThatWasUnwatchedWhileItRested) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  std::promise<void> called;
  int calls = 0;
  EventLoop::WatchId id = 0;
  Await([&] {
    auto watch = loop_->Watch(
        ours.get(), EPOLLIN,
        [&](uint32_t) {
          if (++calls == 1) called.set_value();  // and the byte stays unread
        },
        EventLoop::Pace::kRested);
    ASSERT_TRUE(watch.ok());
    id = *watch;
  });
  ASSERT_EQ(write(theirs.get(), "a", 1), 1);
  called.get_future().wait();

  int calls_at_unwatch = 0;
  Await([&] {
    loop_->Unwatch(id);
    calls_at_unwatch = calls;
  });

  std::promise<void> later;
  loop_->After(3 * EventLoop::kRest, [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_EQ(calls, calls_at_unwatch);
}

TEST_F(EventLoopTest, CallsNoWatcherAfterUnwatch) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  bool called = false;
  auto watch = loop_->Watch(ours.get(), EPOLLIN, [&](uint32_t) { called = true; });
  ASSERT_TRUE(watch.ok());

  Await([&] {
    // The event is there, but its task can only run after this one.
    ASSERT_EQ(write(theirs.get(), "a", 1), 1);
    loop_->Unwatch(*watch);
  });

  std::promise<void> later;
  loop_->After(absl::Milliseconds(2), [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_FALSE(called);
}

TEST_F(EventLoopTest, TellsOfAPeerThatHangsUp) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  std::promise<uint32_t> event;
  EventLoop::WatchId id = 0;
  Await([&] {
    auto watch = loop_->Watch(ours.get(), EPOLLRDHUP, [&](uint32_t events) {
      loop_->Unwatch(id);
      event.set_value(events);
    });
    ASSERT_TRUE(watch.ok());
    id = *watch;
  });

  theirs.Reset();

  EXPECT_TRUE(event.get_future().get() & EPOLLRDHUP);
}

}  // namespace
}  // namespace dmaheap
