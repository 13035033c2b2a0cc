// What a request goes through between its first failure and its end, with time, heaps and workers
// in the test's hand.

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/core/allocation_view.h"
#include "daemon/core/testing/core_fixture.h"
#include "daemon/limits.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

constexpr char kHeapWorker[] = "heap-cma";
constexpr absl::Duration kMs = absl::Milliseconds(1);

HeapUsage FreeBytes(int64_t bytes) {
  HeapUsage usage;
  usage.free_bytes = bytes;
  return usage;
}

class RetriesTest : public CoreFixture {
 protected:
  // Every attempt fails from now on, until Succeed.
  void Fail(int error_number = ENOMEM) {
    cma_->OnAllocate([this, error_number] { cma_->Script({error_number}); });
  }
  void Succeed() { cma_->OnAllocate(nullptr); }

  void Use(const std::string& retry_policies) {
    SetPolicy(absl::StrCat("access { who { everybody: true } heaps: '*' rights: [ALLOCATE, HOLD] ",
                           "retry_policies: '*' max_priority: HIGH } ", retry_policies));
  }

  AllocateRequest By(const std::string& retry_policy, int64_t pages = 1) {
    AllocateRequest request = Request(Connect(), pages);
    request.retry_policy = retry_policy;
    return request;
  }

  // Of the one request under way.
  v1::Allocation State() {
    EXPECT_EQ(allocator_->allocations().size(), 1u);
    return ToProto(*allocator_, *allocator_->allocations().begin()->second);
  }
};

// ---- policies

TEST_F(RetriesTest, NofailGoesOnUntilItIsThere) {
  Fail();
  const Call call = Allocate(By(kNofailPolicy));
  executor_.Advance(absl::Hours(1));
  EXPECT_FALSE(call->done());
  EXPECT_GT(cma_->calls(), 30'000);

  Succeed();
  executor_.Advance(absl::Seconds(1));

  EXPECT_TRUE(call->ok()) << call->status();
}

TEST_F(RetriesTest, NofailEndsWithTheDeadlineAndSaysWhatItKnows) {
  Fail();
  AllocateRequest request = By(kNofailPolicy);
  request.deadline = executor_.Now() + absl::Milliseconds(4750);
  const Call call = Allocate(std::move(request));

  executor_.Advance(absl::Milliseconds(4749));
  EXPECT_FALSE(call->done());
  executor_.Advance(kMs);

  EXPECT_EQ(GetReason(call->status()), ErrorReason::DEADLINE);
  EXPECT_EQ(GetErrorValue(call->status(), "errno"), "ENOMEM");
  EXPECT_EQ(GetErrorValue(call->status(), "retry_policy"), kNofailPolicy);
  const int calls = cma_->calls();
  executor_.Advance(absl::Hours(1));
  EXPECT_EQ(cma_->calls(), calls);
}

TEST_F(RetriesTest, NofailRefusesAtOnceWhatCanNeverBe) {
  const Call call = Allocate(By(kNofailPolicy, 17));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::SIZE_EXCEEDS_HEAP);
}

TEST_F(RetriesTest, FailfastTriesOnce) {
  Fail();
  const Call call = Allocate(By(kFailfastPolicy));
  EXPECT_TRUE(call->done());
  EXPECT_EQ(cma_->calls(), 1);
}

TEST_F(RetriesTest, TheKernelsScheduleIsReplayedToTheMillisecond) {
  Fail();
  const Call call = Allocate(By(kKernelPolicy));
  for (int attempt = 1; attempt <= 5; ++attempt) {
    EXPECT_EQ(cma_->calls(), attempt);
    executor_.Advance(99 * kMs);
    EXPECT_EQ(cma_->calls(), attempt);
    executor_.Advance(kMs);
  }
  EXPECT_TRUE(call->done());
  EXPECT_EQ(cma_->calls(), 5);
}

TEST_F(RetriesTest, AReloadReachesWhoWaits) {
  Use("retry_policies { name: 'mine' }");
  Fail();
  const Call call = Allocate(By("mine"));
  executor_.Advance(absl::Seconds(10));
  ASSERT_FALSE(call->done());

  Use("retry_policies { name: 'mine' max_attempts: 1 }");
  executor_.Advance(absl::Seconds(1));

  EXPECT_NE(call->status().message().find("max_attempts used"), absl::string_view::npos)
      << call->status();
}

TEST_F(RetriesTest, WhoWaitsByAPolicyThatAReloadTookAwayGoesOnByTheDefault) {
  Use("retry_policies { name: 'mine' }");
  Fail();
  const Call call = Allocate(By("mine"));

  Use("");
  executor_.Advance(absl::Seconds(3));

  EXPECT_TRUE(call->done());
}

TEST_F(RetriesTest, AnUnknownPolicyIsAnsweredWithThoseThereAre) {
  const Call call = Allocate(By("no-such"));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::INVALID_RETRY_POLICY);
  EXPECT_NE(call->status().message().find(kNofailPolicy), absl::string_view::npos);
  EXPECT_EQ(cma_->calls(), 0);
}

TEST_F(RetriesTest, WhatIsAboveTheCeilingIsDenied) {
  SetPolicy("access { who { everybody: true } heaps: '*' rights: ALLOCATE }");
  const Call policy = Allocate(By(kNofailPolicy));
  EXPECT_EQ(GetReason(policy->status()), ErrorReason::ACCESS_DENIED);
  EXPECT_EQ(GetErrorValue(policy->status(), "retry_policy"), kNofailPolicy);
  AllocateRequest urgent = Request(Connect());
  urgent.priority = v1::HIGH;
  const Call priority = Allocate(std::move(urgent));
  EXPECT_EQ(GetReason(priority->status()), ErrorReason::ACCESS_DENIED);
  EXPECT_EQ(GetErrorValue(priority->status(), "priority"), "HIGH");
}

TEST_F(RetriesTest, WhatTheOperatorGivesAHeapNeedsNoCeiling) {
  SetPolicy(
      "access { who { everybody: true } heaps: '*' rights: ALLOCATE } "
      "heap_policies { heap: 'cma' retry_policy: 'failfast' }");
  Fail();
  const Call call = Allocate(Request(Connect()));
  EXPECT_EQ(GetErrorValue(call->status(), "retry_policy"), kFailfastPolicy);
  EXPECT_EQ(cma_->calls(), 1);
}

// ---- fallbacks

TEST_F(RetriesTest, AFallbackServesAndIsNamed) {
  Use("retry_policies { name: 'mine' max_attempts: 2 fallback_heaps: 'system' }");
  Fail();
  AllocateRequest request = By("mine");
  request.count = 2;
  const Call call = Allocate(std::move(request));
  executor_.Advance(absl::Seconds(1));

  ASSERT_TRUE(call->ok()) << call->status();
  EXPECT_EQ(cma_->calls(), 2);
  ASSERT_EQ((*call.outcome)->buffers_size(), 2);
  for (const v1::Buffer& buffer : (*call.outcome)->buffers()) {
    EXPECT_EQ(buffer.heap(), "heaps/system");
    EXPECT_EQ(buffer.contiguity(), v1::SCATTERED);
  }
  EXPECT_EQ((*call.outcome)->attempts(), 3);
}

TEST_F(RetriesTest, AllBuffersOfARequestComeFromOneHeap) {
  Use("retry_policies { name: 'mine' max_attempts: 1 fallback_heaps: 'system' }");
  cma_->Script({0, ENOMEM});
  AllocateRequest request = By("mine");
  request.count = 2;
  const Call call = Allocate(std::move(request));

  ASSERT_TRUE(call->ok()) << call->status();
  EXPECT_EQ((*call.outcome)->buffers(0).heap(), "heaps/system");
  EXPECT_EQ((*call.outcome)->buffers(1).heap(), "heaps/system");
  EXPECT_TRUE(cma_->given().empty());
}

TEST_F(RetriesTest, AFallbackThatTheUserMayNotUseIsNone) {
  SetPolicy(
      "access { who { everybody: true } heaps: 'cma' rights: ALLOCATE retry_policies: '*' } "
      "retry_policies { name: 'mine' max_attempts: 1 fallback_heaps: ['system', 'no-such'] }");
  Fail();
  const Call call = Allocate(By("mine"));
  EXPECT_TRUE(call->done());
  EXPECT_EQ(GetErrorValue(call->status(), "heap"), "cma");
  EXPECT_EQ(system_->calls(), 0);
}

// ---- the line

TEST_F(RetriesTest, AHigherPriorityIsServedFirst) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  for (const auto& [priority, label] : std::vector<std::pair<v1::Priority, std::string>>{
           {v1::NORMAL, "first"}, {v1::LOW, "low"}, {v1::NORMAL, "normal"}, {v1::HIGH, "high"}}) {
    AllocateRequest request = Request(session);
    request.priority = priority;
    request.label = label;
    Allocate(std::move(request));
  }
  workers_.LetGo(kHeapWorker);
  EXPECT_EQ(cma_->labels(), (std::vector<std::string>{"first", "high", "normal", "low"}));
}

// 12 pages take 100 ms and never succeed; a page takes 1 ms, and one is asked for every 10 ms.
TEST_F(RetriesTest, WhileALargeOneWaitsSmallOnesFlowAndItTakesAFifthOfTheTime) {
  const auto session = Connect();
  AllocateRequest large = By(kNofailPolicy, 12);
  large.label = "large";
  int large_calls = 0;
  cma_->OnAllocate([&] {
    // The label of the call that begins is that of whose attempt is under way.
    for (const auto& [id, allocation] : allocator_->allocations()) {
      if (allocation->state != Allocation::State::kAttempting) continue;
      const bool is_large = allocation->request.label == "large";
      large_calls += is_large ? 1 : 0;
      executor_.Advance(is_large ? 100 * kMs : kMs);
      if (is_large) cma_->Script({ENOMEM});
      return;
    }
  });
  const absl::Time start = executor_.Now();
  const Call call = Allocate(std::move(large));
  while (executor_.Now() < start + absl::Seconds(20)) {
    const Call small = Allocate(Request(session));
    session->Read();
    executor_.Advance(10 * kMs);
    ASSERT_TRUE(small->done());
  }
  EXPECT_FALSE(call->done());
  EXPECT_LE(large_calls * 100 * kMs, 0.21 * absl::Seconds(20));
  EXPECT_GE(large_calls * 100 * kMs, 0.1 * absl::Seconds(20));
  Cancel(call);
  cma_->OnAllocate(nullptr);
}

// ---- the barrier

class BarrierUseTest : public RetriesTest {
 protected:
  static constexpr char kFreezing[] =
      "retry_policies { name: 'mine' jitter: 0 barrier { cgroup: 'apps' box { nanos: 20000000 } } "
      "}";

  void SetUp() override {
    RetriesTest::SetUp();
    Use(kFreezing);
  }
  void Answer(absl::Status status) {
    Do([&] { barrier_.AnswerFreeze(std::move(status)); });
  }
  void Thawed(absl::Duration frozen_for) {
    Do([&] { barrier_.AnswerThaw(frozen_for); });
  }
};

TEST_F(BarrierUseTest, AFailedAttemptIsRepeatedAtOnceWhileTheCgroupStandsStill) {
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  ASSERT_TRUE(barrier_.waiting());
  EXPECT_EQ(barrier_.asked()[0].cgroup, 0);
  EXPECT_EQ(barrier_.asked()[0].box, 20 * kMs);
  EXPECT_EQ(cma_->calls(), 1);

  Answer(absl::OkStatus());

  EXPECT_TRUE(call->ok()) << call->status();
  EXPECT_EQ(cma_->calls(), 2);
  EXPECT_EQ(barrier_.thaws(), 1);
  EXPECT_EQ(barrier_.runs(), 1);
  Thawed(3 * kMs);
  EXPECT_EQ(allocator_->counters(*cma_).barriers.cured, 1);
  EXPECT_EQ(allocator_->counters(*cma_).barriers.frozen, 3 * kMs);
}

TEST_F(BarrierUseTest, NobodyElseHasTheWorkerWhileACgroupIsFrozenForIt) {
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  const Call other = Allocate(Request(Connect()));
  EXPECT_FALSE(other->done());
  Answer(absl::OkStatus());
  EXPECT_TRUE(call->ok());
  EXPECT_TRUE(other->ok());
  EXPECT_EQ(cma_->calls(), 3);
  Thawed(kMs);
}

TEST_F(BarrierUseTest, ARefusedBarrierIsAnOrdinaryWait) {
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  Answer(absl::ResourceExhaustedError("over budget"));
  EXPECT_FALSE(call->done());
  EXPECT_EQ(State().state(), v1::Allocation::BACKING_OFF);
  executor_.Advance(kMs);
  EXPECT_TRUE(call->ok());
  EXPECT_EQ(barrier_.thaws(), 0);
  EXPECT_EQ(allocator_->counters(*cma_).barriers.refused, 1);
}

TEST_F(BarrierUseTest, AnAttemptThatFailsBehindItThawsAndGoesOn) {
  cma_->Script({ENOMEM, ENOMEM});
  const Call call = Allocate(By("mine"));
  Answer(absl::OkStatus());
  EXPECT_EQ(barrier_.thaws(), 1);
  EXPECT_EQ(State().attempts_behind_barrier(), 1);
  // It asks again, which a barrier that is not yet thawed would refuse.
  ASSERT_TRUE(barrier_.waiting());
  Answer(absl::OkStatus());
  EXPECT_TRUE(call->ok());
  EXPECT_EQ(allocator_->counters(*cma_).barriers.failed, 1);
  Thawed(kMs);
}

TEST_F(BarrierUseTest, ACancelWhileItFreezesThawsAtOnce) {
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  Cancel(call);
  Answer(absl::OkStatus());
  EXPECT_EQ(barrier_.thaws(), 1);
  EXPECT_EQ(cma_->calls(), 1);
  Thawed(kMs);
}

TEST_F(BarrierUseTest, AnAttemptWhoseRequestHasEndedProvesNothing) {
  cma_->Script({ENOMEM});
  workers_.Hold("heap-cma");
  const Call call = Allocate(By("mine"));
  workers_.RunOne("heap-cma");
  Answer(absl::OkStatus());
  Cancel(call);

  workers_.LetGo("heap-cma");

  const HeapCounters counters = allocator_->counters(*cma_);
  EXPECT_EQ(counters.barriers.cured + counters.barriers.failed, 0);
  EXPECT_EQ(counters.attempts.late, 1);
  EXPECT_EQ(barrier_.thaws(), 1);
  Thawed(kMs);
}

TEST_F(BarrierUseTest, NothingIsFrozenForWantOfRoom) {
  cma_->SetUsage(FreeBytes(0));
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  EXPECT_TRUE(barrier_.asked().empty());
  executor_.Advance(kMs);
  EXPECT_TRUE(call->ok());
}

TEST_F(BarrierUseTest, ACgroupThatTheDaemonWasNotToldOfIsNotFrozen) {
  Use("retry_policies { name: 'mine' jitter: 0 barrier { cgroup: 'system.slice' } }");
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  EXPECT_TRUE(barrier_.asked().empty());
  executor_.Advance(kMs);
  EXPECT_TRUE(call->ok());
}

// ---- the sync

class SyncUseTest : public RetriesTest {
 protected:
  static constexpr char kSyncing[] =
      "retry_policies { name: 'mine' jitter: 0 sync { filesystems: '/data' box { nanos: 200000000 "
      "} } }";

  void SetUp() override {
    RetriesTest::SetUp();
    // Nobody tells of pages, unless a test asks for it.
    pages_.GoBlind();
    Use(kSyncing);
  }
  void TearDown() override {
    for (const int filesystem : {0, 1}) {
      if (filesystems_.running(filesystem)) End(absl::OkStatus(), filesystem);
    }
    RetriesTest::TearDown();
  }
  void End(absl::Status status = absl::OkStatus(), int filesystem = 0) {
    Do([&] { filesystems_.End(std::move(status), filesystem); });
  }
};

TEST_F(SyncUseTest, AFailedAttemptIsRepeatedAtOnceWhenTheFileSystemIsSynced) {
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  ASSERT_TRUE(filesystems_.running());
  executor_.Advance(150 * kMs);
  EXPECT_EQ(cma_->calls(), 1);
  EXPECT_EQ(State().state(), v1::Allocation::BACKING_OFF);

  End();

  EXPECT_TRUE(call->ok()) << call->status();
  EXPECT_EQ(cma_->calls(), 2);
  EXPECT_EQ(allocator_->counters(*cma_).syncs.helped, 1);
  EXPECT_EQ(allocator_->counters(*cma_).syncs.over_box, 0);
}

TEST_F(SyncUseTest, AnAttemptThatFailsAfterItIsCountedAndGoesOnWithTheBackoff) {
  cma_->Script({ENOMEM, ENOMEM});
  const Call call = Allocate(By("mine"));
  End();
  EXPECT_EQ(State().attempts_after_sync(), 1);
  EXPECT_EQ(allocator_->counters(*cma_).syncs.failed, 1);
  // Synced a moment ago.
  EXPECT_EQ(allocator_->counters(*cma_).syncs.refused, 1);
  executor_.Advance(2 * kMs);
  EXPECT_TRUE(call->ok());
  EXPECT_EQ(allocator_->counters(*cma_).syncs.helped, 0);
  EXPECT_EQ(filesystems_.asked().size(), 1u);
}

TEST_F(SyncUseTest, ASyncThatOutlastsItsBoxIsNotWaitedForNorBegunAgain) {
  Fail();
  const Call call = Allocate(By("mine"));
  executor_.Advance(200 * kMs);
  EXPECT_EQ(allocator_->counters(*cma_).syncs.over_box, 1);
  EXPECT_EQ(cma_->calls(), 1);
  executor_.Advance(kMs);
  EXPECT_EQ(cma_->calls(), 2);
  executor_.Advance(absl::Seconds(30));
  EXPECT_EQ(filesystems_.asked().size(), 1u);
  EXPECT_GT(cma_->calls(), 200);

  // Its late end is nobody's.
  const int calls = cma_->calls();
  End();
  EXPECT_EQ(cma_->calls(), calls);
  Succeed();
  executor_.Advance(absl::Seconds(1));
  EXPECT_TRUE(call->ok());
  EXPECT_EQ(allocator_->counters(*cma_).syncs.helped, 0);
}

TEST_F(SyncUseTest, ASyncThatFailsIsAnOrdinaryWait) {
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  End(ErrnoStatus(EIO, "syncfs"));
  EXPECT_FALSE(call->done());
  EXPECT_EQ(allocator_->counters(*cma_).syncs.refused, 1);
  executor_.Advance(kMs);
  EXPECT_TRUE(call->ok());
}

TEST_F(SyncUseTest, OneSyncServesAllWhoWaitAndOthersHaveTheWorkerMeanwhile) {
  cma_->Script({ENOMEM, ENOMEM});
  const Call one = Allocate(By("mine"));
  const Call two = Allocate(By("mine"));
  const Call other = Allocate(Request(Connect()));
  EXPECT_TRUE(other->ok());
  End();
  EXPECT_TRUE(one->ok());
  EXPECT_TRUE(two->ok());
  EXPECT_EQ(filesystems_.asked().size(), 1u);
  EXPECT_EQ(allocator_->counters(*cma_).syncs.helped, 2);
}

TEST_F(SyncUseTest, ACancelWhileItRunsIsTheEndOfIt) {
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  Cancel(call);
  End();
  EXPECT_EQ(cma_->calls(), 1);
  EXPECT_EQ(allocator_->counters(*cma_).syncs.helped + allocator_->counters(*cma_).syncs.failed, 0);
}

TEST_F(SyncUseTest, NothingIsSyncedForWantOfRoom) {
  cma_->SetUsage(FreeBytes(0));
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  executor_.Advance(kMs);
  EXPECT_TRUE(call->ok());
  EXPECT_TRUE(filesystems_.asked().empty());
}

TEST_F(SyncUseTest, NothingIsSyncedForAHeapWithoutAnArea) {
  system_->Script({ENOMEM});
  AllocateRequest request = By("mine");
  request.heap = "system";
  const Call call = Allocate(std::move(request));
  executor_.Advance(kMs);
  EXPECT_TRUE(call->ok());
  EXPECT_TRUE(filesystems_.asked().empty());
}

TEST_F(SyncUseTest, AFileSystemThatTheDaemonWasNotToldOfIsNotSynced) {
  Use("retry_policies { name: 'mine' jitter: 0 sync { filesystems: '/vendor' } }");
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  executor_.Advance(kMs);
  EXPECT_TRUE(call->ok());
  EXPECT_TRUE(filesystems_.asked().empty());
  EXPECT_EQ(allocator_->counters(*cma_).syncs.refused, 1);
}

TEST_F(SyncUseTest, AReloadThatTakesThePolicyAwayLeavesTheSyncUnderWay) {
  cma_->Script({ENOMEM});
  const Call call = Allocate(By("mine"));
  SetPolicy(kEverything);
  End();
  EXPECT_TRUE(call->ok());
}

// ---- what ends a wait early

TEST_F(RetriesTest, AReleaseWakesWhoWaitsForRoom) {
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 16))->ok());
  cma_->SetUsage(FreeBytes(0));
  Fail();
  const Call call = Allocate(By(kNofailPolicy));
  executor_.Advance(absl::Seconds(10));
  ASSERT_FALSE(call->done());
  Succeed();
  const int calls = cma_->calls();

  session->Read();  // and closed
  Reconcile();

  EXPECT_TRUE(call->ok()) << call->status();
  EXPECT_EQ(cma_->calls(), calls + 1);
}

TEST_F(RetriesTest, AReleaseDoesNotWakeWhoWaitsForAPin) {
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 1))->ok());
  cma_->SetUsage(FreeBytes(15 * kPage));
  Fail();
  const Call call = Allocate(By(kNofailPolicy));
  executor_.Advance(absl::Seconds(10));
  const int calls = cma_->calls();

  session->Read();
  Reconcile();

  EXPECT_EQ(cma_->calls(), calls);
  Succeed();
  executor_.Advance(absl::Seconds(1));
  EXPECT_TRUE(call->ok());
}

TEST_F(RetriesTest, CountedAttemptsAreNotBroughtForward) {
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 1))->ok());
  cma_->SetUsage(FreeBytes(0));
  Fail();
  Allocate(By(kKernelPolicy));
  const int calls = cma_->calls();

  session->Read();
  Reconcile();

  EXPECT_EQ(cma_->calls(), calls);
  executor_.Advance(absl::Seconds(1));
}

TEST_F(RetriesTest, WhereThePolicyLearnsWaitsBecomeAsLongAsPinsWereSeenToLast) {
  Use("retry_policies { name: 'mine' learn: true }");
  // Each attempt fails until 8 ms after the first.
  for (int i = 0; i < 40; ++i) {
    const absl::Time gone = executor_.Now() + 8 * kMs;
    cma_->OnAllocate([this, gone] {
      if (executor_.Now() < gone) cma_->Script({ENOMEM});
    });
    const Call call = Allocate(By("mine"));
    executor_.Advance(absl::Seconds(1));
    ASSERT_TRUE(call->ok());
  }
  const int calls = cma_->calls();
  for (int i = 0; i < 10; ++i) {
    const absl::Time gone = executor_.Now() + 8 * kMs;
    cma_->OnAllocate([this, gone] {
      if (executor_.Now() < gone) cma_->Script({ENOMEM});
    });
    Allocate(By("mine"));
    executor_.Advance(absl::Seconds(1));
  }
  Succeed();
  // By the schedule it takes 5: at 0, 1, 3, 7 and 15 ms.
  EXPECT_LE(cma_->calls() - calls, 40);
}

// ---- late buffers

TEST_F(RetriesTest, ALateBufferServesTheNextThatWantsTheSame) {
  workers_.Hold(kHeapWorker);
  AllocateRequest hurried = By(kNofailPolicy);
  hurried.deadline = executor_.Now() + 10 * kMs;
  const Call first = Allocate(std::move(hurried));
  const Call other = Allocate(Request(Connect(), 2));
  const Call second = Allocate(Request(Connect()));
  cma_->OnAllocate([&] { executor_.Advance(20 * kMs); });
  workers_.RunOne(kHeapWorker);
  cma_->OnAllocate(nullptr);

  EXPECT_EQ(GetReason(first->status()), ErrorReason::DEADLINE);
  EXPECT_TRUE(second->ok()) << second->status();
  EXPECT_EQ(cma_->calls(), 1);
  EXPECT_FALSE(other->done());
  workers_.LetGo(kHeapWorker);
  EXPECT_TRUE(other->ok());
}

TEST_F(RetriesTest, ALateBufferServesWhoWaitsForItsNextAttempt) {
  cma_->Script({ENOMEM});
  const Call waiting = Allocate(By(kKernelPolicy));
  workers_.Hold(kHeapWorker);
  const Call cancelled = Allocate(Request(Connect()));
  cma_->OnAllocate([&] { Cancel(cancelled); });
  workers_.RunOne(kHeapWorker);
  cma_->OnAllocate(nullptr);

  EXPECT_TRUE(waiting->ok()) << waiting->status();
  EXPECT_EQ(cma_->calls(), 2);
}

TEST_F(RetriesTest, ALateBufferOfAnotherNameIsClosed) {
  workers_.Hold(kHeapWorker);
  const Call cancelled = Allocate(Request(Connect()));
  AllocateRequest named = Request(Connect());
  named.label = "camera";
  const Call second = Allocate(std::move(named));
  cma_->OnAllocate([&] { Cancel(cancelled); });
  workers_.RunOne(kHeapWorker);
  cma_->OnAllocate(nullptr);
  EXPECT_FALSE(second->done());
  workers_.LetGo(kHeapWorker);
  EXPECT_EQ(cma_->calls(), 2);
}

// ---- what can be seen of it

TEST_F(RetriesTest, AWatchTellsEachStepAndTheEnd) {
  std::vector<std::string> steps;
  WatchList::Id watch = 0;
  Do([&] {
    auto id = allocator_->watches().Add(
        kUid, {.on_change =
                   [&](const Allocation& allocation) {
                     const v1::Allocation state = ToProto(*allocator_, allocation);
                     steps.push_back(absl::StrCat(v1::Allocation::State_Name(state.state()), " ",
                                                  state.attempts()));
                   },
               .on_drain = [] {}});
    ASSERT_TRUE(id.ok());
    watch = *id;
  });
  cma_->Script({ENOMEM});
  Allocate(Request(Connect()));
  executor_.Advance(kMs);
  Do([&] { allocator_->watches().Remove(watch); });
  Allocate(Request(Connect()));

  EXPECT_EQ(steps, (std::vector<std::string>{"IN_LINE 0", "ATTEMPTING 1", "BACKING_OFF 1",
                                             "IN_LINE 1", "ATTEMPTING 2", "SUCCEEDED 2"}));
}

TEST_F(RetriesTest, AUidHasSoManyWatches) {
  Do([&] {
    for (size_t i = 0; i < kMaxWatchesPerUid; ++i) {
      ASSERT_TRUE(allocator_->watches().Add(kUid, {[](const Allocation&) {}, [] {}}).ok());
    }
    EXPECT_EQ(
        GetReason(allocator_->watches().Add(kUid, {[](const Allocation&) {}, [] {}}).status()),
        ErrorReason::OVERLOADED);
    EXPECT_TRUE(allocator_->watches().Add(kUid + 1, {[](const Allocation&) {}, [] {}}).ok());
  });
}

TEST_F(RetriesTest, AWatcherIsToldOfTheDrainAndMayEndItsWatchThere) {
  int drained = 0;
  Do([&] {
    auto shared = std::make_shared<WatchList::Id>();
    auto id = allocator_->watches().Add(kUid, {[](const Allocation&) {},
                                               [this, &drained, shared] {
                                                 ++drained;
                                                 allocator_->watches().Remove(*shared);
                                               }});
    *shared = *id;
  });
  Drain();
  EXPECT_EQ(drained, 1);
}

TEST_F(RetriesTest, AWaitSaysWhatIsInItsWay) {
  cma_->SetUsage(FreeBytes(8 * kPage));
  Fail();
  const Call call = Allocate(By(kNofailPolicy, 4));

  const v1::Allocation state = State();

  EXPECT_EQ(state.state(), v1::Allocation::BACKING_OFF);
  EXPECT_EQ(state.obstacle(), v1::Allocation::PINNED);
  EXPECT_EQ(state.attempts(), 1);
  EXPECT_EQ(state.free_bytes(), 8 * kPage);
  EXPECT_EQ(state.retry_policy(), kNofailPolicy);
  EXPECT_EQ(state.heap(), "heaps/cma");
  EXPECT_GT(state.next_delay().nanos(), 0);
  EXPECT_NE(state.last_error(), "");
  Cancel(call);
}

TEST_F(RetriesTest, WhoWaitsForItsOwnBuffersIsToldAndGoesOnWhenItReleases) {
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 12))->ok());
  cma_->SetUsage(FreeBytes(4 * kPage));
  Fail();
  const Call call = Allocate(By(kNofailPolicy, 8));
  EXPECT_EQ(State().obstacle(), v1::Allocation::OWN_BUFFERS);
  EXPECT_EQ(State().own_bytes(), 12 * kPage);
  Succeed();

  session->Read();
  Reconcile();

  EXPECT_TRUE(call->ok());
}

TEST_F(RetriesTest, TwoThatWaitForWhatTheOtherHoldsAreToldAndOneReleaseFreesBoth) {
  constexpr uint32_t kOther = kUid + 1;
  const auto mine = Connect(), others = Connect();
  ASSERT_TRUE(Allocate(Request(mine, 7))->ok());
  AllocateRequest held = Request(others, 7);
  held.principal.uid = kOther;
  ASSERT_TRUE(Allocate(std::move(held))->ok());
  // An area that gives what it has: 16 pages.
  cma_->SetUsage(FreeBytes(2 * kPage));
  Fail();
  const Call first = Allocate(By(kNofailPolicy, 9));
  AllocateRequest more = By(kNofailPolicy, 7);
  more.principal.uid = kOther;
  const Call second = Allocate(std::move(more));
  executor_.Advance(kMs);
  for (const auto& [id, allocation] : allocator_->allocations()) {
    const v1::Allocation state = ToProto(*allocator_, *allocation);
    EXPECT_TRUE(state.obstacle() == v1::Allocation::EACH_OTHER ||
                state.obstacle() == v1::Allocation::OWN_BUFFERS)
        << state.ShortDebugString();
    EXPECT_EQ(state.waiting_others_bytes(), 7 * kPage);
  }
  Succeed();

  others->Read();
  Reconcile();

  EXPECT_TRUE(first->ok());
  EXPECT_TRUE(second->ok());
}

}  // namespace
}  // namespace dmaheap
