#include "daemon/core/worker.h"

#include <pthread.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(ThreadWorkerTest, RunsWhatItGetsInOrderElsewhere) {
  std::vector<int> order;
  std::thread::id where;
  {
    ThreadWorker worker(1, "test");
    for (int i = 0; i < 100; ++i) {
      worker.Run([&, i] {
        order.push_back(i);
        where = std::this_thread::get_id();
      });
    }
  }
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST(ThreadWorkerTest, OneSlowTaskDoesNotHoldTheOtherThreads) {
  ThreadWorker worker(2, "test");
  std::promise<void> released;
  std::promise<void> ran;
  worker.Run([&] { released.get_future().wait(); });
  worker.Run([&] { ran.set_value(); });
  ran.get_future().wait();
  released.set_value();
}

TEST(ThreadWorkerTest, ATaskMayHandOverAnotherEvenAtTheEnd) {
  bool ran = false;
  {
    ThreadWorker worker(1, "test");
    worker.Run([&] { worker.Run([&] { ran = true; }); });
  }
  EXPECT_TRUE(ran);
}

TEST(ThreadWorkerTest, WhatATaskOwnsEndsWithIt) {
  ThreadWorker worker(1, "test");
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  std::promise<void> second;
  worker.Run([owned = std::move(owned)] {});
  worker.Run([&] { second.set_value(); });
  second.get_future().wait();
  EXPECT_TRUE(watch.expired());
}

TEST(ThreadWorkerTest, WhatComesLaterComesInTheOrderOfItsTime) {
  ThreadWorker worker(1, "test");
  std::string order;
  std::promise<void> last;
  const absl::Time begin = absl::Now();
  worker.RunLater(absl::Milliseconds(20), [&] {
    order += "b";
    last.set_value();
  });
  worker.RunLater(absl::Milliseconds(10), [&] { order += "a"; });
  last.get_future().wait();
  EXPECT_EQ(order, "ab");
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(19));
}

TEST(ThreadWorkerTest, WhatComesLaterHoldsUpNobody) {
  ThreadWorker worker(1, "test");
  worker.RunLater(absl::Hours(1), [] {});
  std::promise<void> ran;
  worker.Run([&] { ran.set_value(); });
  ran.get_future().wait();
}

TEST(ThreadWorkerTest, WhatIsCancelledDoesNotCome) {
  std::string order;
  ThreadWorker worker(1, "test");
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  const TimerId timer =
      worker.RunLater(absl::Milliseconds(1), [&, owned = std::move(owned)] { order += "x"; });
  worker.Cancel(timer);
  const bool dropped = watch.expired();
  std::promise<void> later;
  worker.RunLater(absl::Milliseconds(5), [&] { later.set_value(); });
  later.get_future().wait();
  // Perhaps it had begun before.
  EXPECT_TRUE(dropped ? order.empty() : order == "x");
}

TEST(ThreadWorkerTest, WhatWasToComeLaterIsDroppedAtTheEnd) {
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  {
    ThreadWorker worker(1, "test");
    worker.RunLater(absl::Hours(1), [owned = std::move(owned)] {});
  }
  EXPECT_TRUE(watch.expired());
}

TEST(ThreadWorkerTest, ItsThreadsBearItsNameCut) {
  char name[16] = {};
  std::promise<void> named;
  ThreadWorker worker(1, "heap-a-very-long-name");
  // The name is given by the maker of the thread, perhaps after it began to run.
  worker.Run([&] { named.get_future().wait(); });
  named.set_value();
  std::promise<void> read;
  worker.Run([&] {
    pthread_getname_np(pthread_self(), name, sizeof(name));
    read.set_value();
  });
  read.get_future().wait();
  EXPECT_EQ(std::string(name), "heap-a-very-lon");
}

}  // namespace
}  // namespace dmaheap
