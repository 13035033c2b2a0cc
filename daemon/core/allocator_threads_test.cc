// The allocator among real threads: workers, an event loop, callers. The thread sanitizer is the
// judge; the books at the end are another.

#include <cerrno>
#include <future>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/core/allocator.h"
#include "daemon/core/page_watch.h"
#include "daemon/core/testing/fake_barrier.h"
#include "daemon/core/testing/fake_buffer_lister.h"
#include "daemon/core/testing/fake_fd_store.h"
#include "daemon/core/testing/fake_heap.h"
#include "daemon/core/testing/fake_journal.h"
#include "daemon/core/testing/fake_live_view.h"
#include "daemon/core/testing/fake_recipient.h"
#include "daemon/loop/event_loop.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "heaps/registry.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

class NoEvents : public EventSink {
 public:
  void OnAllocation(const AllocationEvent&) override { ++count; }
  int count = 0;  // inside tasks only
};

class AllocatorThreadsTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    loop_ = EventLoop::Create().value();
    HeapDescription description;
    description.name = "system";
    auto heap = std::make_unique<FakeHeap>(description);
    heap_ = heap.get();
    ASSERT_TRUE(heaps_.Add(std::move(heap)).ok());
    config::v1::Policy policy;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
        "access { who { everybody: true } heaps: '*' rights: [ALLOCATE, HOLD] } "
        "retry_policies { name: 'default' max_attempts: 2 initial_backoff { nanos: 10000 } }",
        &policy));
    allocator_ = std::make_unique<Allocator>(
        Allocator::Dependencies{.executor = *loop_,
                                .heaps = heaps_,
                                .live_view = view_,
                                .fd_store = store_,
                                .journal = journal_,
                                .lister = lister_,
                                .events = events_,
                                .make_worker =
                                    [](int threads, const std::string& name) {
                                      return std::make_unique<ThreadWorker>(threads, name);
                                    },
                                .random = [] { return 0.5; },
                                .barrier = barrier_,
                                .pages = pages_,
                                .areas = areas_,
                                .sources = sources_,
                                .filesystems = filesystems_},
        std::make_shared<const EffectivePolicy>(policy));
    thread_ = std::thread([this] { loop_->Run(); });
  }
  void TearDown() override {
    std::promise<void> drained;
    loop_->Post([&] { allocator_->Drain([&] { drained.set_value(); }); });
    drained.get_future().wait();
    loop_->Stop();
    thread_.join();
    allocator_.reset();
    loop_.reset();
    EXPECT_EQ(store_.size(), 0u);
    FdLeakCheck::TearDown();
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
  HeapRegistry heaps_;
  FakeHeap* heap_ = nullptr;
  FakeLiveView view_;
  FakeFdStore store_;
  FakeJournal journal_;
  FakeBufferLister lister_;
  NoPageWatch pages_;
  NoAreaInspector areas_;
  SourceErrors sources_;
  NoFilesystemSync filesystems_;
  FakeBarrier barrier_;
  NoEvents events_;
  std::unique_ptr<Allocator> allocator_;
  std::thread thread_;
};

TEST_F(AllocatorThreadsTest, ManyCallersOverManyOutcomes) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 150;
  std::vector<std::thread> callers;
  std::atomic<int> answers{0};
  std::vector<std::shared_ptr<FakeRecipient>> sessions;
  for (int t = 0; t < kThreads; ++t) {
    sessions.push_back(std::make_shared<FakeRecipient>(static_cast<uint64_t>(t) + 1));
  }
  for (int t = 0; t < kThreads; ++t) {
    callers.emplace_back([&, t] {
      const auto session = sessions[static_cast<size_t>(t)];
      for (int i = 0; i < kCalls; ++i) {
        if (i % 5 == 0) heap_->Script({ENOMEM, 0, EMFILE});
        auto done = std::make_shared<std::promise<void>>();
        auto call = std::make_shared<CallId>(0);
        loop_->Post([&, this] {
          AllocateRequest request;
          request.heap = "system";
          request.size_bytes = 4096;
          request.count = 1 + i % 3;
          request.request_id = std::to_string(t * kCalls + i);
          request.principal.uid = static_cast<uint32_t>(t);
          request.recipient = session;
          if (i % 7 == 0) request.deadline = loop_->Now() + absl::Microseconds(50 * (i % 11));
          *call = allocator_->Allocate(std::move(request), [&, done](const auto&) {
            ++answers;
            done->set_value();
          });
        });
        if (i % 4 == 0) {
          loop_->Post([this, call] { allocator_->Cancel(*call); });
        }
        done->get_future().wait();
        // What was pushed is read and closed.
        Await([&] { session->Read(); });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answers.load(), kThreads * kCalls);

  // The last attempts come back, then nothing lives and nothing is charged.
  std::promise<void> drained;
  loop_->Post([&] { allocator_->Drain([&] { drained.set_value(); }); });
  drained.get_future().wait();
  std::promise<size_t> accounts;
  loop_->Post([&] {
    allocator_->reconciler().Reconcile(
        [&] { accounts.set_value(allocator_->ledger().accounts().size()); });
  });
  EXPECT_EQ(accounts.get_future().get(), 0u);
  Await([&] { EXPECT_EQ(events_.count, kThreads * kCalls); });
  for (const auto& session : sessions) {
    Await([&] {
      EXPECT_EQ(session->reserved(), 0);
      EXPECT_EQ(session->unacknowledged(), 0);
    });
  }
}

TEST_F(AllocatorThreadsTest, AShutdownAmongAttempts) {
  const auto session = std::make_shared<FakeRecipient>(1);
  std::atomic<int> answers{0};
  for (int i = 0; i < 20; ++i) {
    loop_->Post([&, i] {
      AllocateRequest request;
      request.heap = "system";
      request.size_bytes = 4096;
      request.request_id = std::to_string(i);
      request.recipient = session;
      allocator_->Allocate(std::move(request), [&](const auto&) { ++answers; });
    });
  }
  std::promise<void> drained;
  loop_->Post([&] { allocator_->Drain([&] { drained.set_value(); }); });
  drained.get_future().wait();
  EXPECT_EQ(answers.load(), 20);
  Await([&] { session->Die(); });
}

}  // namespace
}  // namespace dmaheap
