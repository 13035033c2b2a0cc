// A C client that may be asked for memory, against a scripted daemon.

#include <chrono>
#include <cstddef>
#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "client/dmaheap_c.h"
#include "client/testing/fake_daemon.h"
#include "client/testing/fd_leak_check.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// What a question said, and the idle buffer of a pool that is freed for it.
struct Pool {
  dmaheap_client* client = nullptr;
  dmaheap_buffer* idle = nullptr;
  std::promise<void> asked;
  uint32_t struct_size = 0;
  std::string heap;
  int64_t size_bytes = 0;
  int32_t count = 0;
  dmaheap_priority priority = DMAHEAP_PRIORITY_UNSPECIFIED;
};

void Note(void* context, const dmaheap_give_back* question) {
  Pool& pool = *static_cast<Pool*>(context);
  pool.struct_size = question->struct_size;
  pool.heap = question->heap;
  pool.size_bytes = question->size_bytes;
  pool.count = question->count;
  pool.priority = question->priority;
  pool.asked.set_value();
}

void FreeIdle(void* context, const dmaheap_give_back*) {
  dmaheap_buffer_free(static_cast<Pool*>(context)->idle);
}

dmaheap_code Allocate(dmaheap_client* client, dmaheap_buffer** buffer) {
  dmaheap_allocate_options options = {};
  options.struct_size = sizeof(options);
  options.heap = "reserved";
  options.size_bytes = 4096;
  return dmaheap_allocate(client, &options, buffer, nullptr);
}

void AllocateMore(void* context, const dmaheap_give_back*) {
  Pool& pool = *static_cast<Pool*>(context);
  EXPECT_EQ(Allocate(pool.client, &pool.idle), DMAHEAP_OK);
  pool.asked.set_value();
}

class DmaheapCGiveBackTest : public ::testing::Test {
 protected:
  void SetUp() override { daemon_ = FakeDaemon::Start(); }
  void TearDown() override {
    dmaheap_client_free(pool_.client);
    daemon_ = nullptr;
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  dmaheap_connect_options Options(dmaheap_give_back_asked on_give_back) {
    dmaheap_connect_options options = {};
    options.struct_size = sizeof(options);
    options.socket_dir = daemon_->dir().c_str();
    options.on_give_back = on_give_back;
    options.give_back_context = &pool_;
    return options;
  }
  void Connect(const dmaheap_connect_options& options) {
    ASSERT_EQ(dmaheap_connect(&options, &pool_.client, nullptr), DMAHEAP_OK);
  }
  bool WasAsked() {
    return pool_.asked.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  }
  static v1::GiveBack Question() {
    v1::GiveBack question;
    question.set_heap("heaps/reserved");
    question.set_size_bytes(8192);
    question.set_count(2);
    question.set_priority(v1::HIGH);
    return question;
  }

  FdLeakCheck leaks_;
  std::unique_ptr<FakeDaemon> daemon_;
  Pool pool_;
};

TEST_F(DmaheapCGiveBackTest, AQuestionComesWithAllThatIsMissing) {
  Connect(Options(Note));

  EXPECT_EQ(daemon_->AskGiveBack(Question()), 1);

  ASSERT_TRUE(WasAsked());
  EXPECT_EQ(pool_.struct_size, sizeof(dmaheap_give_back));
  EXPECT_EQ(pool_.heap, "heaps/reserved");
  EXPECT_EQ(pool_.size_bytes, 8192);
  EXPECT_EQ(pool_.count, 2);
  EXPECT_EQ(pool_.priority, DMAHEAP_PRIORITY_HIGH);
}

TEST_F(DmaheapCGiveBackTest, APoolMayShrinkInTheCallback) {
  Connect(Options(FreeIdle));
  ASSERT_EQ(Allocate(pool_.client, &pool_.idle), DMAHEAP_OK);
  const std::string name = dmaheap_buffer_name(pool_.idle);

  daemon_->AskGiveBack(Question());

  EXPECT_EQ(daemon_->WaitForReleases(1), std::vector<std::string>{name});
}

TEST_F(DmaheapCGiveBackTest, TheCallbackMayAllocate) {
  Connect(Options(AllocateMore));

  daemon_->AskGiveBack(Question());

  ASSERT_TRUE(WasAsked());
  dmaheap_buffer_free(pool_.idle);
}

TEST_F(DmaheapCGiveBackTest, WithoutACallbackTheDaemonIsToldNotToAsk) {
  Connect(Options(nullptr));

  EXPECT_EQ(daemon_->AskGiveBack(Question()), 0);
}

TEST_F(DmaheapCGiveBackTest, AnOlderCallerIsNotAskedWhateverLiesBehindItsOptions) {
  dmaheap_connect_options options = Options(nullptr);
  options.struct_size = offsetof(dmaheap_connect_options, on_give_back);
  memset(reinterpret_cast<char*>(&options) + options.struct_size, 0xff,
         sizeof(options) - options.struct_size);
  Connect(options);

  EXPECT_EQ(daemon_->AskGiveBack(Question()), 0);
}

}  // namespace
}  // namespace dmaheap
