#include "daemon/diagnosis/verdict.h"

#include <cerrno>
#include <string>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// A request of 1024 pages that an area refused for want of memory.
Evidence NoMemory() {
  Evidence evidence;
  evidence.pages = 1024;
  evidence.error_number = ENOMEM;
  evidence.attempts = 3;
  return evidence;
}

// The same, where the bitmap had a place for it.
Evidence WithRoom() {
  Evidence evidence = NoMemory();
  evidence.free_pages = 4096;
  evidence.largest_run_pages = 2048;
  evidence.fit = Fit{.free_pages = 4096, .largest_run_pages = 2048, .fits = true};
  return evidence;
}

Evidence Refused(const RefusingFrame& frame) {
  Evidence evidence = WithRoom();
  evidence.windows_refused = 1;
  evidence.inner_error_number = EBUSY;
  evidence.frame = frame;
  return evidence;
}

struct Case {
  const char* name;
  Evidence evidence;
  Verdict verdict;
  Confidence confidence;
};

class VerdictTest : public ::testing::TestWithParam<Case> {};

TEST_P(VerdictTest, IsWhatTheEvidenceSays) {
  const Judgement judged = Judge(GetParam().evidence);

  EXPECT_EQ(judged.verdict, GetParam().verdict);
  EXPECT_EQ(judged.confidence, GetParam().confidence);
}

Evidence Failed(int error_number) {
  Evidence evidence = NoMemory();
  evidence.error_number = error_number;
  return evidence;
}

INSTANTIATE_TEST_SUITE_P(
    OfTheCall, VerdictTest,
    ::testing::Values(
        Case{"OutOfFds", Failed(EMFILE), Verdict::kFdLimit, Confidence::kCertain},
        Case{"OutOfFiles", Failed(ENFILE), Verdict::kFdLimit, Confidence::kCertain},
        Case{"NotAllowed", Failed(EACCES), Verdict::kPermission, Confidence::kCertain},
        Case{"NoNode", Failed(ENOENT), Verdict::kHeapAbsent, Confidence::kCertain},
        Case{"NoDriver", Failed(ENODEV), Verdict::kHeapAbsent, Confidence::kCertain},
        Case{"NoSuchCall", Failed(ENOTTY), Verdict::kKernelUnsupported, Confidence::kCertain},
        Case{"Strange", Failed(EIO), Verdict::kUnknown, Confidence::kPossible}),
    [](const auto& info) { return info.param.name; });

Evidence Full() {
  Evidence evidence = NoMemory();
  evidence.free_pages = 1023;
  return evidence;
}

Evidence Held(std::vector<HolderTrend> holders) {
  Evidence evidence = Full();
  evidence.holders = std::move(holders);
  return evidence;
}

Evidence TooShort() {
  Evidence evidence = NoMemory();
  evidence.free_pages = 1024;
  evidence.largest_run_pages = 1023;
  return evidence;
}

Evidence NoPlace(bool unaligned) {
  Evidence evidence = NoMemory();
  evidence.free_pages = 4096;
  evidence.fit = Fit{.fits = false, .fits_unaligned = unaligned};
  return evidence;
}

INSTANTIATE_TEST_SUITE_P(
    OfTheBitmap, VerdictTest,
    ::testing::Values(
        Case{"Full", Full(), Verdict::kExhausted, Confidence::kCertain},
        Case{"OneTookHalfAndGaveNothing",
             Held({{.bytes = 50, .came = 8, .went = 0}, {.bytes = 50, .came = 9, .went = 9}}),
             Verdict::kLeakSuspected, Confidence::kLikely},
        Case{"OneTookHalfAndGaveSomething",
             Held({{.bytes = 50, .came = 8, .went = 1}, {.bytes = 50, .came = 9, .went = 9}}),
             Verdict::kExhausted, Confidence::kCertain},
        Case{"OneTookLittleAndGaveNothing",
             Held({{.bytes = 49, .came = 8, .went = 0}, {.bytes = 51, .came = 9, .went = 9}}),
             Verdict::kExhausted, Confidence::kCertain},
        Case{"FewBuffersAreNoLeak", Held({{.bytes = 100, .came = 7, .went = 0}}),
             Verdict::kExhausted, Confidence::kCertain},
        Case{"RunsTooShort", TooShort(), Verdict::kFragmented, Confidence::kCertain},
        Case{"NoPlaceAtAll", NoPlace(false), Verdict::kFragmented, Confidence::kCertain},
        Case{"NoAlignedPlace", NoPlace(true), Verdict::kAlignmentWaste, Confidence::kCertain}),
    [](const auto& info) { return info.param.name; });

Evidence OnlyBusy() {
  Evidence evidence = WithRoom();
  evidence.inner_error_number = EBUSY;
  return evidence;
}

INSTANTIATE_TEST_SUITE_P(
    OfAPin, VerdictTest,
    ::testing::Values(
        Case{"SeenToGo", Refused({.stuck_for = absl::Seconds(3), .held_since = false}),
             Verdict::kPinnedTransient, Confidence::kCertain},
        Case{"SeenToStay", Refused({.stuck_for = kStuckAfter, .held_since = true}),
             Verdict::kPinnedStuck, Confidence::kCertain},
        Case{"TheSameForLong", Refused({.stuck_for = kStuckAfter}), Verdict::kPinnedStuck,
             Confidence::kLikely},
        Case{"EachTimeAnother", Refused({}), Verdict::kPinnedTransient, Confidence::kLikely},
        Case{"StillThereAfterAMoment",
             Refused({.stuck_for = absl::Milliseconds(20), .held_since = true}),
             Verdict::kPinnedTransient, Confidence::kPossible},
        Case{"NoPageIsKnown", OnlyBusy(), Verdict::kPinnedTransient, Confidence::kPossible}),
    [](const auto& info) { return info.param.name; });

Evidence NoTarget(absl::optional<int> windows_refused) {
  Evidence evidence = WithRoom();
  evidence.inner_error_number = ENOMEM;
  evidence.windows_refused = windows_refused;
  return evidence;
}

Evidence BusyThoughFull() {
  Evidence evidence = Full();
  evidence.inner_error_number = EBUSY;
  return evidence;
}

Evidence NoMemoryAndNoRoomKnown() {
  Evidence evidence = NoMemory();
  evidence.inner_error_number = ENOMEM;
  return evidence;
}

INSTANTIATE_TEST_SUITE_P(
    OfTheRest, VerdictTest,
    ::testing::Values(
        Case{"NowhereToMoveTo", NoTarget(0), Verdict::kNoMigrationTarget, Confidence::kCertain},
        Case{"NowhereToMoveToByTheLog", NoTarget(absl::nullopt), Verdict::kNoMigrationTarget,
             Confidence::kLikely},
        Case{"NothingButTheErrno", NoMemory(), Verdict::kUnknown, Confidence::kPossible},
        Case{"RoomAndNothingElse", WithRoom(), Verdict::kUnknown, Confidence::kPossible},
        Case{"NoMemoryWithoutTheBitmap", NoMemoryAndNoRoomKnown(), Verdict::kUnknown,
             Confidence::kPossible},
        Case{"TheNewestKernelsSayBusyOfAFullArea", BusyThoughFull(), Verdict::kExhausted,
             Confidence::kCertain}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace dmaheap
