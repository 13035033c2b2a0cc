// A client that may be asked for memory: asked, also where it makes no call, and after the daemon
// was started again.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "client/dmaheap.h"
#include "client/testing/fake_daemon.h"
#include "client/testing/fd_leak_check.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

class GiveBackTest : public ::testing::Test {
 protected:
  void TearDown() override {
    client_ = nullptr;
    pool_.clear();
    daemon_ = nullptr;
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  // A client with that callback, on a daemon of its own.
  void Connect(GiveBackCallback callback) {
    daemon_ = FakeDaemon::Start();
    auto client = Client::Connect(
        {.socket_dir = daemon_->dir(), .label = "pool", .on_give_back = std::move(callback)});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }
  void Note(const GiveBackRequest& question) {
    std::lock_guard<std::mutex> lock(mutex_);
    asked_.push_back(question);
    came_.notify_all();
  }
  // Once so many came; at most 10 s.
  std::vector<GiveBackRequest> WaitForQuestions(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    came_.wait_for(lock, std::chrono::seconds(10), [&] { return asked_.size() >= count; });
    return asked_;
  }
  static v1::GiveBack Question(int64_t size_bytes) {
    v1::GiveBack question;
    question.set_heap("heaps/reserved");
    question.set_size_bytes(size_bytes);
    question.set_count(2);
    question.set_priority(v1::HIGH);
    return question;
  }

  FdLeakCheck leaks_;
  std::unique_ptr<FakeDaemon> daemon_;
  std::unique_ptr<Client> client_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<GiveBackRequest> asked_;
  std::vector<Buffer> pool_;
};

TEST_F(GiveBackTest, AQuestionComesToAProgramThatMakesNoCall) {
  Connect([this](const GiveBackRequest& question) { Note(question); });

  EXPECT_EQ(daemon_->AskGiveBack(Question(8192)), 1);

  const auto asked = WaitForQuestions(1);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].heap, "heaps/reserved");
  EXPECT_EQ(asked[0].size_bytes, 8192);
  EXPECT_EQ(asked[0].count, 2);
  EXPECT_EQ(asked[0].priority, Priority::kHigh);
}

TEST_F(GiveBackTest, APoolMayShrinkInTheCallback) {
  Connect([this](const GiveBackRequest& question) {
    pool_.clear();
    Note(question);
  });
  auto buffer = client_->Allocate({.heap = "reserved", .size_bytes = 4096});
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  const std::string name = buffer->name();
  pool_.push_back(*std::move(buffer));

  daemon_->AskGiveBack(Question(4096));

  EXPECT_EQ(daemon_->WaitForReleases(1), std::vector<std::string>{name});
}

TEST_F(GiveBackTest, AQuestionAmongTheFramesOfARequestIsHeardToo) {
  Connect([this](const GiveBackRequest& question) { Note(question); });
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    call.MakeBuffers();
    daemon_->AskGiveBack(Question(1));
    const absl::Status pushed = call.PushAll();
    daemon_->AskGiveBack(Question(2));
    return pushed;
  });

  EXPECT_TRUE(client_->AllocateMany({.heap = "reserved", .size_bytes = 4096}, 20).ok());

  EXPECT_EQ(WaitForQuestions(2).size(), 2u);
}

TEST_F(GiveBackTest, TheCallbackMayAllocate) {
  Connect([this](const GiveBackRequest& question) {
    EXPECT_TRUE(client_->Allocate({.heap = "reserved", .size_bytes = 4096}).ok());
    Note(question);
  });
  daemon_->AskGiveBack(Question(1));
  EXPECT_EQ(WaitForQuestions(1).size(), 1u);
}

TEST_F(GiveBackTest, AfterTheDaemonWasStartedAgainTheNewSessionIsAsked) {
  Connect([this](const GiveBackRequest& question) { Note(question); });
  daemon_->Kill();
  daemon_->Restart();
  ASSERT_TRUE(client_->Allocate({.heap = "reserved", .size_bytes = 4096}).ok());

  EXPECT_EQ(daemon_->AskGiveBack(Question(1)), 1);

  EXPECT_EQ(WaitForQuestions(1).size(), 1u);
}

TEST_F(GiveBackTest, WithoutACallbackTheDaemonIsToldNotToAsk) {
  Connect({});
  EXPECT_EQ(daemon_->AskGiveBack(Question(1)), 0);
}

}  // namespace
}  // namespace dmaheap
