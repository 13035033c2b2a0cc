#include "daemon/core/allocator.h"

#include <cerrno>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/core/listing.h"
#include "daemon/core/testing/core_fixture.h"
#include "daemon/limits.h"
#include "gtest/gtest.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

constexpr char kHeapWorker[] = "heap-cma";

class AllocatorTest : public CoreFixture {
 protected:
  // Bytes of one uid are limited.
  void LimitBytes(int64_t bytes) {
    SetPolicy(
        absl::StrCat(kEverything, " quotas { who { everybody: true } max_bytes: ", bytes, " }"));
  }
};

// ---- the good way

TEST_F(AllocatorTest, BuffersArriveBeforeTheReplyAndAreCharged) {
  const auto session = Connect();
  AllocateRequest request = Request(session, 2, 3);
  request.size_bytes -= 1;  // rounded up
  request.label = "camera";
  request.request_id = "id";
  bool fds_first = false;
  auto outcome = std::make_shared<Outcome>();
  outcomes_.push_back(outcome);
  Do([&] {
    allocator_->Allocate(std::move(request), [&](absl::StatusOr<v1::AllocateBuffersResponse> r) {
      fds_first = session->unacknowledged() == 3;
      ++outcome->calls;
      outcome->result = std::move(r);
    });
  });

  ASSERT_TRUE(outcome->ok()) << outcome->status();
  EXPECT_TRUE(fds_first);
  const auto& response = *outcome->result;
  ASSERT_EQ(response.buffers_size(), 3);
  EXPECT_EQ(response.attempts(), 1);
  EXPECT_TRUE(response.claim_token().empty());
  for (const v1::Buffer& buffer : response.buffers()) {
    EXPECT_EQ(buffer.heap(), "heaps/cma");
    EXPECT_EQ(buffer.size_bytes(), 2 * kPage);
    EXPECT_EQ(buffer.contiguity(), v1::PHYSICAL);
    EXPECT_EQ(buffer.label(), "camera");
    EXPECT_EQ(buffer.state(), v1::Buffer::DELIVERED);
    EXPECT_EQ(buffer.owner_uid(), kUid);
    EXPECT_EQ(buffer.client(), "clients/1");
    EXPECT_EQ(buffer.request_id(), "id");
  }
  const auto frames = session->Read();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].message.batch_id(), response.batch_id());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(frames[0].message.entries(i).name(), response.buffers(i).name());
  }
  EXPECT_EQ(ChargedOf(), (Charged{6 * kPage, 3}));
  EXPECT_EQ(cma_->labels(), (std::vector<std::string>(3, "camera")));
}

TEST_F(AllocatorTest, TheDaemonKeepsNoReferenceAndTheChargeFollowsTheMemory) {
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session))->ok());
  auto frames = session->Read();
  Reconcile();
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));

  frames.clear();
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));  // close() tells nobody
  Reconcile();
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(AllocatorTest, AnEventThatABufferIsGoneEndsItsCharge) {
  const auto session = Connect();
  const Call call = Allocate(Request(session));
  session->Read();
  view_.Signal(ParseBufferName("name", call->result->buffers(0).name()).value());
  Do([&] { allocator_->OnSignal(); });
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(AllocatorTest, OneEventForEachEnd) {
  const auto session = Connect();
  AllocateRequest request = Request(session, 1, 2);
  request.request_id = "good";
  cma_->Script({ENOMEM});
  Allocate(std::move(request));
  executor_.Advance(absl::Milliseconds(1));
  AllocateRequest wrong = Request(session);
  wrong.heap = "nowhere";
  Allocate(std::move(wrong));

  ASSERT_EQ(events_.events.size(), 2u);
  EXPECT_TRUE(events_.events[0].outcome.ok());
  EXPECT_EQ(events_.events[0].request_id, "good");
  EXPECT_EQ(events_.events[0].heap, "cma");
  EXPECT_EQ(events_.events[0].uid, kUid);
  EXPECT_EQ(events_.events[0].size_bytes, kPage);
  EXPECT_EQ(events_.events[0].count, 2);
  EXPECT_EQ(events_.events[0].attempts, 2);
  EXPECT_EQ(events_.events[0].duration, absl::Milliseconds(1));
  EXPECT_EQ(GetReason(events_.events[1].outcome), ErrorReason::HEAP_NOT_FOUND);
  EXPECT_EQ(events_.events[1].heap, "nowhere");
  EXPECT_EQ(events_.events[1].attempts, 0);
}

TEST_F(AllocatorTest, AnAliasIsAnsweredByTheHeapsOwnName) {
  AllocateRequest request = Request(Connect());
  request.heap = "reserved";
  const Call call = Allocate(std::move(request));
  ASSERT_TRUE(call->ok()) << call->status();
  EXPECT_EQ(call->result->buffers(0).heap(), "heaps/cma");
}

// ---- what is refused before anything is reserved

TEST_F(AllocatorTest, AHeapThatIsNotThere) {
  AllocateRequest request = Request(Connect());
  request.heap = "nowhere";
  EXPECT_EQ(GetReason(Allocate(std::move(request))->status()), ErrorReason::HEAP_NOT_FOUND);
}

TEST_F(AllocatorTest, AccessIsDeniedByTheRightThatIsMissing) {
  SetPolicy(
      "access { who { uids: 1000 } heaps: 'system' rights: [ALLOCATE, HOLD] } "
      "access { who { uids: 1000 } heaps: 'cma' rights: ALLOCATE }");
  const auto session = Connect();
  EXPECT_TRUE(Allocate(Request(session))->ok());

  const absl::Status hold = Allocate(Request(nullptr))->status();
  EXPECT_EQ(GetReason(hold), ErrorReason::ACCESS_DENIED);
  EXPECT_EQ(GetErrorValue(hold, "right"), "HOLD");
  EXPECT_EQ(GetErrorValue(hold, "heap"), "cma");
  EXPECT_EQ(GetErrorValue(hold, "rules"), "0,1");

  AllocateRequest other = Request(session);
  other.principal.uid = 2000;
  const absl::Status status = Allocate(std::move(other))->status();
  EXPECT_EQ(GetReason(status), ErrorReason::ACCESS_DENIED);
  EXPECT_EQ(GetErrorValue(status, "uid"), "2000");
  EXPECT_EQ(GetErrorValue(status, "right"), "ALLOCATE");
  EXPECT_EQ(cma_->calls(), 1);
  EXPECT_EQ(ChargedOf(2000), Charged{});
}

TEST_F(AllocatorTest, MoreThanTheHeapCanEverHoldIsRefusedAtOnce) {
  const auto session = Connect();
  EXPECT_EQ(GetReason(Allocate(Request(session, 17))->status()), ErrorReason::SIZE_EXCEEDS_HEAP);
  const absl::Status status = Allocate(Request(session, 6, 3))->status();
  EXPECT_EQ(GetReason(status), ErrorReason::SIZE_EXCEEDS_HEAP);
  EXPECT_EQ(GetErrorValue(status, "heap_size_bytes"), absl::StrCat(16 * kPage));
  EXPECT_EQ(cma_->calls(), 0);
  EXPECT_TRUE(Allocate(Request(session, 8, 2))->ok());
}

TEST_F(AllocatorTest, SizesThatOverflowAreInvalid) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const auto session = Connect();
  struct Row {
    int64_t size;
    int count;
  };
  for (const Row& row : std::vector<Row>{{kMax, 1},
                                         {kMax - kPage + 2, 1},
                                         {(int64_t{1} << 62), 2},
                                         {(int64_t{1} << 58) + 1, 32}}) {
    AllocateRequest request = Request(session, 1, row.count);
    request.heap = "system";
    request.size_bytes = row.size;
    const absl::Status status = Allocate(std::move(request))->status();
    EXPECT_EQ(GetReason(status), ErrorReason::INVALID_SIZE) << row.size;
    google::rpc::BadRequest bad_request;
    ASSERT_TRUE(GetDetail(status, bad_request));
    EXPECT_EQ(bad_request.field_violations(0).field(), "size_bytes");
  }
  EXPECT_EQ(system_->calls(), 0);
}

TEST_F(AllocatorTest, QuotaSumsThatOverflowAreRefusedAndForgetNothing) {
  const auto session = Connect();
  workers_.Hold("heap-system");
  std::vector<Call> calls;
  for (int i = 0; i < 3; ++i) {
    AllocateRequest request = Request(session);
    request.heap = "system";
    request.size_bytes = int64_t{1} << 62;
    calls.push_back(Allocate(std::move(request)));
  }
  EXPECT_FALSE(calls[0]->done());
  EXPECT_EQ(GetReason(calls[1]->status()), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_EQ(GetReason(calls[2]->status()), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_EQ(ChargedOf(), (Charged{int64_t{1} << 62, 1}));
  Cancel(calls[0]);
}

// ---- attempts

TEST_F(AllocatorTest, ATransientFailureIsTriedAgainAfterItsDelay) {
  const auto session = Connect();
  cma_->Script({ENOMEM, EBUSY});
  const Call call = Allocate(Request(session));
  EXPECT_EQ(cma_->calls(), 1);
  executor_.Advance(absl::Milliseconds(1) - absl::Nanoseconds(1));
  EXPECT_EQ(cma_->calls(), 1);
  executor_.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(cma_->calls(), 2);
  EXPECT_FALSE(call->done());
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));  // also while it waits
  executor_.Advance(absl::Milliseconds(2));

  ASSERT_TRUE(call->ok()) << call->status();
  EXPECT_EQ(call->result->attempts(), 3);
  EXPECT_EQ(call->result->duration().nanos(), 3'000'000);
}

TEST_F(AllocatorTest, TheAttemptsOfThePolicyAreAllThereAre) {
  cma_->Script({ENOMEM, ENOMEM, ENOMEM, ENOMEM});
  cma_->SetUsage({.free_bytes = 0, .largest_free_bytes = 0});
  const Call call = Allocate(Request(Connect()));
  executor_.Advance(absl::Hours(1));
  EXPECT_EQ(cma_->calls(), 3);
  EXPECT_EQ(GetReason(call->status()), ErrorReason::HEAP_EXHAUSTED);
  EXPECT_EQ(GetErrorValue(call->status(), "attempts"), "3");
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(AllocatorTest, AnFdLimitIsNotTriedAgainAndIsNoFullHeap) {
  cma_->Script({EMFILE});
  cma_->SetUsage({.free_bytes = 0, .largest_free_bytes = 0});
  const Call call = Allocate(Request(Connect()));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::DAEMON_FD_LIMIT);
  EXPECT_EQ(cma_->calls(), 1);
}

TEST_F(AllocatorTest, APartOfABatchIsKeptForTheNextAttempt) {
  const auto session = Connect();
  cma_->Script({0, 0, ENOMEM});
  const Call call = Allocate(Request(session, 1, 4));
  EXPECT_EQ(session->unacknowledged(), 0);
  EXPECT_EQ(view_.LiveBytes(), 2 * kPage);
  executor_.Advance(absl::Milliseconds(1));
  ASSERT_TRUE(call->ok());
  EXPECT_EQ(cma_->calls(), 5);  // 2 + the failure + the 2 that were missing
  EXPECT_EQ(call->result->buffers_size(), 4);
  EXPECT_EQ(ChargedOf(), (Charged{4 * kPage, 4}));
}

TEST_F(AllocatorTest, AllOrNothing) {
  const auto session = Connect();
  cma_->Script({0, 0, ENODEV});
  const Call call = Allocate(Request(session, 1, 4));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::HEAP_ABSENT);
  EXPECT_EQ(GetErrorValue(call->status(), "allocated"), "2");
  EXPECT_EQ(view_.LiveBytes(), 0);
  EXPECT_EQ(ChargedOf(), Charged{});
  EXPECT_TRUE(session->Read().empty());
  EXPECT_EQ(session->reserved(), 0);
}

TEST_F(AllocatorTest, WhatIsClosedUndeliveredGivesItsFramesBackByItself) {
  // A heap that keeps its own books learns it from a reading: somebody has to ask for one.
  cma_->Script({0, 0, ENODEV});
  Allocate(Request(Connect(), 1, 4));
  executor_.Advance(kSettleInterval);
  EXPECT_TRUE(cma_->given().empty());
}

TEST_F(AllocatorTest, ABufferThatCanNotBeWatchedDoesNotGoOut) {
  const auto session = Connect();
  view_.FailWatch(ENOSPC);
  const Call call = Allocate(Request(session, 1, 2));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::DAEMON_FD_LIMIT);
  EXPECT_TRUE(session->Read().empty());
  EXPECT_TRUE(cma_->given().empty());
}

TEST_F(AllocatorTest, AFullHeapIsNotFullOfWhatIsGone) {
  // The frames of buffers that clients closed come back with a reading; one must precede the
  // refusal.
  SetPolicy(
      "access { who { everybody: true } heaps: '*' rights: ALLOCATE } "
      "retry_policies { name: 'default' max_attempts: 2 jitter: 0 }");
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 16))->ok());
  session->Read();  // and closed
  cma_->OnAllocate([&] {
    if (!cma_->given().empty()) cma_->Script({ENOMEM});
  });
  const Call call = Allocate(Request(session, 16));
  executor_.Advance(absl::Seconds(1));
  cma_->OnAllocate(nullptr);
  EXPECT_TRUE(call->ok()) << call->status();
}

TEST_F(AllocatorTest, TheKernelsViewIsNotReadForAnAttemptThatFailedWithRoomEnough) {
  const auto session = Connect();
  HeapUsage usage;
  usage.free_bytes = 16 * kPage;
  cma_->SetUsage(usage);
  cma_->Script({ENOMEM});
  const int before = view_.readings();
  const Call call = Allocate(Request(session, 1));
  executor_.Advance(absl::Milliseconds(10));
  EXPECT_TRUE(call->ok()) << call->status();
  EXPECT_EQ(view_.readings(), before);
}

TEST_F(AllocatorTest, OneAttemptOfAnAreaAtATime) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  const Call first = Allocate(Request(session));
  const Call second = Allocate(Request(session));
  EXPECT_EQ(workers_.Waiting(kHeapWorker), 1u);
  EXPECT_EQ(allocator_->QueueDepth(*cma_), 2u);
  EXPECT_TRUE(workers_.RunOne(kHeapWorker));
  EXPECT_TRUE(first->done());
  EXPECT_FALSE(second->done());
  EXPECT_TRUE(workers_.RunOne(kHeapWorker));
  EXPECT_TRUE(second->done());
}

TEST_F(AllocatorTest, ARequestThatWaitsForItsNextAttemptLetsOthersBefore) {
  const auto session = Connect();
  cma_->Script({ENOMEM});
  const Call first = Allocate(Request(session));
  const Call second = Allocate(Request(session));
  EXPECT_FALSE(first->done());
  EXPECT_TRUE(second->done());
  executor_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(first->ok());
}

TEST_F(AllocatorTest, UidsTakeTurns) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  for (const auto& [uid, label] : std::vector<std::pair<uint32_t, std::string>>{
           {1, "a1"}, {1, "a2"}, {1, "a3"}, {2, "b1"}, {3, "c1"}, {2, "b2"}}) {
    AllocateRequest request = Request(session);
    request.principal.uid = uid;
    request.label = label;
    Allocate(std::move(request));
  }
  workers_.LetGo(kHeapWorker);
  EXPECT_EQ(cma_->labels(), (std::vector<std::string>{"a1", "a2", "b1", "c1", "a3", "b2"}));
}

TEST_F(AllocatorTest, AFullLineIsOverloadedWithARetry) {
  workers_.Hold(kHeapWorker);
  std::vector<Call> calls;
  for (size_t i = 0; i <= kMaxQueuePerUid; ++i) {
    AllocateRequest request = Request(Connect());
    request.size_bytes = 1;
    calls.push_back(Allocate(std::move(request)));
  }
  const absl::Status status = calls.back()->status();
  EXPECT_EQ(GetReason(status), ErrorReason::OVERLOADED);
  EXPECT_EQ(GetRetryAfter(status), kOverloadRetryAfter);
  EXPECT_EQ(ChargedOf().buffers, static_cast<int64_t>(kMaxQueuePerUid));
  EXPECT_EQ(sessions_.back()->reserved(), 0);
  for (size_t i = 0; i < kMaxQueuePerUid; ++i) EXPECT_FALSE(calls[i]->done());
}

// ---- deadlines

TEST_F(AllocatorTest, ADeadlineThatHasPassedIsNotTried) {
  AllocateRequest request = Request(Connect());
  request.deadline = executor_.Now();
  const Call call = Allocate(std::move(request));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::DEADLINE);
  EXPECT_EQ(cma_->calls(), 0);
}

TEST_F(AllocatorTest, ADeadlineInLineEndsTheRequestWithoutAnAttempt) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  const Call first = Allocate(Request(session));
  AllocateRequest request = Request(session);
  request.deadline = executor_.Now() + absl::Milliseconds(10);
  const Call second = Allocate(std::move(request));
  executor_.Advance(absl::Milliseconds(10));
  EXPECT_EQ(GetReason(second->status()), ErrorReason::DEADLINE);
  EXPECT_EQ(GetErrorValue(second->status(), "attempts"), "0");
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
  EXPECT_EQ(session->reserved(), 1);
  workers_.LetGo(kHeapWorker);
  EXPECT_TRUE(first->ok());
  EXPECT_EQ(cma_->calls(), 1);
}

TEST_F(AllocatorTest, ADeadlineInTheHeapAnswersAtOnceAndTheChargeStaysUntilTheBuffersAreClosed) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  AllocateRequest request = Request(session, 1, 2);
  request.deadline = executor_.Now() + absl::Milliseconds(10);
  const Call call = Allocate(std::move(request));
  Charged in_the_heap;
  bool answered = false;
  cma_->OnAllocate([&] {
    executor_.Advance(absl::Milliseconds(20));
    answered = call->done();
    in_the_heap = ChargedOf();
  });

  workers_.RunOne(kHeapWorker);

  cma_->OnAllocate(nullptr);
  EXPECT_TRUE(answered);
  EXPECT_EQ(GetReason(call->status()), ErrorReason::DEADLINE);
  EXPECT_EQ(in_the_heap, (Charged{2 * kPage, 2}));
  EXPECT_EQ(cma_->calls(), 1);  // the second buffer is not even tried
  EXPECT_EQ(view_.LiveBytes(), 0);
  EXPECT_EQ(ChargedOf(), Charged{});
  EXPECT_EQ(session->reserved(), 0);
  EXPECT_TRUE(session->Read().empty());
}

TEST_F(AllocatorTest, ALateBufferGivesItsFramesBackByItself) {
  workers_.Hold(kHeapWorker);
  AllocateRequest request = Request(Connect());
  request.deadline = executor_.Now() + absl::Milliseconds(10);
  Allocate(std::move(request));
  cma_->OnAllocate([&] { executor_.Advance(absl::Milliseconds(20)); });
  workers_.RunOne(kHeapWorker);
  cma_->OnAllocate(nullptr);
  EXPECT_EQ(cma_->calls(), 1);
  executor_.Advance(kSettleInterval);
  EXPECT_TRUE(cma_->given().empty());
}

TEST_F(AllocatorTest, NoRetryAfterTheDeadline) {
  cma_->Script({ENOMEM, ENOMEM, ENOMEM});
  AllocateRequest request = Request(Connect());
  request.deadline = executor_.Now() + absl::Milliseconds(2);
  const Call call = Allocate(std::move(request));
  executor_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(cma_->calls(), 2);
  // The next delay of 2 ms does not fit: the deadline itself ends it.
  EXPECT_FALSE(call->done());
  executor_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::DEADLINE);
  executor_.Advance(absl::Hours(1));
  EXPECT_EQ(cma_->calls(), 2);
}

TEST_F(AllocatorTest, ADeadlineWhileItWaitsForItsNextAttempt) {
  SetPolicy(
      "access { who { everybody: true } heaps: '*' rights: ALLOCATE } "
      "retry_policies { name: 'default' max_attempts: 9 jitter: 0 initial_backoff { nanos: 5000000 "
      "} }");
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  cma_->Script({ENOMEM});
  AllocateRequest request = Request(session);
  request.deadline = executor_.Now() + absl::Milliseconds(6);
  const Call call = Allocate(std::move(request));
  workers_.RunOne(kHeapWorker);
  Allocate(Request(session));  // has the worker when the delay ends
  executor_.Advance(absl::Milliseconds(7));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::DEADLINE);
  EXPECT_EQ(GetErrorValue(call->status(), "errno"), "ENOMEM");
  EXPECT_EQ(session->reserved(), 1);
}

// ---- cancels

TEST_F(AllocatorTest, ACancelInLine) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  Allocate(Request(session));
  const Call call = Allocate(Request(session));
  Cancel(call);
  EXPECT_EQ(GetReason(call->status()), ErrorReason::REQUEST_CANCELLED);
  EXPECT_EQ(allocator_->QueueDepth(*cma_), 1u);
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
  workers_.LetGo(kHeapWorker);
  EXPECT_EQ(cma_->calls(), 1);
}

TEST_F(AllocatorTest, ACancelInTheHeapClosesTheLateBuffer) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  const Call call = Allocate(Request(session, 1, 3));
  cma_->OnAllocate([&] { Cancel(call); });
  workers_.RunOne(kHeapWorker);
  cma_->OnAllocate(nullptr);
  EXPECT_EQ(GetReason(call->status()), ErrorReason::REQUEST_CANCELLED);
  EXPECT_EQ(cma_->calls(), 1);
  EXPECT_EQ(view_.LiveBytes(), 0);
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(AllocatorTest, ACancelBeforeTheNextAttempt) {
  cma_->Script({0, ENOMEM});
  const Call call = Allocate(Request(Connect(), 1, 2));
  Cancel(call);
  EXPECT_EQ(GetReason(call->status()), ErrorReason::REQUEST_CANCELLED);
  EXPECT_EQ(view_.LiveBytes(), 0);
  EXPECT_EQ(ChargedOf(), Charged{});
  executor_.Advance(absl::Hours(1));
  EXPECT_EQ(cma_->calls(), 2);
}

TEST_F(AllocatorTest, ACancelWhileTheKernelIsAsked) {
  LimitBytes(kPage);
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session))->ok());
  workers_.Hold("live-view");
  const Call call = Allocate(Request(session));
  EXPECT_FALSE(call->done());
  Cancel(call);
  EXPECT_EQ(GetReason(call->status()), ErrorReason::REQUEST_CANCELLED);
  session->Read();
  workers_.LetGo("live-view");
  EXPECT_EQ(cma_->calls(), 1);
}

TEST_F(AllocatorTest, ACancelAfterTheEndChangesNothing) {
  const Call call = Allocate(Request(Connect()));
  ASSERT_TRUE(call->ok());
  Cancel(call);
  Cancel({.id = 999, .outcome = call.outcome});
  EXPECT_TRUE(call->ok());
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
}

// ---- sessions that end

TEST_F(AllocatorTest, ASessionThatIsGoneGetsNothing) {
  const auto session = Connect();
  session->Die();
  const Call call = Allocate(Request(session));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::SESSION_UNKNOWN);
  EXPECT_EQ(cma_->calls(), 0);
}

TEST_F(AllocatorTest, ASessionThatEndsTakesItsRequestsWithItInLineAndInTheHeap) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  const auto other = Connect();
  const Call in_the_heap = Allocate(Request(session));
  const Call in_line = Allocate(Request(session));
  const Call of_another = Allocate(Request(other));
  cma_->OnAllocate([&] {
    cma_->OnAllocate(nullptr);
    Disconnect(session);
  });
  workers_.LetGo(kHeapWorker);
  EXPECT_EQ(GetReason(in_the_heap->status()), ErrorReason::REQUEST_CANCELLED);
  EXPECT_EQ(GetReason(in_line->status()), ErrorReason::REQUEST_CANCELLED);
  // What came too late for the one in the heap serves the other session.
  EXPECT_TRUE(of_another->ok());
  EXPECT_EQ(cma_->calls(), 1);
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
}

TEST_F(AllocatorTest, ASessionThatEndsBeforeTheNextAttempt) {
  const auto session = Connect();
  cma_->Script({0, ENOMEM});
  const Call call = Allocate(Request(session, 1, 2));
  Disconnect(session);
  EXPECT_EQ(GetReason(call->status()), ErrorReason::REQUEST_CANCELLED);
  EXPECT_EQ(view_.LiveBytes(), 0);
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(AllocatorTest, ASessionThatEndsWhileTheKernelIsAsked) {
  LimitBytes(kPage);
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session))->ok());
  workers_.Hold("live-view");
  const Call call = Allocate(Request(session));
  Disconnect(session);
  EXPECT_EQ(GetReason(call->status()), ErrorReason::REQUEST_CANCELLED);
  workers_.LetGo("live-view");
  EXPECT_EQ(cma_->calls(), 1);
}

TEST_F(AllocatorTest, DisconnectingFreesNothingThatSomebodyStillHas) {
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 1, 2))->ok());
  auto frames = session->Read();
  Disconnect(session);
  executor_.Advance(absl::Hours(1));
  EXPECT_EQ(ChargedOf(), (Charged{2 * kPage, 2}));
  for (const auto& [number, record] : allocator_->table().records()) {
    EXPECT_EQ(record.state, v1::Buffer::ORPHANED);
  }
  frames[0].fds[0].Reset();
  Reconcile();
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
}

TEST_F(AllocatorTest, WhatADeadSessionHadNotReadIsRefundedSoon) {
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session))->ok());
  Disconnect(session);
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(ChargedOf(), Charged{});
}

// ---- delivery that fails

TEST_F(AllocatorTest, ASessionThatDoesNotReadGetsNothingHalf) {
  const auto session = Connect();
  session->FailPush(1, EAGAIN);
  const Call call = Allocate(Request(session, 1, 2));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::FD_CHANNEL_FULL);
  EXPECT_EQ(session->reserved(), 0);
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(AllocatorTest, WhatWentOutBeforeAFrameFailedStaysChargedWhileItLives) {
  const auto session = Connect();
  session->FailPush(2, ETOOMANYREFS);
  AllocateRequest request = Request(session, 1, 20);
  request.heap = "system";
  const Call call = Allocate(std::move(request));
  EXPECT_EQ(GetReason(call->status()), ErrorReason::DAEMON_FD_LIMIT);
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(ChargedOf(), (Charged{16 * kPage, 16}));
  EXPECT_EQ(session->unacknowledged(), 16);
  EXPECT_EQ(session->reserved(), 0);
  session->Read();
  Reconcile();
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(AllocatorTest, AWindowWithoutRoomRefusesBeforeTheHeapIsAsked) {
  const auto session = Connect();
  AllocateRequest request = Request(session, 1, kFdWindow);
  request.heap = "system";
  ASSERT_TRUE(Allocate(std::move(request))->ok());
  EXPECT_EQ(GetReason(Allocate(Request(session))->status()), ErrorReason::FD_CHANNEL_FULL);
  EXPECT_EQ(cma_->calls(), 0);
  EXPECT_EQ(ChargedOf().buffers, kFdWindow);
}

// ---- quotas

TEST_F(AllocatorTest, AQuotaIsRefusedOnlyAfterTheKernelWasAsked) {
  LimitBytes(2 * kPage);
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 2))->ok());
  auto frames = session->Read();
  const int readings = view_.readings();

  const Call refused = Allocate(Request(session));
  EXPECT_EQ(GetReason(refused->status()), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_EQ(view_.readings(), readings + 1);

  frames.clear();  // closed, and nobody told us
  const Call taken = Allocate(Request(session, 2));
  EXPECT_TRUE(taken->ok()) << taken->status();
  EXPECT_EQ(ChargedOf(), (Charged{2 * kPage, 1}));
}

TEST_F(AllocatorTest, WhatIsUnderWayCountsForTheQuota) {
  LimitBytes(3 * kPage);
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  const Call first = Allocate(Request(session, 2));
  const Call second = Allocate(Request(session, 2));
  AllocateRequest foreign = Request(session, 2);
  foreign.principal.uid = 2000;
  const Call other_uid = Allocate(std::move(foreign));
  EXPECT_FALSE(first->done());
  EXPECT_EQ(GetReason(second->status()), ErrorReason::QUOTA_EXCEEDED);
  workers_.LetGo(kHeapWorker);
  EXPECT_TRUE(first->ok());
  EXPECT_TRUE(other_uid->ok());
}

TEST_F(AllocatorTest, AQuotaOfBuffersCountsTheWholeBatch) {
  SetPolicy(absl::StrCat(kEverything, " quotas { who { everybody: true } max_buffers: 3 }"));
  const auto session = Connect();
  EXPECT_EQ(GetReason(Allocate(Request(session, 1, 4))->status()), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_TRUE(Allocate(Request(session, 1, 3))->ok());
}

TEST_F(AllocatorTest, SeveralRequestsThatWaitForOneReadingNeverExceedTheQuotaTogether) {
  LimitBytes(3 * kPage);
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 3))->ok());
  session->Read();
  workers_.Hold("live-view");
  std::vector<Call> calls;
  for (int i = 0; i < 6; ++i) calls.push_back(Allocate(Request(session)));
  workers_.LetGo("live-view");
  int served = 0;
  for (const Call& call : calls) served += call->ok() ? 1 : 0;
  EXPECT_EQ(served, 3);
  EXPECT_EQ(ChargedOf(), (Charged{3 * kPage, 3}));
}

// ---- request ids

TEST_F(AllocatorTest, ARepeatIsAnsweredFromMemory) {
  const auto session = Connect();
  AllocateRequest request = Request(session);
  request.request_id = "same";
  request.repeatable = true;
  const Call first = Allocate(request);
  const Call again = Allocate(request);
  ASSERT_TRUE(again->ok());
  EXPECT_EQ(again->result->SerializeAsString(), first->result->SerializeAsString());
  EXPECT_EQ(cma_->calls(), 1);
  EXPECT_EQ(events_.events.size(), 1u);
}

TEST_F(AllocatorTest, ARepeatWhileTheFirstIsUnderWaySharesItsEnd) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  AllocateRequest request = Request(session);
  request.request_id = "same";
  request.repeatable = true;
  const Call first = Allocate(request);
  const Call again = Allocate(request);
  workers_.LetGo(kHeapWorker);
  ASSERT_TRUE(first->ok() && again->ok());
  EXPECT_EQ(again->result->buffers(0).name(), first->result->buffers(0).name());
  EXPECT_EQ(cma_->calls(), 1);
  EXPECT_EQ(session->Read().size(), 1u);
}

TEST_F(AllocatorTest, OneOfTwoSharersMayGo) {
  workers_.Hold(kHeapWorker);
  AllocateRequest request = Request(Connect());
  request.request_id = "same";
  request.repeatable = true;
  const Call first = Allocate(request);
  const Call again = Allocate(request);
  Cancel(first);
  EXPECT_EQ(GetReason(first->status()), ErrorReason::REQUEST_CANCELLED);
  EXPECT_FALSE(again->done());
  workers_.LetGo(kHeapWorker);
  EXPECT_TRUE(again->ok());
}

TEST_F(AllocatorTest, TheLastSharerThatGoesEndsTheRequest) {
  workers_.Hold(kHeapWorker);
  AllocateRequest request = Request(Connect());
  request.request_id = "same";
  request.repeatable = true;
  const Call first = Allocate(request);
  const Call again = Allocate(request);
  Cancel(first);
  Cancel(again);
  EXPECT_EQ(GetReason(again->status()), ErrorReason::REQUEST_CANCELLED);
  workers_.LetGo(kHeapWorker);
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(AllocatorTest, AnIdIsRefusedForAnotherRequestUnderWayAndAfterwards) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  AllocateRequest request = Request(session);
  request.request_id = "same";
  request.repeatable = true;
  AllocateRequest other = request;
  other.size_bytes = 2 * kPage;
  Allocate(request);
  EXPECT_EQ(GetReason(Allocate(other)->status()), ErrorReason::REQUEST_ID_REUSED);
  workers_.LetGo(kHeapWorker);
  EXPECT_EQ(GetReason(Allocate(other)->status()), ErrorReason::REQUEST_ID_REUSED);
}

TEST_F(AllocatorTest, AnIdOfAnotherUidIsAnotherRequest) {
  const auto session = Connect();
  AllocateRequest request = Request(session);
  request.request_id = "same";
  request.repeatable = true;
  const Call mine = Allocate(request);
  request.principal.uid = 2000;
  request.size_bytes = 2 * kPage;
  const Call other = Allocate(request);
  ASSERT_TRUE(mine->ok() && other->ok());
  EXPECT_NE(mine->result->buffers(0).name(), other->result->buffers(0).name());
}

TEST_F(AllocatorTest, AnAnswerWhoseBuffersAreGoneIsNotRepeated) {
  const auto session = Connect();
  AllocateRequest request = Request(session);
  request.request_id = "same";
  request.repeatable = true;
  ASSERT_TRUE(Allocate(request)->ok());
  session->Read();
  Reconcile();
  ASSERT_TRUE(Allocate(request)->ok());
  EXPECT_EQ(cma_->calls(), 2);
}

TEST_F(AllocatorTest, ARepeatAfterTheSessionEndedGetsBuffersAndNotTheAnswerAlone) {
  // The answer was lost with the connection, and so were the fds: only they are of use.
  const auto session = Connect();
  AllocateRequest request = Request(session);
  request.request_id = "same";
  request.repeatable = true;
  ASSERT_TRUE(Allocate(request)->ok());
  workers_.Hold("live-view");  // the kernel was not asked yet
  Disconnect(session);
  const auto next = Connect();
  request.recipient = next;
  const Call again = Allocate(request);
  ASSERT_TRUE(again->ok()) << again->status();
  EXPECT_EQ(next->Read().size(), 1u);
}

TEST_F(AllocatorTest, AFailureIsNotRemembered) {
  const auto session = Connect();
  AllocateRequest request = Request(session);
  request.request_id = "same";
  request.repeatable = true;
  cma_->Script({ENODEV});
  EXPECT_FALSE(Allocate(request)->ok());
  EXPECT_TRUE(Allocate(request)->ok());
}

TEST_F(AllocatorTest, ValidateOnlyOfAnIdUnderWayDisturbsNothing) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  AllocateRequest request = Request(session);
  request.request_id = "same";
  request.repeatable = true;
  const Call first = Allocate(request);
  AllocateRequest check = request;
  check.validate_only = true;
  EXPECT_TRUE(Allocate(check)->ok());
  const Call again = Allocate(request);  // still the one under way
  workers_.LetGo(kHeapWorker);
  ASSERT_TRUE(first->ok() && again->ok());
  EXPECT_EQ(cma_->calls(), 1);
}

// ---- validate_only

TEST_F(AllocatorTest, ValidateOnlyMakesEveryCheckAndNoMemory) {
  LimitBytes(2 * kPage);
  const auto session = Connect();
  AllocateRequest request = Request(session, 2);
  request.validate_only = true;
  const Call good = Allocate(request);
  ASSERT_TRUE(good->ok()) << good->status();
  EXPECT_EQ(good->result->buffers_size(), 0);
  request.size_bytes = 3 * kPage;
  EXPECT_EQ(GetReason(Allocate(request)->status()), ErrorReason::QUOTA_EXCEEDED);
  request.size_bytes = 17 * kPage;
  EXPECT_EQ(GetReason(Allocate(request)->status()), ErrorReason::SIZE_EXCEEDS_HEAP);
  request.heap = "nowhere";
  EXPECT_EQ(GetReason(Allocate(request)->status()), ErrorReason::HEAP_NOT_FOUND);
  EXPECT_EQ(cma_->calls(), 0);
  EXPECT_EQ(ChargedOf(), Charged{});
  EXPECT_EQ(session->reserved(), 0);
}

TEST_F(AllocatorTest, ValidateOnlyNeedsNoSession) {
  AllocateRequest request = Request(nullptr);
  request.purpose = AllocateRequest::Purpose::kDeliver;
  request.validate_only = true;
  EXPECT_TRUE(Allocate(request)->ok());
}

// ---- held buffers

class HeldTest : public AllocatorTest {
 protected:
  // The only buffer of a held batch.
  const v1::Buffer& Hold(int count = 1) {
    const Call call = Allocate(Request(nullptr, 1, count));
    EXPECT_TRUE(call->ok()) << call->status();
    held_ = *call->result;
    return held_.buffers(0);
  }
  v1::AllocateBuffersResponse held_;
};

TEST_F(HeldTest, AHeldBufferWaitsWithTheDaemonAndItsKeeper) {
  const v1::Buffer& buffer = Hold(2);
  EXPECT_EQ(held_.claim_token().size(), kSecretHexDigits);
  EXPECT_EQ(held_.batch_id(), 0);
  EXPECT_EQ(buffer.state(), v1::Buffer::HELD);
  EXPECT_EQ(buffer.client(), "");
  EXPECT_EQ(buffer.expire_time().seconds() - buffer.create_time().seconds(), 60);
  EXPECT_EQ(store_.size(), 2u);
  Reconcile();
  EXPECT_EQ(ChargedOf(), (Charged{2 * kPage, 2}));
}

TEST_F(HeldTest, TheFirstClaimWinsAndTheChargeMoves) {
  const std::string name = Hold().name();
  const auto session = Connect();
  const auto first = Claim(name, held_.claim_token(), session, 2000);
  ASSERT_TRUE(first->result.ok()) << first->result.status();
  EXPECT_EQ(first->result->buffer().state(), v1::Buffer::DELIVERED);
  EXPECT_EQ(first->result->buffer().owner_uid(), 2000);
  EXPECT_FALSE(first->result->buffer().has_expire_time());
  EXPECT_EQ(ChargedOf(), Charged{});
  EXPECT_EQ(ChargedOf(2000), (Charged{kPage, 1}));
  EXPECT_EQ(store_.size(), 0u);
  const auto frames = session->Read();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].message.batch_id(), first->result->batch_id());

  const auto second = Claim(name, held_.claim_token(), session);
  EXPECT_EQ(GetReason(second->result.status()), ErrorReason::BUFFER_NOT_FOUND);
}

TEST_F(HeldTest, OneTokenClaimsEachBufferOfItsBatch) {
  Hold(2);
  const auto session = Connect();
  EXPECT_TRUE(Claim(held_.buffers(0).name(), held_.claim_token(), session)->result.ok());
  EXPECT_TRUE(Claim(held_.buffers(1).name(), held_.claim_token(), session)->result.ok());
}

TEST_F(HeldTest, AWrongTokenClaimsNothing) {
  const std::string name = Hold().name();
  const auto session = Connect();
  const auto claim = Claim(name, std::string(kSecretHexDigits, '0'), session);
  EXPECT_EQ(GetReason(claim->result.status()), ErrorReason::BUFFER_NOT_FOUND);
  EXPECT_EQ(session->reserved(), 0);
  EXPECT_TRUE(Claim(name, held_.claim_token(), session)->result.ok());
}

TEST_F(HeldTest, AClaimerNeedsTheRightToAllocate) {
  SetPolicy("access { who { uids: 1000 } heaps: '*' rights: [ALLOCATE, HOLD] }");
  const std::string name = Hold().name();
  const auto claim = Claim(name, held_.claim_token(), Connect(), 2000);
  EXPECT_EQ(GetReason(claim->result.status()), ErrorReason::ACCESS_DENIED);
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
}

TEST_F(HeldTest, AClaimThatCanNotBeDeliveredChangesNothing) {
  const std::string name = Hold().name();
  const auto session = Connect();
  session->FailPush(1, EAGAIN);
  const auto claim = Claim(name, held_.claim_token(), session, 2000);
  EXPECT_EQ(GetReason(claim->result.status()), ErrorReason::FD_CHANNEL_FULL);
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
  EXPECT_EQ(ChargedOf(2000), Charged{});
  EXPECT_EQ(session->reserved(), 0);
  EXPECT_TRUE(Claim(name, held_.claim_token(), Connect(), 2000)->result.ok());
}

TEST_F(HeldTest, AClaimForADeadSession) {
  const std::string name = Hold().name();
  const auto session = Connect();
  session->Die();
  EXPECT_EQ(GetReason(Claim(name, held_.claim_token(), session)->result.status()),
            ErrorReason::SESSION_UNKNOWN);
}

TEST_F(HeldTest, AClaimOverTheClaimersQuotaIsRefusedOnlyAfterTheKernelWasAsked) {
  SetPolicy(absl::StrCat(kEverything, " quotas { who { uids: 2000 } max_bytes: ", kPage, " }"));
  const std::string name = Hold().name();
  const auto session = Connect();
  AllocateRequest request = Request(session);
  request.principal.uid = 2000;
  ASSERT_TRUE(Allocate(request)->ok());
  auto frames = session->Read();
  const auto refused = Claim(name, held_.claim_token(), session, 2000);
  EXPECT_EQ(GetReason(refused->result.status()), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
  EXPECT_EQ(session->reserved(), 0);
  frames.clear();
  EXPECT_TRUE(Claim(name, held_.claim_token(), session, 2000)->result.ok());
}

TEST_F(HeldTest, ALeaseThatEndsFreesTheBuffer) {
  const std::string name = Hold().name();
  executor_.Advance(absl::Seconds(60));
  executor_.Advance(kSettleInterval);
  EXPECT_EQ(ChargedOf(), Charged{});
  EXPECT_EQ(store_.size(), 0u);
  EXPECT_EQ(GetReason(Claim(name, held_.claim_token(), Connect())->result.status()),
            ErrorReason::LEASE_EXPIRED);
}

TEST_F(HeldTest, ThePolicyCapsTheLease) {
  SetPolicy(absl::StrCat(kEverything, " hold { max_lease { seconds: 90 } }"));
  AllocateRequest request = Request(nullptr);
  request.lease = absl::Hours(10);
  const Call call = Allocate(request);
  ASSERT_TRUE(call->ok());
  const v1::Buffer& buffer = call->result->buffers(0);
  EXPECT_EQ(buffer.expire_time().seconds() - buffer.create_time().seconds(), 90);
}

TEST_F(HeldTest, TheOwnerReleasesWithoutATokenOthersNeedIt) {
  Hold(3);
  EXPECT_EQ(GetReason(Release(held_.buffers(0).name(), "", 2000)), ErrorReason::BUFFER_NOT_FOUND);
  EXPECT_EQ(GetReason(Release(held_.buffers(0).name(), "wrong")), ErrorReason::BUFFER_NOT_FOUND);
  EXPECT_TRUE(Release(held_.buffers(0).name(), "").ok());
  EXPECT_TRUE(Release(held_.buffers(1).name(), held_.claim_token(), 2000).ok());
  executor_.Advance(kSettleInterval);
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
  EXPECT_EQ(store_.size(), 1u);
  EXPECT_FALSE(Release(held_.buffers(0).name(), "").ok());
}

TEST_F(HeldTest, AReleaseOfADeliveredBufferIsAHintThatTheKernelDecides) {
  const auto session = Connect();
  const Call call = Allocate(Request(session));
  const std::string name = call->result->buffers(0).name();
  auto frames = session->Read();
  EXPECT_TRUE(Release(name, "").ok());
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
  frames.clear();
  executor_.Advance(kMinReconcileInterval);
  EXPECT_TRUE(Release(name, "").ok());
  EXPECT_EQ(ChargedOf(), Charged{});
  EXPECT_EQ(GetReason(Release(name, "")), ErrorReason::BUFFER_NOT_FOUND);
  EXPECT_EQ(GetReason(Release(name, "", 2000)), ErrorReason::BUFFER_NOT_FOUND);
}

TEST_F(HeldTest, TwoHintsWithinASecondAreBothFollowed) {
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 1, 2))->ok());
  auto frames = session->Read();
  frames[0].fds[0].Reset();
  Do([&] { allocator_->OnReleaseHint(); });
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
  frames[0].fds[1].Reset();
  Do([&] { allocator_->OnReleaseHint(); });
  executor_.Advance(kMinReconcileInterval);
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(HeldTest, WhatTheKeeperDoesNotTakeIsNotHeldNorAnyOfItsBatch) {
  store_.FailStore(2);
  const Call call = Allocate(Request(nullptr, 1, 3));
  EXPECT_FALSE(call->ok());
  EXPECT_NE(call->status().message().find("fake store"), absl::string_view::npos);
  EXPECT_EQ(store_.size(), 0u);
  executor_.Advance(kSettleInterval);
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(HeldTest, ARepeatedHoldGivesTheSameToken) {
  AllocateRequest request = Request(nullptr);
  request.request_id = "same";
  request.repeatable = true;
  const Call first = Allocate(request);
  const Call again = Allocate(request);
  EXPECT_EQ(first->result->claim_token(), again->result->claim_token());
  EXPECT_EQ(cma_->calls(), 1);
}

// ---- the end of the daemon

TEST_F(AllocatorTest, DrainingEndsWhatWaitsAndWaitsForTheHeap) {
  workers_.Hold(kHeapWorker);
  const auto session = Connect();
  const Call in_the_heap = Allocate(Request(session));
  const Call in_line = Allocate(Request(session));
  bool drained = false;
  Do([&] { allocator_->Drain([&] { drained = true; }); });
  EXPECT_EQ(GetReason(in_the_heap->status()), ErrorReason::SHUTTING_DOWN);
  EXPECT_EQ(GetReason(in_line->status()), ErrorReason::SHUTTING_DOWN);
  EXPECT_NE(GetRetryAfter(in_line->status()), absl::nullopt);
  EXPECT_FALSE(drained);
  workers_.LetGo(kHeapWorker);
  EXPECT_TRUE(drained);
  EXPECT_EQ(cma_->calls(), 0);
}

TEST_F(AllocatorTest, WhoComesWhileDrainingIsTurnedAway) {
  EXPECT_TRUE(Drain());
  EXPECT_EQ(GetReason(Allocate(Request(Connect()))->status()), ErrorReason::SHUTTING_DOWN);
  const auto claim = Claim("buffers/1", "x", Connect());
  EXPECT_EQ(GetReason(claim->result.status()), ErrorReason::SHUTTING_DOWN);
}

TEST_F(AllocatorTest, DrainingEndsWhatWaitsForItsNextAttempt) {
  cma_->Script({ENOMEM});
  const Call call = Allocate(Request(Connect()));
  EXPECT_TRUE(Drain());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::SHUTTING_DOWN);
  executor_.Advance(absl::Hours(1));
  EXPECT_EQ(cma_->calls(), 1);
}

// ---- lists

TEST_F(AllocatorTest, AListHasEveryBufferOnceOverItsPages) {
  const auto session = Connect();
  for (int i = 0; i < 7; ++i) {
    AllocateRequest request = Request(session);
    request.principal.uid = i % 2 == 0 ? kUid : 2000;
    ASSERT_TRUE(Allocate(request)->ok());
  }
  std::set<std::string> names;
  Page page{.size = 3, .after = 0};
  int pages = 0;
  for (std::string token = "0"; !token.empty(); ++pages) {
    const auto list = ListBuffers(*allocator_, absl::nullopt, page);
    for (const auto& buffer : list.buffers()) EXPECT_TRUE(names.insert(buffer.name()).second);
    token = list.next_page_token();
    if (!token.empty()) page = CheckPage(3, token).value();
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(names.size(), 7u);
  const auto own = ListBuffers(*allocator_, kUid, {.size = 100, .after = 0});
  EXPECT_EQ(own.buffers_size(), 4);
  EXPECT_EQ(own.next_page_token(), "");
}

TEST_F(AllocatorTest, ABufferOfAnotherUidIsNotThere) {
  const Call call = Allocate(Request(Connect()));
  const BufferKey key = ParseBufferName("name", call->result->buffers(0).name()).value();
  EXPECT_TRUE(GetBuffer(*allocator_, kUid, key).ok());
  EXPECT_EQ(GetReason(GetBuffer(*allocator_, 2000, key).status()), ErrorReason::BUFFER_NOT_FOUND);
}

TEST_F(AllocatorTest, AHeapSaysWhatIsLiveAndInLine) {
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 2))->ok());
  workers_.Hold(kHeapWorker);
  Allocate(Request(session));
  cma_->SetUsage({.free_bytes = 5, .largest_free_bytes = absl::nullopt});
  Principal principal;
  principal.uid = kUid;
  const auto heap = GetHeap(*allocator_, principal, "reserved");
  ASSERT_TRUE(heap.ok()) << heap.status();
  EXPECT_EQ(heap->name(), "heaps/cma");
  EXPECT_EQ(heap->live_buffers(), 1);
  EXPECT_EQ(heap->live_bytes(), 2 * kPage);
  EXPECT_EQ(heap->queue_depth(), 1);
  EXPECT_EQ(heap->size_bytes(), 16 * kPage);
  EXPECT_EQ(heap->free_bytes(), 5);
  EXPECT_FALSE(heap->has_largest_free_bytes());
  ASSERT_EQ(heap->aliases_size(), 1);
  EXPECT_EQ(heap->aliases(0), "reserved");
}

TEST_F(AllocatorTest, OnlyHeapsThatOneMayUseAreListed) {
  SetPolicy("access { who { uids: 1000 } heaps: 'system' rights: HOLD }");
  Principal principal;
  principal.uid = kUid;
  const auto list = ListHeaps(*allocator_, principal, {.size = 1, .after = 0});
  ASSERT_EQ(list.heaps_size(), 1);
  EXPECT_EQ(list.heaps(0).name(), "heaps/system");
  EXPECT_EQ(list.next_page_token(), "");
  EXPECT_EQ(GetReason(GetHeap(*allocator_, principal, "cma").status()), ErrorReason::ACCESS_DENIED);
}

TEST_F(AllocatorTest, AccountsShowTheChargeAndItsLimit) {
  LimitBytes(9 * kPage);
  ASSERT_TRUE(Allocate(Request(Connect(), 2))->ok());
  v1::ServerInfo info;
  FillAccounts(*allocator_, info);
  ASSERT_EQ(info.accounts_size(), 1);
  EXPECT_EQ(info.accounts(0).uid(), kUid);
  EXPECT_EQ(info.accounts(0).charged_bytes(), 2 * kPage);
  EXPECT_EQ(info.accounts(0).limit_bytes(), 9 * kPage);
  EXPECT_FALSE(info.accounts(0).has_limit_buffers());
}

// ---- whatever happens

class PropertyTest : public AllocatorTest, public testing::WithParamInterface<int> {};

TEST_P(PropertyTest, ChargedIsNeverLessThanLiveAndEqualInTheEnd) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); };
  SetPolicy(absl::StrCat(
      kEverything, " quotas { who { everybody: true } max_bytes: ", 40 * kPage,
      " max_buffers: 30 } hold { max_lease { seconds: 2 } default_lease { seconds: 1 } }"));
  workers_.Hold(kHeapWorker);
  workers_.Hold("heap-system");
  std::vector<Call> calls;
  std::vector<std::pair<std::string, std::string>> held;  // name, token
  std::vector<UniqueFd> fds;                              // in clients' hands
  constexpr int kErrnos[] = {0, 0, 0, 0, ENOMEM, ENOMEM, EINTR, EMFILE, ENODEV};

  for (int step = 0; step < 3000; ++step) {
    if (sessions_.size() < 4) Connect();
    const auto session = sessions_[static_cast<size_t>(below(static_cast<int>(sessions_.size())))];
    const uint32_t uid = 1000 + static_cast<uint32_t>(below(3));
    switch (below(14)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        AllocateRequest request =
            Request(below(4) == 0 ? nullptr : session, 1 + below(5), 1 + below(4));
        request.size_bytes -= below(kPage);
        request.heap = below(2) == 0 ? "cma" : "system";
        request.principal.uid = uid;
        if (below(2) == 0) {
          request.deadline = executor_.Now() + absl::Milliseconds(below(8));
        }
        if (below(3) == 0) {
          request.repeatable = true;
          request.request_id = absl::StrCat("id-", below(5));
        }
        request.validate_only = below(10) == 0;
        calls.push_back(Allocate(std::move(request)));
        break;
      }
      case 4:
      case 5:
        workers_.RunOne(below(2) == 0 ? kHeapWorker : "heap-system");
        break;
      case 6:
        (below(2) == 0 ? cma_ : system_)->Script({kErrnos[below(9)]});
        break;
      case 7:
        executor_.Advance(absl::Milliseconds(below(20)));
        break;
      case 8:
        if (!calls.empty())
          Cancel(calls[static_cast<size_t>(below(static_cast<int>(calls.size())))]);
        break;
      case 9:
        for (auto& frame : session->Read()) {
          for (UniqueFd& fd : frame.fds) fds.push_back(std::move(fd));
        }
        break;
      case 10:
        if (!fds.empty()) {
          std::swap(fds[static_cast<size_t>(below(static_cast<int>(fds.size())))], fds.back());
          fds.pop_back();
          if (below(2) == 0) Do([&] { allocator_->OnReleaseHint(); });
        }
        break;
      case 11:
        if (below(4) == 0) {
          Disconnect(session);
          sessions_.erase(std::find(sessions_.begin(), sessions_.end(), session));
        } else if (below(2) == 0) {
          session->FailPush(1 + below(2), below(2) == 0 ? EAGAIN : ETOOMANYREFS);
        } else {
          session->FailPush(0, 0);
        }
        break;
      case 12:
        for (const Call& call : calls) {
          if (!call->done() || !call->ok() || call->result->claim_token().empty()) continue;
          for (const auto& buffer : call->result->buffers()) {
            held.emplace_back(buffer.name(), call->result->claim_token());
          }
        }
        if (!held.empty()) {
          const auto& [name, token] =
              held[static_cast<size_t>(below(static_cast<int>(held.size())))];
          if (below(3) == 0) {
            Release(name, token, uid).IgnoreError();
          } else {
            Claim(name, token, session, uid);
          }
        }
        held.clear();
        break;
      case 13:
        if (below(10) == 0) {
          workers_.Hold("live-view");
        } else {
          workers_.LetGo("live-view");
        }
        break;
    }
    ASSERT_GE(ChargedBytes(), view_.LiveBytes()) << "step " << step;
    for (const auto& [account, charged] : allocator_->ledger().accounts()) {
      ASSERT_GT(charged.bytes, 0) << "step " << step;
      ASSERT_GT(charged.buffers, 0) << "step " << step;
      ASSERT_LE(charged.bytes, 40 * kPage) << "step " << step;
      ASSERT_LE(charged.buffers, 30) << "step " << step;
    }
    for (const auto& each : sessions_) ASSERT_GE(each->reserved(), 0) << "step " << step;
    for (const auto& outcome : outcomes_) ASSERT_LE(outcome->calls, 1) << "step " << step;
    if (calls.size() > 200) calls.erase(calls.begin(), calls.begin() + 100);
  }

  // Everything comes to its end, but for what clients have in their hands.
  for (const char* worker : {kHeapWorker, "heap-system", "live-view"}) workers_.LetGo(worker);
  executor_.Advance(absl::Hours(1));
  Reconcile();
  EXPECT_EQ(ChargedBytes(), view_.LiveBytes());
  for (const auto& session : sessions_) EXPECT_EQ(session->reserved(), 0);
  fds.clear();
}

INSTANTIATE_TEST_SUITE_P(Seeds, PropertyTest, testing::Range(1, 9));

}  // namespace
}  // namespace dmaheap
