// What a request does with the page that is in its way, as far as somebody tells which one it is.

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/core/allocation_view.h"
#include "daemon/core/page_inquiry.h"
#include "daemon/core/testing/core_fixture.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

constexpr absl::Duration kMs = absl::Milliseconds(1);
constexpr char kNofailWithoutJitter[] =
    "retry_policies { name: 'nofail' jitter: 0 backoff_multiplier: 1 initial_backoff { nanos: "
    "1000000 } max_backoff { nanos: 1000000 } }";

class PageInTheWayTest : public CoreFixture {
 protected:
  void SetUp() override {
    CoreFixture::SetUp();
    pages_.OpenEyes();
    SetPolicy(absl::StrCat(kEverything, kNofailWithoutJitter));
  }

  // Every attempt fails, until Succeed.
  void Fail() {
    cma_->OnAllocate([this] { cma_->Script({ENOMEM}); });
  }
  void Succeed() { cma_->OnAllocate(nullptr); }

  Call AllocateByNofail(absl::Duration patience = absl::InfiniteDuration()) {
    AllocateRequest request = Request(Connect());
    request.retry_policy = kNofailPolicy;
    request.deadline = executor_.Now() + patience;
    return Allocate(std::move(request));
  }
  // Up to the attempt after which the page is asked for.
  Call AllocateUntilAsked(absl::Duration patience = absl::InfiniteDuration()) {
    Fail();
    const Call call = AllocateByNofail(patience);
    executor_.Advance((PinnedPage::kFirstAsked - 1) * kMs);
    EXPECT_EQ(pages_.asked(), 1);
    return call;
  }
  void Find(uint64_t frame, bool watched = true) {
    Do([&, this] { pages_.Find(PageInTheWay{.frame = frame, .watched = watched}); });
  }
  // The next attempt fails at the same page.
  void FailAgainAt(uint64_t frame, absl::Duration after) {
    const int calls = cma_->calls();
    executor_.Advance(after);
    ASSERT_EQ(cma_->calls(), calls + 1);
    Find(frame);
  }
  v1::Allocation State() {
    EXPECT_EQ(allocator_->allocations().size(), 1u);
    return ToProto(*allocator_, *allocator_->allocations().begin()->second);
  }
};

TEST_F(PageInTheWayTest, IsNotAskedForWhileAPinMayPass) {
  Fail();
  const Call call = AllocateByNofail();

  executor_.Advance((PinnedPage::kFirstAsked - 2) * kMs);

  EXPECT_EQ(cma_->calls(), PinnedPage::kFirstAsked - 1);
  EXPECT_EQ(pages_.asked(), 0);
  Succeed();
  executor_.Advance(kMs);
  EXPECT_TRUE(call->ok());
}

TEST_F(PageInTheWayTest, IsNotAskedForWhereTheHeapHasNoRoom) {
  cma_->SetUsage({.free_bytes = 0, .largest_free_bytes = 0});
  Fail();
  const Call call = AllocateByNofail();

  executor_.Advance(absl::Seconds(1));

  EXPECT_EQ(pages_.asked(), 0);
  Cancel(call);
}

TEST_F(PageInTheWayTest, TheLongerItIsThereTheFewerAttemptsAreMadeWhileItsReleaseIsWatched) {
  const Call call = AllocateUntilAsked();
  Find(77);
  FailAgainAt(77, kMs);                    // there for 1 ms, also while it was watched
  FailAgainAt(77, kWatchedStretch * kMs);  // there for 9 ms
  FailAgainAt(77, kWatchedStretch * 9 * kMs);

  EXPECT_EQ(State().pinned_page().stuck_duration().nanos(), 81'000'000);
  EXPECT_TRUE(State().pinned_page().release_watched());
  EXPECT_EQ(State().next_delay().nanos(), 648'000'000);
  Cancel(call);
}

TEST_F(PageInTheWayTest, AReleaseBeforeTheWatchBeganCostsOneShortWait) {
  const Call call = AllocateUntilAsked();
  Find(77, /*watched=*/false);
  executor_.Advance(kMs);
  Find(77, /*watched=*/true);
  EXPECT_EQ(State().pinned_page().stuck_duration().nanos(), 1'000'000);

  // Nobody knows yet whether it is still there.
  EXPECT_EQ(State().next_delay().nanos(), 1'000'000);
  Succeed();
  executor_.Advance(kMs);
  EXPECT_TRUE(call->ok()) << call->status();
}

TEST_F(PageInTheWayTest, TwoSecondsAreWaitedForWithFewerThanFifteenAttempts) {
  const Call call = AllocateUntilAsked();
  const absl::Time until = executor_.Now() + absl::Seconds(2);
  Find(77);
  int calls = cma_->calls();
  while (executor_.Now() < until) {
    executor_.Advance(kMs);
    if (cma_->calls() > calls) Find(77);
    calls = cma_->calls();
  }
  EXPECT_LT(cma_->calls(), 14);
  Succeed();

  Do([&, this] { pages_.Release(); });

  EXPECT_TRUE(call->ok()) << call->status();
}

TEST_F(PageInTheWayTest, AlsoWhereItTakesTheKernelLongToBeginTheWatch) {
  SetPolicy(absl::StrCat(kEverything,
                         "retry_policies { name: 'nofail' jitter: 0 backoff_multiplier: 1.1 }"));
  Fail();
  const Call call = AllocateByNofail();
  const absl::Time begin = executor_.Now();
  while (pages_.asked() == 0) executor_.Advance(kMs);
  Find(77, /*watched=*/false);
  while (pages_.asked() == 1) executor_.Advance(kMs);
  Find(77);
  // The next question is answered when the watch has begun.
  executor_.Advance(absl::Milliseconds(25));
  ASSERT_EQ(pages_.asked(), 3);
  Find(77);

  int asked = pages_.asked();
  while (executor_.Now() < begin + absl::Seconds(2)) {
    executor_.Advance(kMs);
    if (pages_.asked() > asked) Find(77);
    asked = pages_.asked();
  }

  EXPECT_LT(cma_->calls(), 14);
  Cancel(call);
}

TEST_F(PageInTheWayTest, ItsReleaseBringsTheNextAttemptAtOnce) {
  const Call call = AllocateUntilAsked();
  Find(77);
  FailAgainAt(77, kMs);
  executor_.Advance(kMs);
  Succeed();

  Do([&, this] { pages_.Release(); });

  EXPECT_TRUE(call->ok()) << call->status();
}

TEST_F(PageInTheWayTest, ReleasesInARowBringNoMoreThanThePolicyWouldTry) {
  const Call call = AllocateUntilAsked();
  Find(77);
  FailAgainAt(77, kMs);
  const int calls = cma_->calls();

  for (int i = 0; i < 100; ++i) {
    Do([&, this] { pages_.Release(); });
    executor_.Advance(absl::Microseconds(100));
  }

  EXPECT_LE(cma_->calls(), calls + 10);
  Cancel(call);
}

TEST_F(PageInTheWayTest, IsNotAskedForAgainBeforeTheAnswer) {
  const Call call = AllocateUntilAsked();

  executor_.Advance(absl::Milliseconds(999));
  EXPECT_EQ(pages_.asked(), 1);
  executor_.Advance(kMs);
  EXPECT_EQ(pages_.asked(), 2) << "the prober died with the question";
  Cancel(call);
}

TEST_F(PageInTheWayTest, WithoutAWatchTheScheduleDecides) {
  const Call call = AllocateUntilAsked();
  for (int i = 0; i < 100; ++i) {
    Find(77, /*watched=*/false);
    executor_.Advance(kMs);
  }

  EXPECT_EQ(cma_->calls(), PinnedPage::kFirstAsked + 100);
  EXPECT_FALSE(State().pinned_page().release_watched());
  Cancel(call);
}

TEST_F(PageInTheWayTest, AnotherOneBeginsAnew) {
  const Call call = AllocateUntilAsked();
  Find(77);
  FailAgainAt(77, kMs);
  FailAgainAt(78, kWatchedStretch * kMs);

  EXPECT_EQ(State().pinned_page().stuck_duration().nanos(), 0);
  EXPECT_EQ(State().next_delay().nanos(), 1'000'000);
  Cancel(call);
}

TEST_F(PageInTheWayTest, WhereTheKernelTellsOfNoneNothingIsSaidOfIt) {
  const Call call = AllocateUntilAsked();
  Find(77);
  executor_.Advance(kMs);

  Do([&, this] { pages_.Find(absl::NotFoundError("none")); });

  EXPECT_FALSE(State().has_pinned_page());
  Cancel(call);
}

TEST_F(PageInTheWayTest, APolicyGivesUpOnceItWasThereForTooLong) {
  SetPolicy(absl::StrCat(kEverything,
                         "retry_policies { name: 'nofail' jitter: 0 backoff_multiplier: 1 "
                         "initial_backoff { nanos: 1000000 } max_backoff { nanos: 1000000 } "
                         "give_up_when_stuck_for { nanos: 300000000 } }"));
  const Call call = AllocateUntilAsked();
  const absl::Time seen = executor_.Now();
  Find(77);
  int calls = cma_->calls();
  while (!call->done() && executor_.Now() < seen + absl::Seconds(2)) {
    executor_.Advance(kMs);
    if (cma_->calls() > calls) Find(77);
    calls = cma_->calls();
  }

  // Then who pins it is asked for once more, and here nobody tells.
  EXPECT_EQ(executor_.Now() - seen, absl::Milliseconds(300) + Diagnoser::kTimeBox);
  EXPECT_EQ(GetErrorValue(call->status(), "errno"), "ENOMEM");
  EXPECT_NE(call->status().message().find("one page was in the way"), std::string::npos)
      << call->status();
}

TEST_F(PageInTheWayTest, WhoHasItIsAskedOnceAndTold) {
  const Call call = AllocateUntilAsked();
  Find(77);
  for (const int after : {1, 8, 72, 648}) FailAgainAt(77, after * kMs);
  ASSERT_EQ(pages_.mappers_asked(), std::vector<uint64_t>{77});

  Do([&, this] {
    pages_.AnswerMappers(
        PageMappers{.processes = {{.pid = 42, .uid = 1047, .name = "camera"}}, .complete = true});
  });

  const v1::Allocation::PinnedPage page = State().pinned_page();
  ASSERT_EQ(page.mappers_size(), 1);
  EXPECT_EQ(page.mappers(0).pid(), 42);
  EXPECT_EQ(page.mappers(0).uid(), 1047);
  EXPECT_EQ(page.mappers(0).process_name(), "camera");
  EXPECT_TRUE(page.mappers_complete());
  Cancel(call);
}

TEST_F(PageInTheWayTest, WhoHasItIsAskedAgainWhereNotAllCouldBeLookedInto) {
  const Call call = AllocateUntilAsked();
  Find(77);
  for (const int after : {1, 8, 72, 648}) FailAgainAt(77, after * kMs);
  ASSERT_EQ(pages_.mappers_asked().size(), 1u);
  Do([&, this] { pages_.AnswerMappers(PageMappers{.processes = {}, .complete = false}); });

  FailAgainAt(77, kLongestWatchedWait);
  ASSERT_EQ(pages_.mappers_asked().size(), 2u);
  Do([&, this] { pages_.AnswerMappers(PageMappers{.processes = {}, .complete = true}); });

  FailAgainAt(77, kLongestWatchedWait);
  EXPECT_EQ(pages_.mappers_asked().size(), 2u);
  EXPECT_TRUE(State().pinned_page().mappers_complete());
  Cancel(call);
}

TEST_F(PageInTheWayTest, APolicyThatCountsItsAttemptsWaitsAsItSays) {
  SetPolicy(absl::StrCat(kEverything,
                         "retry_policies { name: 'counted' max_attempts: 20 jitter: 0 "
                         "backoff_multiplier: 1 initial_backoff { nanos: 1000000 } "
                         "max_backoff { nanos: 1000000 } }"));
  Fail();
  AllocateRequest request = Request(Connect());
  request.retry_policy = "counted";
  const Call call = Allocate(std::move(request));
  executor_.Advance((PinnedPage::kFirstAsked - 1) * kMs);
  Find(77);

  FailAgainAt(77, kMs);
  FailAgainAt(77, kMs);
  const int calls = cma_->calls();
  Do([&, this] { pages_.Release(); });

  EXPECT_EQ(cma_->calls(), calls);
  EXPECT_EQ(State().next_delay().nanos(), 1'000'000);
  Cancel(call);
}

// ---- what a sync could mend

class UnwrittenPageTest : public PageInTheWayTest {
 protected:
  void SetUp() override {
    PageInTheWayTest::SetUp();
    SetPolicy(absl::StrCat(kEverything,
                           "retry_policies { name: 'nofail' jitter: 0 backoff_multiplier: 1 "
                           "sync { filesystems: '/data' } }"));
  }
  void TearDown() override {
    if (filesystems_.running()) Synced();
    PageInTheWayTest::TearDown();
  }
  void FindOf(absl::optional<bool> filesystem) {
    Do([&] { pages_.Find(PageInTheWay{.frame = 7, .of_filesystem = filesystem}); });
  }
  void Synced() {
    Do([&] { filesystems_.End(); });
  }
  void ExpectGotAfterSync(const Call& call) {
    ASSERT_TRUE(filesystems_.running());
    Succeed();
    Synced();
    EXPECT_TRUE(call->ok());
    EXPECT_EQ(allocator_->counters(*cma_).syncs.helped, 1);
  }
  void ExpectNoSync(const Call& call) {
    executor_.Advance(absl::Seconds(3));
    EXPECT_TRUE(filesystems_.asked().empty());
    Succeed();
    executor_.Advance(absl::Seconds(1));
    EXPECT_TRUE(call->ok());
  }
};

TEST_F(UnwrittenPageTest, IsSyncedAsSoonAsItIsSeen) {
  const Call call = AllocateUntilAsked();
  EXPECT_TRUE(filesystems_.asked().empty()) << "before it is known";
  FindOf(true);
  ExpectGotAfterSync(call);
}

TEST_F(UnwrittenPageTest, IsNotSyncedWhereThePageIsOfNoFileSystem) {
  const Call call = AllocateUntilAsked();
  FindOf(false);
  const int calls = cma_->calls();
  executor_.Advance(kMs);
  EXPECT_EQ(cma_->calls(), calls + 1) << "the backoff goes on";
  ExpectNoSync(call);
}

TEST_F(UnwrittenPageTest, IsAssumedWhereItsFlagsWereNotRead) {
  const Call call = AllocateUntilAsked();
  FindOf(absl::nullopt);
  ExpectGotAfterSync(call);
}

TEST_F(UnwrittenPageTest, IsAssumedWhereTheKernelTellsOfNone) {
  const Call call = AllocateUntilAsked();
  Do([&] { pages_.Find(absl::NotFoundError("none")); });
  executor_.Advance(kMs);
  ExpectGotAfterSync(call);
}

TEST_F(UnwrittenPageTest, IsAssumedWhereTheProberDoesNotAnswer) {
  const Call call = AllocateUntilAsked();
  executor_.Advance(PageInquiry::kPatience - kMs);
  EXPECT_TRUE(filesystems_.asked().empty());
  executor_.Advance(kMs);
  ExpectGotAfterSync(call);
}

TEST_F(UnwrittenPageTest, IsAssumedFromTheFirstFailureOnWhereNobodyCanBeAsked) {
  pages_.GoBlind();
  Fail();
  const Call call = AllocateByNofail();
  ExpectGotAfterSync(call);
}

TEST_F(UnwrittenPageTest, IsLeftAloneOnceItWasFoundToBeAnother) {
  const Call call = AllocateUntilAsked();
  FindOf(true);
  Synced();
  executor_.Advance(kMs);
  Do([&] { pages_.Find(PageInTheWay{.frame = 8, .of_filesystem = false}); });
  executor_.Advance(absl::Seconds(3));
  EXPECT_EQ(filesystems_.asked().size(), 1u);
  Succeed();
  executor_.Advance(absl::Seconds(1));
  EXPECT_TRUE(call->ok());
}

TEST_F(PageInTheWayTest, WhereEachAttemptMeetsAnotherPageTheWaitsStayShort) {
  SetPolicy(absl::StrCat(kEverything,
                         "retry_policies { name: 'nofail' jitter: 0 backoff_multiplier: 2 "
                         "initial_backoff { nanos: 1000000 } max_backoff { nanos: 64000000 } "
                         "}"));
  Fail();
  const Call call = AllocateByNofail();
  executor_.Advance((1 + 2 + 4) * kMs);
  ASSERT_EQ(pages_.asked(), 1);
  Find(70);
  executor_.Advance(8 * kMs);
  Find(71);
  EXPECT_EQ(State().next_delay().nanos(), 1'000'000);

  const int calls = cma_->calls();
  for (uint64_t frame = 72; frame < 92; ++frame) {
    executor_.Advance(kMs);
    Find(frame);
  }

  EXPECT_EQ(cma_->calls(), calls + 20) << "one in each millisecond";
  Cancel(call);
}

// Who has to do with the page, and whether it is still held.
class PinnersTest : public PageInTheWayTest {
 protected:
  static constexpr absl::Duration kPatience = absl::Seconds(1);

  // The page has been in the way for 100 ms, also while it was watched.
  Call AllocateUntilStuck() {
    const Call call = AllocateUntilAsked(kPatience);
    Find(77);
    FailAgainAt(77, kMs);
    FailAgainAt(77, kWatchedStretch * kMs);
    FailAgainAt(77, kWatchedStretch * 9 * kMs);
    FailAgainAt(77, kWatchedStretch * 81 * kMs);
    return call;
  }
  void Answer(PagePinners pinners) {
    Do([&, this] { pages_.AnswerPinners(std::move(pinners)); });
  }
  // absent uid: whole.
  v1::Diagnosis DiagnosisAtDeadline(absl::optional<uint32_t> uid = absl::nullopt) {
    executor_.Advance(kPatience);
    const v1::ListDiagnosesResponse list = allocator_->diagnoser().store().List(uid, {.size = 1});
    return list.diagnoses_size() == 1 ? list.diagnoses(0) : v1::Diagnosis();
  }
};

TEST_F(PinnersTest, AreAskedForOnceAPageIsStuck) {
  const Call call = AllocateUntilStuck();
  EXPECT_EQ(pages_.pinners_asked(), std::vector<uint64_t>{77});
  Cancel(call);
}

TEST_F(PinnersTest, WhatTheyCostIsCountedOnceThePageIsInTheWayNoMore) {
  const Call call = AllocateUntilStuck();
  Answer({.pipe_holders = {{.pid = 42, .uid = 1047, .name = "spool"}}, .complete = true});
  EXPECT_EQ(allocator_->pinner_costs().List({.size = 1}).pinners_size(), 0) << "still waiting";
  Succeed();

  Do([&, this] { pages_.Release(); });
  executor_.Advance(kMs);

  ASSERT_TRUE(call->ok()) << call->status();
  const v1::ListPinnersResponse list = allocator_->pinner_costs().List({.size = 10});
  ASSERT_EQ(list.pinners_size(), 1);
  EXPECT_EQ(list.pinners(0).process_name(), "spool");
  EXPECT_EQ(list.pinners(0).delayed_requests(), 1);
  EXPECT_EQ(list.pinners(0).delay_duration().nanos(), 730'000'000) << "since it was first met";
}

TEST_F(PinnersTest, ThoseOfAPageBeforeTheLastOneAreCountedToo) {
  const Call call = AllocateUntilStuck();
  Answer({.pipe_holders = {{.pid = 42, .uid = 1047, .name = "spool"}}, .complete = true});

  Do([&, this] { pages_.Release(); });
  executor_.Advance(kMs);
  Find(78);

  EXPECT_EQ(allocator_->pinner_costs().List({.size = 10}).pinners_size(), 1);
  Cancel(call);
  EXPECT_EQ(allocator_->pinner_costs().List({.size = 10}).pinners(0).delayed_requests(), 1);
}

TEST_F(PinnersTest, APipeThatHoldsThePageIsTheCauseAndWhoHasItIsNamed) {
  const Call call = AllocateUntilStuck();
  Answer({.kind = v1::Diagnosis::Pin::ANONYMOUS,
          .mappings = 1,
          .references = 2,
          .pipe_holders = {{.pid = 42, .uid = 1047, .name = "spool"}},
          .complete = true});

  const v1::Diagnosis whole = DiagnosisAtDeadline();
  EXPECT_EQ(whole.verdict(), v1::Diagnosis::PINNED_STUCK);
  EXPECT_EQ(whole.confidence(), v1::Diagnosis::CERTAIN);
  EXPECT_EQ(whole.evidence_level(), v1::Diagnosis::L4);
  EXPECT_TRUE(whole.pin().held());
  EXPECT_EQ(whole.pin().cause(), v1::Diagnosis::Pin::PIPE);
  EXPECT_EQ(whole.pin().page_kind(), v1::Diagnosis::Pin::ANONYMOUS);
  EXPECT_EQ(whole.pin().references(), 2);
  EXPECT_EQ(whole.pin().mappings(), 1);
  ASSERT_EQ(whole.pin().processes_size(), 1);
  EXPECT_EQ(whole.pin().processes(0).role(), v1::Diagnosis::Process::PINNER);
  EXPECT_EQ(whole.pin().processes(0).process_name(), "spool");
  EXPECT_EQ(whole.pin().processes(0).confidence(), v1::Diagnosis::CERTAIN);
  EXPECT_EQ(GetErrorValue(call->status(), "verdict"), "PINNED_STUCK");
  EXPECT_EQ(call->status().message().find("spool"), absl::string_view::npos) << call->status();
  EXPECT_EQ(DiagnosisAtDeadline(kUid).pin().processes(0).pid(), 0) << "another user's";
}

TEST_F(PinnersTest, WhoAllocatedThePageIsNamedAndNotBlamed) {
  AllocateUntilStuck();
  Answer({.kind = v1::Diagnosis::Pin::ANONYMOUS,
          .mappings = 0,
          .references = 1,
          .allocators = {{.pid = 42, .uid = kUnknownUid, .name = "gone"}},
          .complete = true});

  const v1::Diagnosis whole = DiagnosisAtDeadline();

  EXPECT_EQ(whole.pin().cause(), v1::Diagnosis::Pin::NOT_ESTABLISHED);
  ASSERT_EQ(whole.pin().processes_size(), 1);
  EXPECT_EQ(whole.pin().processes(0).role(), v1::Diagnosis::Process::ALLOCATOR);
  EXPECT_EQ(whole.pin().processes(0).process_name(), "gone");
  EXPECT_EQ(whole.pin().processes(0).uid(), -1);
  EXPECT_EQ(DiagnosisAtDeadline(kUid).pin().processes(0).pid(), 0) << "nobody knows whose";
}

TEST_F(PinnersTest, APageThatIsHeldByItsMappingsAloneWasAnInstantsPin) {
  const Call call = AllocateUntilStuck();
  Answer(
      {.kind = v1::Diagnosis::Pin::PAGE_CACHE, .mappings = 1, .references = 2, .complete = true});

  const v1::Diagnosis whole = DiagnosisAtDeadline();
  EXPECT_EQ(whole.verdict(), v1::Diagnosis::PINNED_TRANSIENT);
  EXPECT_FALSE(whole.pin().held());
}

TEST_F(PinnersTest, WithoutReferencesNobodyKnowsWhetherItIsStillHeld) {
  const Call call = AllocateUntilStuck();
  Answer({.kind = v1::Diagnosis::Pin::ANONYMOUS, .mappings = 1});

  const v1::Diagnosis whole = DiagnosisAtDeadline();
  EXPECT_EQ(whole.evidence_level(), v1::Diagnosis::L3);
  EXPECT_FALSE(whole.pin().has_held());
  EXPECT_EQ(whole.pin().cause(), v1::Diagnosis::Pin::NOT_ESTABLISHED);
}

TEST_F(PinnersTest, AnotherUsersMapperIsNotNamedToTheOwner) {
  const Call call = AllocateUntilStuck();
  Do([this] {
    pages_.AnswerMappers(PageMappers{.processes = {{.pid = 42, .uid = 1047, .name = "cam"},
                                                   {.pid = 43, .uid = kUid, .name = "me"}},
                                     .complete = true});
  });

  const auto& allocation = *allocator_->allocations().begin()->second;
  const v1::Allocation own = ToProto(*allocator_, allocation, Onlooker::kOwner);
  ASSERT_EQ(own.pinned_page().mappers_size(), 2);
  EXPECT_EQ(own.pinned_page().mappers(0).pid(), 0);
  EXPECT_EQ(own.pinned_page().mappers(0).process_name(), "");
  EXPECT_EQ(own.pinned_page().mappers(1).process_name(), "me");
  const v1::Allocation all = ToProto(*allocator_, allocation, Onlooker::kInspector);
  EXPECT_EQ(all.pinned_page().mappers(0).process_name(), "cam");
  Cancel(call);
}

}  // namespace
}  // namespace dmaheap
