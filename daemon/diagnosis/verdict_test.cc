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
  v1::Diagnosis::Verdict verdict;
  v1::Diagnosis::Confidence confidence;
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
        Case{"OutOfFds", Failed(EMFILE), v1::Diagnosis::FD_LIMIT, v1::Diagnosis::CERTAIN},
        Case{"OutOfFiles", Failed(ENFILE), v1::Diagnosis::FD_LIMIT, v1::Diagnosis::CERTAIN},
        Case{"NotAllowed", Failed(EACCES), v1::Diagnosis::PERMISSION, v1::Diagnosis::CERTAIN},
        Case{"NoNode", Failed(ENOENT), v1::Diagnosis::HEAP_ABSENT, v1::Diagnosis::CERTAIN},
        Case{"NoDriver", Failed(ENODEV), v1::Diagnosis::HEAP_ABSENT, v1::Diagnosis::CERTAIN},
        Case{"NoSuchCall", Failed(ENOTTY), v1::Diagnosis::KERNEL_UNSUPPORTED,
             v1::Diagnosis::CERTAIN},
        Case{"Strange", Failed(EIO), v1::Diagnosis::UNKNOWN, v1::Diagnosis::POSSIBLE}),
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
        Case{"Full", Full(), v1::Diagnosis::EXHAUSTED, v1::Diagnosis::CERTAIN},
        Case{"OneTookHalfAndGaveNothing",
             Held({{.bytes = 50, .came = 8, .went = 0}, {.bytes = 50, .came = 9, .went = 9}}),
             v1::Diagnosis::LEAK_SUSPECTED, v1::Diagnosis::LIKELY},
        Case{"OneTookHalfAndGaveSomething",
             Held({{.bytes = 50, .came = 8, .went = 1}, {.bytes = 50, .came = 9, .went = 9}}),
             v1::Diagnosis::EXHAUSTED, v1::Diagnosis::CERTAIN},
        Case{"OneTookLittleAndGaveNothing",
             Held({{.bytes = 49, .came = 8, .went = 0}, {.bytes = 51, .came = 9, .went = 9}}),
             v1::Diagnosis::EXHAUSTED, v1::Diagnosis::CERTAIN},
        Case{"FewBuffersAreNoLeak", Held({{.bytes = 100, .came = 7, .went = 0}}),
             v1::Diagnosis::EXHAUSTED, v1::Diagnosis::CERTAIN},
        Case{"RunsTooShort", TooShort(), v1::Diagnosis::FRAGMENTED, v1::Diagnosis::CERTAIN},
        Case{"NoPlaceAtAll", NoPlace(false), v1::Diagnosis::FRAGMENTED, v1::Diagnosis::CERTAIN},
        Case{"NoAlignedPlace", NoPlace(true), v1::Diagnosis::ALIGNMENT_WASTE,
             v1::Diagnosis::CERTAIN}),
    [](const auto& info) { return info.param.name; });

Evidence OnlyBusy() {
  Evidence evidence = WithRoom();
  evidence.inner_error_number = EBUSY;
  return evidence;
}

INSTANTIATE_TEST_SUITE_P(
    OfAPin, VerdictTest,
    ::testing::Values(
        Case{"SeenToGo", Refused({.stuck_for = absl::Seconds(3), .mappings = 1, .references = 1}),
             v1::Diagnosis::PINNED_TRANSIENT, v1::Diagnosis::CERTAIN},
        Case{"SeenToStay", Refused({.stuck_for = kStuckAfter, .mappings = 1, .references = 2}),
             v1::Diagnosis::PINNED_STUCK, v1::Diagnosis::CERTAIN},
        Case{"TheSameForLong", Refused({.stuck_for = kStuckAfter}), v1::Diagnosis::PINNED_STUCK,
             v1::Diagnosis::LIKELY},
        Case{"EachTimeAnother", Refused({}), v1::Diagnosis::PINNED_TRANSIENT,
             v1::Diagnosis::LIKELY},
        Case{"StillThereAfterAMoment",
             Refused({.stuck_for = absl::Milliseconds(20), .mappings = 1, .references = 2}),
             v1::Diagnosis::PINNED_TRANSIENT, v1::Diagnosis::POSSIBLE},
        Case{"NoPageIsKnown", OnlyBusy(), v1::Diagnosis::PINNED_TRANSIENT,
             v1::Diagnosis::POSSIBLE}),
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
        Case{"NowhereToMoveTo", NoTarget(0), v1::Diagnosis::NO_MIGRATION_TARGET,
             v1::Diagnosis::CERTAIN},
        Case{"NowhereToMoveToByTheLog", NoTarget(absl::nullopt), v1::Diagnosis::NO_MIGRATION_TARGET,
             v1::Diagnosis::LIKELY},
        Case{"NothingButTheErrno", NoMemory(), v1::Diagnosis::UNKNOWN, v1::Diagnosis::POSSIBLE},
        Case{"RoomAndNothingElse", WithRoom(), v1::Diagnosis::UNKNOWN, v1::Diagnosis::POSSIBLE},
        Case{"NoMemoryWithoutTheBitmap", NoMemoryAndNoRoomKnown(), v1::Diagnosis::UNKNOWN,
             v1::Diagnosis::POSSIBLE},
        Case{"TheNewestKernelsSayBusyOfAFullArea", BusyThoughFull(), v1::Diagnosis::EXHAUSTED,
             v1::Diagnosis::CERTAIN}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace dmaheap
