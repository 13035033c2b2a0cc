// What becomes of a request that fails for good: evidence is gathered, a verdict is given, and who
// asked is told why.

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/core/testing/core_fixture.h"
#include "daemon/diagnosis/failure_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "heaps/cma_area.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kOther = 2000;
constexpr uint32_t kInspector = 3000;
constexpr char kFailfast[] = "retry_policies { name: 'failfast' max_attempts: 1 } ";
constexpr char kInspects[] = "access { who { uids: 3000 } rights: INSPECT } ";

// Of 16 pages: four free ones, no two of them together.
CmaFreeList Fragmented() {
  return {.runs = {{0, 1}, {4, 1}, {8, 1}, {12, 1}}, .free_pages = 4, .total_pages = 16};
}

class DiagnosesTest : public CoreFixture {
 protected:
  void SetUp() override {
    CoreFixture::SetUp();
    SetPolicy(absl::StrCat(kEverything, kFailfast, kInspects));
    areas_.there = true;
    cma_->SetUsage({.free_bytes = 4 * kPage, .largest_free_bytes = absl::nullopt});
  }

  // One attempt, which fails.
  Call Fail(int error_number = ENOMEM, uint32_t uid = kUid, int64_t pages = 2) {
    cma_->Script({error_number});
    AllocateRequest request = Request(nullptr, pages);
    request.principal.uid = uid;
    request.retry_policy = "failfast";
    return Allocate(std::move(request));
  }
  void Answer(absl::StatusOr<CmaFreeList> list) {
    Do([&, this] { areas_.Answer(std::move(list)); });
  }
  // Buffers that stay.
  void Hold(uint32_t uid, int count) {
    for (int i = 0; i < count; ++i) {
      AllocateRequest request = Request(nullptr);
      request.principal.uid = uid;
      ASSERT_TRUE(Allocate(std::move(request))->ok());
    }
  }
  const DiagnosisStore& store() const { return allocator_->diagnoser().store(); }
  // The newest; absent uid: whole.
  v1::Diagnosis Newest(absl::optional<uint32_t> uid = absl::nullopt) const {
    const v1::ListDiagnosesResponse list = store().List(uid, {.size = 1});
    EXPECT_EQ(list.diagnoses_size(), 1);
    return list.diagnoses_size() == 1 ? list.diagnoses(0) : v1::Diagnosis();
  }
};

TEST_F(DiagnosesTest, AFailureWaitsForTheFreeListAndIsJudgedByIt) {
  const Call call = Fail();
  EXPECT_FALSE(call->done());
  ASSERT_THAT(areas_.asked, ::testing::ElementsAre("area"));

  Answer(Fragmented());

  ASSERT_TRUE(call->done());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED);
  EXPECT_EQ(GetErrorValue(call->status(), "diagnosis"), "diagnoses/1");
  EXPECT_EQ(GetErrorValue(call->status(), "verdict"), "FRAGMENTED");
  const v1::Diagnosis diagnosis = Newest();
  EXPECT_EQ(diagnosis.name(), "diagnoses/1");
  EXPECT_EQ(diagnosis.reason(), ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED);
  EXPECT_EQ(diagnosis.confidence(), v1::Diagnosis::CERTAIN);
  EXPECT_EQ(diagnosis.evidence_level(), v1::Diagnosis::L1);
  EXPECT_EQ(diagnosis.errno_name(), "ENOMEM");
  EXPECT_EQ(diagnosis.free_bytes(), 4 * kPage);
  EXPECT_EQ(diagnosis.largest_free_bytes(), kPage);
  EXPECT_EQ(diagnosis.fit().free_runs(), 4);
  EXPECT_EQ(diagnosis.fit().largest_fit_bytes(), kPage);
  EXPECT_THAT(diagnosis.explanation(), HasSubstr("bytes are free, but the largest run has only"));
}

TEST_F(DiagnosesTest, IsAnsweredWithoutTheFreeListAtTheEndOfTheTimeBox) {
  const Call call = Fail();

  executor_.Advance(Diagnoser::kTimeBox - absl::Milliseconds(1));
  EXPECT_FALSE(call->done());
  executor_.Advance(absl::Milliseconds(1));

  ASSERT_TRUE(call->done());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE);
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::UNKNOWN);
  // What comes late is for the next.
  Answer(Fragmented());
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::UNKNOWN);
}

TEST_F(DiagnosesTest, AProberThatDiedWithTheQuestionIsNotWaitedForForEver) {
  Fail();
  executor_.Advance(Diagnoser::kWindow);

  const Call call = Fail();

  ASSERT_EQ(areas_.asked.size(), 2u) << "its successor is asked";
  Do([this] { areas_.Forget(); });
  Answer(Fragmented());
  ASSERT_TRUE(call->done());
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::FRAGMENTED);
}

TEST_F(DiagnosesTest, IsAnsweredAtOnceWhereNobodyCanBeAsked) {
  areas_.there = false;
  const Call call = Fail();
  ASSERT_TRUE(call->done());
  EXPECT_EQ(Newest().evidence_level(), v1::Diagnosis::L1) << "the heap's own free bytes";
}

TEST_F(DiagnosesTest, WhatCanNotBeReadLowersTheLevelAndIsNotAskedForAnewAtOnce) {
  cma_->SetUsage({});
  const Call call = Fail();
  Answer(absl::NotFoundError("no debugfs"));

  ASSERT_TRUE(call->done());
  EXPECT_EQ(Newest().evidence_level(), v1::Diagnosis::L0);
  EXPECT_TRUE(Fail()->done());
  EXPECT_EQ(areas_.asked.size(), 1u);
}

TEST_F(DiagnosesTest, FailuresOfAnInstantShareAFreeListAndSayHowOldItIs) {
  Fail();
  Answer(Fragmented());
  executor_.Advance(absl::Milliseconds(12));

  const Call second = Fail();

  ASSERT_TRUE(second->done()) << "nothing to wait for";
  EXPECT_EQ(areas_.asked.size(), 1u);
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::FRAGMENTED);
  EXPECT_EQ(Newest().shared_age().nanos(), 12'000'000);

  executor_.Advance(absl::Milliseconds(8));
  EXPECT_FALSE(Fail()->done()) << "it may have changed since";
  EXPECT_EQ(areas_.asked.size(), 2u);
  Answer(Fragmented());
  EXPECT_EQ(Newest().shared_age().nanos(), 0);
}

TEST_F(DiagnosesTest, WithoutTheHeapsOwnNumberTheFreeListSaysHowMuchThereIs) {
  cma_->SetUsage({});
  const Call call = Fail(ENOMEM, kUid, /*pages=*/5);

  Answer(Fragmented());

  EXPECT_EQ(GetReason(call->status()), ErrorReason::HEAP_EXHAUSTED);
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::EXHAUSTED);
  EXPECT_EQ(Newest().free_bytes(), 4 * kPage);
}

TEST_F(DiagnosesTest, TwoThatFailTogetherWaitForTheSameAnswer) {
  const Call first = Fail();
  const Call second = Fail();
  EXPECT_EQ(areas_.asked.size(), 1u);

  Answer(Fragmented());

  EXPECT_TRUE(first->done());
  EXPECT_TRUE(second->done());
}

TEST_F(DiagnosesTest, WhatCouldNotBeAskedIsSaid) {
  sources_[v1::EvidenceSource::TRACE] = ENOTSUP;
  cma_->SetUsage({.free_bytes = 4 * kPage, .largest_free_bytes = 4 * kPage});
  Fail();
  Answer(CmaFreeList{.runs = {{0, 4}}, .free_pages = 4, .total_pages = 16});

  const v1::Diagnosis diagnosis = Newest();
  EXPECT_EQ(diagnosis.verdict(), v1::Diagnosis::UNKNOWN);
  ASSERT_EQ(diagnosis.missing_sources_size(), 1);
  EXPECT_EQ(diagnosis.missing_sources(0).kind(), v1::EvidenceSource::TRACE);
  EXPECT_EQ(diagnosis.missing_sources(0).errno_name(), "EOPNOTSUPP");
  EXPECT_THAT(diagnosis.explanation(), HasSubstr("lacks what might tell: TRACE (it needs"));
}

TEST_F(DiagnosesTest, AnErrorOfTheCallItselfHasNothingToWaitFor) {
  const Call call = Fail(EMFILE);

  ASSERT_TRUE(call->done());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::DAEMON_FD_LIMIT);
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::FD_LIMIT);
  EXPECT_TRUE(areas_.asked.empty());
}

TEST_F(DiagnosesTest, OneThatIsCancelledMeanwhileEndsAtOnceAndIsNotExplained) {
  const Call call = Fail();

  Cancel(call);

  ASSERT_TRUE(call->done());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::REQUEST_CANCELLED);
  EXPECT_EQ(ChargedBytes(), 0);
  Answer(Fragmented());
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(call->calls, 1);
  EXPECT_EQ(store().List(absl::nullopt, {.size = 1}).diagnoses_size(), 0);
}

TEST_F(DiagnosesTest, ThePageInTheWayIsAskedForThoughItIsTheFirstFailure) {
  cma_->SetUsage({.free_bytes = 4 * kPage, .largest_free_bytes = 4 * kPage});
  pages_.OpenEyes();
  const Call call = Fail();
  Answer(CmaFreeList{.runs = {{0, 4}}, .free_pages = 4, .total_pages = 16});
  EXPECT_FALSE(call->done());
  EXPECT_EQ(pages_.asked(), 1);

  Do([this] { pages_.Find(PageInTheWay{.frame = 77}); });
  EXPECT_FALSE(call->done()) << "who pins it is asked for too";
  ASSERT_EQ(pages_.pinners_asked(), std::vector<uint64_t>{77});
  Do([this] {
    pages_.AnswerPinners(PagePinners{
        .kind = v1::Diagnosis::Pin::ANONYMOUS, .mappings = 2, .references = 2, .complete = true});
  });

  ASSERT_TRUE(call->done());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::CONTIGUOUS_MEMORY_PINNED);
  const v1::Diagnosis diagnosis = Newest();
  EXPECT_EQ(diagnosis.verdict(), v1::Diagnosis::PINNED_TRANSIENT);
  EXPECT_EQ(diagnosis.confidence(), v1::Diagnosis::CERTAIN);
  EXPECT_EQ(diagnosis.evidence_level(), v1::Diagnosis::L4);
  EXPECT_EQ(diagnosis.pin().cause(), v1::Diagnosis::Pin::FORK_COPY);
}

TEST_F(DiagnosesTest, APageThatItsUserHasAloneAgainIsAForksWhereThatOneForks) {
  cma_->SetUsage({.free_bytes = 4 * kPage, .largest_free_bytes = 4 * kPage});
  areas_.there = false;
  pages_.OpenEyes();
  Fail();
  Do([this] { pages_.Find(PageInTheWay{.frame = 77}); });
  Do([this] {
    pages_.AnswerPinners(PagePinners{.kind = v1::Diagnosis::Pin::ANONYMOUS,
                                     .mappings = 1,
                                     .references = 1,
                                     .of_forker = true,
                                     .complete = true});
  });

  EXPECT_EQ(Newest().pin().cause(), v1::Diagnosis::Pin::FORK_COPY);
}

TEST_F(DiagnosesTest, WhoPinsThePageIsNotWaitedForLongerThanTheTimeBox) {
  cma_->SetUsage({.free_bytes = 4 * kPage, .largest_free_bytes = 4 * kPage});
  areas_.there = false;
  pages_.OpenEyes();
  const Call call = Fail();
  Do([this] {
    pages_.Find(PageInTheWay{.frame = 77, .kind = v1::Diagnosis::Pin::FREE, .mappings = 0});
  });

  executor_.Advance(Diagnoser::kTimeBox);

  ASSERT_TRUE(call->done());
  EXPECT_EQ(Newest().evidence_level(), v1::Diagnosis::L3) << "what the page was is known";
  EXPECT_EQ(Newest().pin().cause(), v1::Diagnosis::Pin::EXIT_UNMAP);
  Do([this] { pages_.AnswerPinners(PagePinners()); });
  EXPECT_EQ(call->calls, 1);
}

TEST_F(DiagnosesTest, AnAttemptThatNoPageRefusedHadNowhereToMovePagesTo) {
  cma_->SetUsage({.free_bytes = 4 * kPage, .largest_free_bytes = 4 * kPage});
  areas_.there = false;
  pages_.OpenEyes();
  const Call call = Fail();

  Do([this] { pages_.Find(PageInTheWay{.inner_error_number = ENOMEM}); });

  ASSERT_TRUE(call->done());
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::NO_MIGRATION_TARGET);
  EXPECT_EQ(Newest().confidence(), v1::Diagnosis::CERTAIN);
  EXPECT_EQ(Newest().evidence_level(), v1::Diagnosis::L2);
}

TEST_F(DiagnosesTest, ADeadlineIsExplainedByWhatWasReadWhileItWaited) {
  SetPolicy(absl::StrCat(kEverything,
                         "retry_policies { name: 'nofail' jitter: 0 backoff_multiplier: 1 "
                         "initial_backoff { nanos: 1000000 } max_backoff { nanos: 1000000 } }"));
  cma_->OnAllocate([this] { cma_->Script({ENOMEM}); });
  AllocateRequest request = Request(nullptr, 2);
  request.retry_policy = kNofailPolicy;
  request.deadline = executor_.Now() + absl::Milliseconds(100);
  const Call call = Allocate(std::move(request));
  executor_.Advance(absl::Milliseconds(50));
  ASSERT_EQ(areas_.pending(), 1u) << "asked while it failed, once";
  Answer(Fragmented());

  executor_.Advance(absl::Milliseconds(50));

  ASSERT_TRUE(call->done());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::DEADLINE);
  EXPECT_EQ(GetErrorValue(call->status(), "verdict"), "FRAGMENTED");
  EXPECT_THAT(std::string(call->status().message()), HasSubstr("the largest run has only"));
  EXPECT_EQ(Newest().reason(), ErrorReason::DEADLINE);
}

TEST_F(DiagnosesTest, WhoOnlyTakesIsSuspectedAndOthersAreNotNamedToTheOwner) {
  areas_.there = false;
  Hold(kOther, 8);
  Hold(kUid, 1);
  cma_->SetUsage({.free_bytes = 0, .largest_free_bytes = absl::nullopt});
  const Call call = Fail();

  ASSERT_TRUE(call->done());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::HEAP_EXHAUSTED);
  const v1::Diagnosis whole = Newest();
  EXPECT_EQ(whole.verdict(), v1::Diagnosis::LEAK_SUSPECTED);
  ASSERT_EQ(whole.holders_size(), 2);
  EXPECT_EQ(whole.holders(0).uid(), kOther);
  EXPECT_EQ(whole.holders(0).live_buffers(), 8);
  EXPECT_EQ(whole.holders(0).buffers_came(), 8);
  EXPECT_EQ(whole.holders(1).uid(), kUid);
  EXPECT_THAT(whole.explanation(), HasSubstr("Uid 2000 has taken 8 buffers"));

  const v1::Diagnosis own = Newest(kUid);
  ASSERT_EQ(own.holders_size(), 2);
  EXPECT_EQ(own.holders(0).uid(), kUid);
  EXPECT_FALSE(own.holders(1).has_uid());
  EXPECT_EQ(own.holders(1).live_bytes(), 8 * kPage);
  EXPECT_THAT(own.explanation(), HasSubstr("Another client has taken 8 buffers"));
  EXPECT_EQ(call->status().message().find("2000"), absl::string_view::npos) << call->status();
}

TEST_F(DiagnosesTest, WhoMayInspectIsToldAllOfItsOwnFailures) {
  areas_.there = false;
  Hold(kOther, 1);
  cma_->SetUsage({.free_bytes = 0, .largest_free_bytes = absl::nullopt});
  Fail(ENOMEM, kInspector);

  EXPECT_EQ(Newest(kInspector).holders(0).uid(), kOther);
}

TEST_F(DiagnosesTest, OfWhatHasToBeReleasedOnlyOwnBuffersAreNamed) {
  Hold(kUid, 1);
  Hold(kOther, 11);
  Fail();
  // One page of ours may be any of the single used ones.
  Answer(CmaFreeList{.runs = {{1, 1}, {3, 13}}, .free_pages = 14, .total_pages = 16});
  Fail(ENOMEM, kUid, /*pages=*/16);

  const v1::Diagnosis whole = Newest();
  const v1::Diagnosis own = Newest(kUid);
  ASSERT_TRUE(whole.fit().has_opening());
  ASSERT_EQ(whole.fit().opening().parts_size(), own.fit().opening().parts_size());
  for (int i = 0; i < whole.fit().opening().parts_size(); ++i) {
    EXPECT_EQ(whole.fit().opening().parts(i).candidates_size(), 12);
    EXPECT_EQ(own.fit().opening().parts(i).candidates_size(), 1);
  }
}

TEST_F(DiagnosesTest, AnothersDiagnosisIsNotFound) {
  Fail(EMFILE);

  EXPECT_TRUE(store().Get(1, kUid).ok());
  EXPECT_TRUE(store().Get(1, absl::nullopt).ok());
  EXPECT_EQ(GetReason(store().Get(1, kOther).status()), ErrorReason::DIAGNOSIS_NOT_FOUND);
  EXPECT_EQ(GetReason(store().Get(2, kUid).status()), ErrorReason::DIAGNOSIS_NOT_FOUND);
  EXPECT_EQ(store().List(kOther, {.size = 10}).diagnoses_size(), 0);
}

TEST_F(DiagnosesTest, ListsBeginWithTheNewestAndGoOnWhereThePageEnded) {
  for (int i = 0; i < 3; ++i) Fail(EMFILE);
  Fail(EMFILE, kOther);

  const v1::ListDiagnosesResponse first = store().List(kUid, {.size = 2});
  ASSERT_EQ(first.diagnoses_size(), 2);
  EXPECT_EQ(first.diagnoses(0).name(), "diagnoses/3");
  EXPECT_EQ(first.diagnoses(1).name(), "diagnoses/2");
  ASSERT_EQ(first.next_page_token(), "2");
  const v1::ListDiagnosesResponse second = store().List(kUid, {.size = 2, .after = 2});
  ASSERT_EQ(second.diagnoses_size(), 1);
  EXPECT_EQ(second.diagnoses(0).name(), "diagnoses/1");
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(DiagnosesTest, TheOldestIsForgottenForTheNewest) {
  for (size_t i = 0; i < DiagnosisStore::kMost + 2; ++i) Fail(EMFILE);

  EXPECT_FALSE(store().Get(2, kUid).ok());
  EXPECT_TRUE(store().Get(3, kUid).ok());
}

TEST_F(DiagnosesTest, ASuccessAsksNobodyAndLeavesNothing) {
  EXPECT_TRUE(Allocate(Request(nullptr))->ok());

  EXPECT_TRUE(areas_.asked.empty());
  EXPECT_EQ(pages_.asked(), 0);
  EXPECT_EQ(store().List(absl::nullopt, {.size = 1}).diagnoses_size(), 0);
}

// A kernel without tracefs and debugfs, whose heap says nothing of itself.
class LogAloneTest : public DiagnosesTest {
 protected:
  void SetUp() override {
    DiagnosesTest::SetUp();
    areas_.there = false;
    areas_.has_log = true;
    cma_->SetUsage({});
  }

  // A line of now, for two pages of the area.
  LoggedFailure Line(int error_number) const {
    return {.area = "area",
            .pages = 2,
            .error_number = error_number,
            .latest = executor_.Now() + absl::Milliseconds(1)};
  }
  FailureLog Log(std::vector<LoggedFailure> failures) const {
    return {.failures = std::move(failures), .whole_since = executor_.Now() - absl::Minutes(1)};
  }
  void AnswerLog(absl::StatusOr<FailureLog> log) {
    Do([&, this] { areas_.AnswerLog(std::move(log)); });
  }
};

TEST_F(LogAloneTest, APinIsToldByIt) {
  const Call call = Fail();
  EXPECT_FALSE(call->done());

  AnswerLog(Log({Line(EBUSY)}));

  ASSERT_TRUE(call->done());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::CONTIGUOUS_MEMORY_PINNED);
  const v1::Diagnosis diagnosis = Newest();
  EXPECT_EQ(diagnosis.verdict(), v1::Diagnosis::PINNED_TRANSIENT);
  EXPECT_EQ(diagnosis.confidence(), v1::Diagnosis::POSSIBLE);
  EXPECT_EQ(diagnosis.evidence_level(), v1::Diagnosis::L1);
  EXPECT_EQ(diagnosis.errno_name(), "ENOMEM");
  EXPECT_EQ(diagnosis.allocator_errno_name(), "EBUSY");
  EXPECT_EQ(diagnosis.allocator_errno_source(), v1::EvidenceSource::KERNEL_LOG);
  EXPECT_EQ(diagnosis.allocator_errno_age().nanos(), 0);
  EXPECT_FALSE(diagnosis.has_pin()) << "of the page nothing is known";
  EXPECT_THAT(diagnosis.explanation(), HasSubstr("The kernel's log says so: EBUSY."));
}

TEST_F(LogAloneTest, ThatThereWasNoPlaceIsToldByIt) {
  const Call call = Fail();

  AnswerLog(Log({Line(ENOMEM)}));

  EXPECT_EQ(GetReason(call->status()), ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED);
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::FRAGMENTED);
  EXPECT_EQ(Newest().confidence(), v1::Diagnosis::POSSIBLE);
  EXPECT_EQ(Newest().evidence_level(), v1::Diagnosis::L1);
}

TEST_F(LogAloneTest, WithTheBooksThatTheAreaIsFullIsToldByIt) {
  ASSERT_TRUE(Allocate(Request(nullptr, 15))->ok());
  const Call call = Fail();

  AnswerLog(Log({Line(ENOMEM)}));

  EXPECT_EQ(GetReason(call->status()), ErrorReason::HEAP_EXHAUSTED);
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::EXHAUSTED);
  EXPECT_EQ(Newest().confidence(), v1::Diagnosis::LIKELY);
}

TEST_F(LogAloneTest, AnothersFailureIsNotTakenForOurs) {
  const absl::Time before = executor_.Now() - absl::Milliseconds(1);
  Fail();
  LoggedFailure earlier = Line(EBUSY);
  earlier.latest = before;
  LoggedFailure larger = Line(EBUSY);
  larger.pages = 3;
  LoggedFailure elsewhere = Line(EBUSY);
  elsewhere.area = "other";

  AnswerLog(Log({earlier, larger, elsewhere}));

  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::UNKNOWN);
  EXPECT_EQ(Newest().evidence_level(), v1::Diagnosis::L0);
  EXPECT_EQ(Newest().allocator_errno_name(), "");
}

TEST_F(LogAloneTest, OneOfTwoThatMayBeOursIsNotGuessed) {
  Fail();
  AnswerLog(Log({Line(EBUSY), Line(ENOMEM)}));

  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::UNKNOWN);
}

TEST_F(LogAloneTest, ALogThatCanNotBeReadLeavesTheErrnoAlone) {
  const Call call = Fail();
  AnswerLog(absl::PermissionDeniedError("dmesg_restrict"));

  ASSERT_TRUE(call->done());
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::UNKNOWN);
  EXPECT_EQ(Newest().evidence_level(), v1::Diagnosis::L0);
}

TEST_F(LogAloneTest, IsNotWaitedForLongerThanTheTimeBox) {
  const Call call = Fail();
  executor_.Advance(Diagnoser::kTimeBox);

  ASSERT_TRUE(call->done());
  AnswerLog(Log({Line(EBUSY)}));
  EXPECT_EQ(call->calls, 1);
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::UNKNOWN);
}

TEST_F(LogAloneTest, OneThatIsCancelledMeanwhileIsNotExplained) {
  const Call call = Fail();
  Cancel(call);

  AnswerLog(Log({Line(EBUSY)}));

  EXPECT_EQ(call->calls, 1);
  EXPECT_EQ(store().List(absl::nullopt, {.size = 1}).diagnoses_size(), 0);
}

TEST_F(LogAloneTest, WhatItSaidOfAnEarlierAttemptIsKeptAndSaidToBeOfThat) {
  SetPolicy(absl::StrCat(kEverything,
                         "retry_policies { name: 'nofail' jitter: 0 backoff_multiplier: 1 "
                         "initial_backoff { nanos: 10000000 } max_backoff { nanos: 10000000 } }"));
  cma_->OnAllocate([this] { cma_->Script({ENOMEM}); });
  AllocateRequest request = Request(nullptr, 2);
  request.retry_policy = kNofailPolicy;
  request.deadline = executor_.Now() + absl::Milliseconds(200);
  const Call call = Allocate(std::move(request));
  executor_.Advance(absl::Milliseconds(30));
  ASSERT_EQ(areas_.log_asked, 1) << "after the fourth";
  AnswerLog(Log({Line(EBUSY)}));

  executor_.Advance(absl::Milliseconds(170));

  ASSERT_TRUE(call->done());
  EXPECT_EQ(areas_.log_asked, 1) << "once a second";
  EXPECT_EQ(Newest().verdict(), v1::Diagnosis::PINNED_TRANSIENT);
  EXPECT_GE(Newest().allocator_errno_age().nanos(), 150'000'000);
  EXPECT_THAT(Newest().explanation(), HasSubstr("before the last."));
}

TEST_F(LogAloneTest, WhatItSaidOfAHeapIsNotSaidOfTheNext) {
  SetPolicy(absl::StrCat(kEverything,
                         "retry_policies { name: 'falls' max_attempts: 5 jitter: 0 "
                         "initial_backoff { nanos: 1000000 } max_backoff { nanos: 1000000 } "
                         "backoff_multiplier: 1 fallback_heaps: 'system' }"));
  cma_->Script({ENOMEM, ENOMEM, ENOMEM, ENOMEM, ENOMEM});
  system_->Script({ENOMEM, ENOMEM, ENOMEM, ENOMEM, ENOMEM});
  AllocateRequest request = Request(nullptr, 2);
  request.retry_policy = "falls";
  const Call call = Allocate(std::move(request));
  executor_.Advance(absl::Milliseconds(3));
  ASSERT_EQ(areas_.log_asked, 1);
  AnswerLog(Log({Line(EBUSY)}));

  executor_.Advance(absl::Seconds(1));

  ASSERT_TRUE(call->done());
  EXPECT_EQ(Newest().heap(), "heaps/system");
  EXPECT_EQ(Newest().allocator_errno_name(), "");
}

// The golden text from the field, by way of the log.
TEST_F(LogAloneTest, ItsFreeListStandsInForTheBitmap) {
  constexpr int64_t kAreaPages = 32768;
  constexpr int64_t kFieldPages = 2187;
  HeapDescription field;
  field.name = "field";
  field.area = "reserved";
  field.contiguity = v1::PHYSICAL;
  field.size_bytes = kAreaPages * kPage;
  FakeHeap* const heap = AddHeap(field);
  areas_.there = true;
  heap->Script({ENOMEM});
  AllocateRequest request = Request(nullptr, kFieldPages);
  request.heap = "field";
  request.retry_policy = "failfast";
  const Call call = Allocate(std::move(request));
  Answer(absl::PermissionDeniedError("no debugfs"));
  LoggedFailure line = Line(ENOMEM);
  line.area = "reserved";
  line.pages = kFieldPages;
  line.free_list =
      ParseCmaFreeList(
          "24@264+96@416+117@2955+117@5259+117@7563+117@9867+117@12171+117@14475+6@14714+6@14842+"
          "6@14970+6@15098+6@15226+6@15354+39@16089+39@16857+39@17625+39@18393+39@19161+39@19929+"
          "117@22155+117@24459+117@26763+117@29067+1397@31371=> 2957 free of 32768 total pages")
          .value();

  AnswerLog(Log({line}));

  ASSERT_TRUE(call->done());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED);
  const v1::Diagnosis diagnosis = Newest();
  EXPECT_EQ(diagnosis.verdict(), v1::Diagnosis::FRAGMENTED);
  EXPECT_EQ(diagnosis.confidence(), v1::Diagnosis::CERTAIN);
  EXPECT_EQ(diagnosis.evidence_level(), v1::Diagnosis::L1);
  EXPECT_EQ(diagnosis.fit().source(), v1::EvidenceSource::KERNEL_LOG);
  EXPECT_EQ(diagnosis.fit().waste_bytes(), 117 * kPage);
  EXPECT_EQ(diagnosis.fit().free_runs(), 25);
  EXPECT_EQ(diagnosis.free_bytes(), 2957 * kPage);
  EXPECT_EQ(diagnosis.largest_free_bytes(), 1397 * kPage);
  EXPECT_EQ(diagnosis.shared_age().nanos(), 0);
  EXPECT_THAT(diagnosis.explanation(),
              HasSubstr("12111872 bytes are free, but the largest run has only 5722112."));
  EXPECT_THAT(diagnosis.explanation(), HasSubstr("Which pages are free, the kernel's log says."));
  EXPECT_THAT(diagnosis.explanation(), HasSubstr("each strands 479232 bytes"));
}

TEST_F(LogAloneTest, AFreeListOfAnAreaOfAnotherSizeIsAnothers) {
  Fail();
  LoggedFailure line = Line(ENOMEM);
  line.free_list = CmaFreeList{.runs = {{0, 1}}, .free_pages = 1, .total_pages = 17};

  AnswerLog(Log({line}));

  EXPECT_FALSE(Newest().has_fit());
  EXPECT_EQ(Newest().allocator_errno_name(), "ENOMEM") << "the line is ours all the same";
}

TEST_F(DiagnosesTest, WhereTheTraceAndTheListTellTheLogIsNotRead) {
  areas_.has_log = true;
  cma_->SetUsage({.free_bytes = 4 * kPage, .largest_free_bytes = 4 * kPage});
  pages_.OpenEyes();
  const Call call = Fail();
  Answer(CmaFreeList{.runs = {{0, 4}}, .free_pages = 4, .total_pages = 16});
  Do([this] { pages_.Find(PageInTheWay{.inner_error_number = ENOMEM}); });

  ASSERT_TRUE(call->done());
  EXPECT_EQ(areas_.log_asked, 0);
  EXPECT_EQ(Newest().allocator_errno_source(), v1::EvidenceSource::TRACE);
}

TEST_F(DiagnosesTest, WhatHasNoPlaceNeedsNoErrno) {
  areas_.has_log = true;
  const Call call = Fail();
  Answer(Fragmented());

  ASSERT_TRUE(call->done());
  EXPECT_EQ(areas_.log_asked, 0);
}

TEST_F(DiagnosesTest, WhereTheTraceToldNothingTheLogIsRead) {
  areas_.has_log = true;
  cma_->SetUsage({.free_bytes = 4 * kPage, .largest_free_bytes = 4 * kPage});
  pages_.OpenEyes();
  const Call call = Fail();
  Answer(CmaFreeList{.runs = {{0, 4}}, .free_pages = 4, .total_pages = 16});
  EXPECT_EQ(areas_.log_asked, 0);
  Do([this] { pages_.Find(absl::NotFoundError("none")); });

  EXPECT_FALSE(call->done());
  ASSERT_EQ(areas_.log_asked, 1);
  Do([this] { areas_.AnswerLog(FailureLog()); });
  ASSERT_TRUE(call->done());
}

TEST_F(DiagnosesTest, TheTraceHasTheLastWord) {
  areas_.has_log = true;
  areas_.there = false;
  cma_->SetUsage({.free_bytes = 4 * kPage, .largest_free_bytes = 4 * kPage});
  pages_.OpenEyes();
  const Call call = Fail();
  Do([this] { pages_.Find(PageInTheWay{.inner_error_number = ENOMEM}); });
  ASSERT_EQ(areas_.log_asked, 1) << "for its list";
  const absl::Time now = executor_.Now();
  Do([this, now] {
    areas_.AnswerLog(
        FailureLog{.failures = {{.area = "area", .pages = 2, .error_number = EBUSY, .latest = now}},
                   .whole_since = now - absl::Minutes(1)});
  });

  ASSERT_TRUE(call->done());
  EXPECT_EQ(Newest().allocator_errno_name(), "ENOMEM");
  EXPECT_EQ(Newest().evidence_level(), v1::Diagnosis::L2);
}

}  // namespace
}  // namespace dmaheap
