// What the allocator counts while it serves, as the metrics have it.

#include "daemon/core/metrics_snapshot.h"

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "daemon/core/testing/core_fixture.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

constexpr absl::Duration kMs = absl::Milliseconds(1);

class MetricsSnapshotTest : public CoreFixture {
 protected:
  MetricsSnapshot Snapshot() {
    MetricsSnapshot snapshot;
    Do([&] { snapshot = TakeMetricsSnapshot(*allocator_, /*sessions=*/0); });
    return snapshot;
  }
  HeapSnapshot Of(const std::string& heap) {
    for (const HeapSnapshot& snapshot : Snapshot().heaps) {
      if (snapshot.name == heap) return snapshot;
    }
    ADD_FAILURE() << "no heap " << heap;
    return {};
  }
  // How many allocations of the heap ended so.
  int64_t Ended(const std::string& outcome, const std::string& heap = "cma") {
    const HeapSnapshot snapshot = Of(heap);
    for (size_t i = 0; i < kAllocationOutcomes; ++i) {
      if (AllocationOutcomeName(i) == outcome) return snapshot.counters.allocations[i];
    }
    ADD_FAILURE() << "no outcome " << outcome;
    return -1;
  }
  // Of the heap, with any outcome.
  int64_t AllEnded(const std::string& heap = "cma") {
    int64_t count = 0;
    for (const int64_t of_one : Of(heap).counters.allocations) count += of_one;
    return count;
  }
  static int64_t CountOf(const DurationHistogram& histogram) {
    int64_t count = 0;
    for (const int64_t of_one : histogram.counts) count += of_one;
    return count;
  }
  void Use(const std::string& policy) { SetPolicy(std::string(kEverything) + policy); }
  AllocateRequest By(const std::string& retry_policy) {
    AllocateRequest request = Request(Connect());
    request.retry_policy = retry_policy;
    return request;
  }
  uint64_t Book(const std::shared_ptr<FakeRecipient>& session, int count) {
    AllocateRequest request = Request(session, 1, count);
    request.purpose = AllocateRequest::Purpose::kReserve;
    request.refill_below = count;
    const Call call = Allocate(std::move(request));
    EXPECT_TRUE(call->ok()) << call->status();
    return ParseReservationName("name", call->result->buffers(0).reservation()).value();
  }
  AllocateRequest DrawOf(uint64_t id, const std::shared_ptr<FakeRecipient>& session, int count) {
    AllocateRequest request = Request(session, 1, count);
    request.reservation = id;
    return request;
  }
};

TEST_F(MetricsSnapshotTest, EveryHeapIsThereBeforeAnybodyAskedForIt) {
  const MetricsSnapshot snapshot = Snapshot();

  ASSERT_EQ(snapshot.heaps.size(), 2u);
  EXPECT_EQ(snapshot.heaps[0].name, "cma");
  EXPECT_EQ(snapshot.heaps[0].size_bytes, 16 * kPage);
  EXPECT_EQ(snapshot.heaps[1].name, "system");
  EXPECT_EQ(snapshot.heaps[1].size_bytes, absl::nullopt);
  EXPECT_EQ(snapshot.heaps[1].free_bytes, absl::nullopt);
  EXPECT_EQ(AllEnded(), 0);
  EXPECT_FALSE(snapshot.version.empty());
}

TEST_F(MetricsSnapshotTest, AnAllocationIsCountedOnceWithItsAttemptItsWaitAndItsMemory) {
  cma_->SetUsage({.free_bytes = 5 * kPage, .largest_free_bytes = kPage});
  const auto session = Connect();

  ASSERT_TRUE(Allocate(Request(session, 2, 3))->ok());

  const HeapSnapshot heap = Of("cma");
  EXPECT_EQ(Ended("ok"), 1);
  EXPECT_EQ(AllEnded(), 1);
  EXPECT_EQ(heap.counters.attempts.ok, 1);
  EXPECT_EQ(CountOf(heap.counters.allocation_duration), 1);
  EXPECT_EQ(CountOf(heap.counters.queue_wait), 1);
  EXPECT_EQ(heap.live_buffers, 3);
  EXPECT_EQ(heap.live_bytes, 6 * kPage);
  EXPECT_EQ(heap.free_bytes, 5 * kPage);
  EXPECT_EQ(heap.queue_depth, 0);
  EXPECT_EQ(AllEnded("system"), 0);
}

TEST_F(MetricsSnapshotTest, TimeInLineAndTheWholeDurationAreToldApart) {
  workers_.Hold("heap-cma");
  Allocate(Request(Connect()));
  const Call second = Allocate(Request(Connect()));
  EXPECT_EQ(Of("cma").queue_depth, 2);
  executor_.Advance(2 * kMs);
  workers_.RunOne("heap-cma");
  executor_.Advance(4 * kMs);
  workers_.LetGo("heap-cma");

  EXPECT_TRUE(second->ok());
  const HeapCounters counters = Of("cma").counters;
  EXPECT_EQ(counters.queue_wait.sum, 2 * kMs);
  EXPECT_EQ(counters.allocation_duration.sum, 2 * kMs + 6 * kMs);
}

TEST_F(MetricsSnapshotTest, FailedAttemptsAndTheWaitsBetweenThemAreOfTheHeap) {
  cma_->Script({ENOMEM, EBUSY});
  const Call call = Allocate(Request(Connect()));
  executor_.Advance(absl::Seconds(1));

  EXPECT_TRUE(call->ok()) << call->status();
  const HeapCounters counters = Of("cma").counters;
  EXPECT_EQ(counters.attempts.ok, 1);
  EXPECT_EQ(counters.attempts.no_memory, 1);
  EXPECT_EQ(counters.attempts.error, 1);
  EXPECT_EQ(counters.backoff, kMs + 2 * kMs);
  EXPECT_EQ(CountOf(counters.queue_wait), 3);
  EXPECT_EQ(Ended("ok"), 1);
  EXPECT_EQ(CountOf(Of("cma").pin_lifetimes), 1);
}

TEST_F(MetricsSnapshotTest, WhatComesBackAfterTheEndOfItsRequestIsLate) {
  workers_.Hold("heap-cma");
  const Call call = Allocate(Request(Connect()));
  Cancel(call);
  workers_.LetGo("heap-cma");

  EXPECT_EQ(Of("cma").counters.attempts.late, 1);
  EXPECT_EQ(Of("cma").counters.attempts.ok, 0);
  EXPECT_EQ(Ended("request_cancelled"), 1);
  EXPECT_EQ(CountOf(Of("cma").counters.allocation_duration), 0);
}

TEST_F(MetricsSnapshotTest,
       ARequestThatTurnsToAnotherHeapEndsThereAndItsAttemptsStayWhereTheyWere) {
  Use("retry_policies { name: 'mine' max_attempts: 1 fallback_heaps: 'system' }");
  cma_->Script({ENOMEM});

  ASSERT_TRUE(Allocate(By("mine"))->ok());

  EXPECT_EQ(Of("cma").counters.attempts.no_memory, 1);
  EXPECT_EQ(AllEnded("cma"), 0);
  EXPECT_EQ(Of("system").counters.attempts.ok, 1);
  EXPECT_EQ(Ended("ok", "system"), 1);
}

TEST_F(MetricsSnapshotTest, ARefusalIsCountedByItsReasonAndANameThatNoHeapHasNot) {
  Allocate(Request(Connect(), 17));
  AllocateRequest nowhere = Request(Connect());
  nowhere.heap = "nowhere";
  Allocate(std::move(nowhere));

  EXPECT_EQ(Ended("size_exceeds_heap"), 1);
  EXPECT_EQ(AllEnded("cma"), 1);
  EXPECT_EQ(AllEnded("system"), 0);
  EXPECT_EQ(Snapshot().heaps.size(), 2u);
}

TEST_F(MetricsSnapshotTest, QuotasAreCountedForAllocationsAndClaimsButNotForADryRun) {
  Use(" quotas { who { uids: 2000 } max_buffers: 0 } quotas { who { everybody: true } "
      "max_buffers: 1 }");
  const auto session = Connect();
  EXPECT_EQ(GetReason(Allocate(Request(session, 1, 2))->status()), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_EQ(Snapshot().quota_rejections, 1);

  AllocateRequest dry_run = Request(session, 1, 2);
  dry_run.validate_only = true;
  Allocate(std::move(dry_run));
  EXPECT_EQ(Snapshot().quota_rejections, 1);
  EXPECT_EQ(Ended("quota_exceeded"), 1);

  const Call held = Allocate(Request(nullptr));
  ASSERT_TRUE(held->ok()) << held->status();
  const auto claim = Claim(held->result->buffers(0).name(), held->result->claim_token(), session,
                           /*uid=*/2000);
  EXPECT_EQ(GetReason(claim->result.status()), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_EQ(Snapshot().quota_rejections, 2);
}

TEST_F(MetricsSnapshotTest, ASessionThatDoesNotTakeItsFdsIsAFailedPush) {
  const auto session = Connect();
  session->FailPush(1, EAGAIN);

  EXPECT_EQ(GetReason(Allocate(Request(session))->status()), ErrorReason::FD_CHANNEL_FULL);

  EXPECT_EQ(Snapshot().fd_push_failures, 1);
  EXPECT_EQ(Ended("fd_channel_full"), 1);
  EXPECT_EQ(Of("cma").counters.attempts.ok, 1);
}

TEST_F(MetricsSnapshotTest, DrawsStayCountedWhenTheirReservationEnds) {
  const auto session = Connect();
  const uint64_t id = Book(session, 2);
  ASSERT_TRUE(Allocate(DrawOf(id, session, 3))->ok());
  ASSERT_EQ(Snapshot().reserve_hits, 2);

  Do([&] { EXPECT_TRUE(allocator_->DeleteReservation(kUid, id).ok()); });

  EXPECT_EQ(Snapshot().reserve_hits, 2);
  EXPECT_EQ(Snapshot().reserve_misses, 1);
}

TEST_F(MetricsSnapshotTest, ARefillIsAnAttemptOfTheHeapAndNobodysRequest) {
  const auto session = Connect();
  const uint64_t id = Book(session, 1);
  ASSERT_TRUE(Allocate(DrawOf(id, session, 1))->ok());
  const int64_t before = AllEnded();
  ASSERT_EQ(Of("cma").counters.attempts.ok, 1);

  session->Read();  // and closes
  Reconcile();

  EXPECT_EQ(Of("cma").counters.attempts.ok, 2);
  EXPECT_EQ(AllEnded(), before);
}

TEST_F(MetricsSnapshotTest, MemoryOfAnotherHeapIsNoHelpOfThoseWhoWereAsked) {
  Use(" retry_policies { name: 'asks' initial_backoff { nanos: 1000000 } jitter: 0 "
      "max_attempts: 2 ask_clients { } fallback_heaps: 'system' }");
  may_be_asked_ = true;
  Allocate(Request(Connect()));
  cma_->SetUsage({.free_bytes = 0, .largest_free_bytes = 0});
  cma_->Script({ENOMEM, ENOMEM});

  const Call call = Allocate(By("asks"));
  executor_.Advance(absl::Seconds(1));

  ASSERT_TRUE(call->ok()) << call->status();
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_EQ(Of("cma").counters.client_asks.helped, 0);
  EXPECT_EQ(Of("cma").counters.client_asks.not_helped, 1);
  EXPECT_EQ(Of("system").counters.client_asks.helped, 0);
}

}  // namespace
}  // namespace dmaheap
