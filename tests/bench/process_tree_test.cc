#include "tests/bench/process_tree.h"

#include <unistd.h>

#include <algorithm>
#include <future>
#include <thread>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/bench/child_process.h"

namespace dmaheap::bench {
namespace {

TEST(ProcessTreeTest, FindsAChildByAWordThatItWasStartedWith) {
  const auto child = ChildProcess::Start({"/bin/cat", "-u"}, "");
  ASSERT_TRUE(child.ok()) << child.status();

  // Its words are there once it has become that program.
  pid_t found = -1;
  while (found < 0) found = ChildWith(getpid(), "cat");

  EXPECT_EQ(found, (*child)->pid());
  EXPECT_EQ(ChildWith(getpid(), "no such word"), -1);
  EXPECT_GT(ProcessWith("cat"), 0);
  EXPECT_EQ(ProcessWith("no such word at all"), -1);
}

TEST(ProcessTreeTest, FindsEveryThread) {
  std::promise<pid_t> number;
  std::promise<void> end;
  std::thread thread([&] {
    number.set_value(gettid());
    end.get_future().wait();
  });
  const pid_t other = number.get_future().get();

  const std::vector<pid_t> threads = ThreadsOf(getpid());

  EXPECT_TRUE(std::count(threads.begin(), threads.end(), getpid()) == 1);
  EXPECT_TRUE(std::count(threads.begin(), threads.end(), other) == 1);
  EXPECT_TRUE(ThreadsOf(-1).empty());
  end.set_value();
  thread.join();
}

}  // namespace
}  // namespace dmaheap::bench
