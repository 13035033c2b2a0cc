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

// Where the kernel's log is all that tells.
Evidence ByLog(int inner_error_number) {
  Evidence evidence = NoMemory();
  evidence.inner_error_number = inner_error_number;
  evidence.inner_error_source = v1::EvidenceSource::KERNEL_LOG;
  return evidence;
}

Evidence ByLogAndBooks(int inner_error_number, int64_t unbooked_pages,
                       std::vector<HolderTrend> holders = {}) {
  Evidence evidence = ByLog(inner_error_number);
  evidence.unbooked_pages = unbooked_pages;
  evidence.holders = std::move(holders);
  return evidence;
}

Evidence BooksAlone() {
  Evidence evidence = NoMemory();
  evidence.unbooked_pages = 0;
  return evidence;
}

Evidence ByLogOfThePast() {
  Evidence evidence = NoTarget(absl::nullopt);
  evidence.inner_error_age = absl::Seconds(1);
  return evidence;
}

// The log had the list of free pages too.
Evidence ByLogWithList(int inner_error_number, bool fits) {
  Evidence evidence = ByLog(inner_error_number);
  evidence.fit = Fit{.free_pages = 4096, .largest_run_pages = fits ? 2048 : 1000, .fits = fits};
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
        Case{"TheNewestKernelsSayBusyOfAFullArea", BusyThoughFull(), v1::Diagnosis::EXHAUSTED,
             v1::Diagnosis::CERTAIN}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    OfTheLog, VerdictTest,
    ::testing::Values(
        Case{"BusyIsAPin", ByLog(EBUSY), v1::Diagnosis::PINNED_TRANSIENT, v1::Diagnosis::POSSIBLE},
        Case{"NoMemoryIsNoPin", ByLog(ENOMEM), v1::Diagnosis::FRAGMENTED, v1::Diagnosis::POSSIBLE},
        Case{"ThatItWasInterruptedSaysNothing", ByLog(EINTR), v1::Diagnosis::UNKNOWN,
             v1::Diagnosis::POSSIBLE},
        Case{"NoMemoryAndFullByTheBooks", ByLogAndBooks(ENOMEM, 1023), v1::Diagnosis::EXHAUSTED,
             v1::Diagnosis::LIKELY},
        Case{"NoMemoryAndNotFullByTheBooks", ByLogAndBooks(ENOMEM, 1024), v1::Diagnosis::FRAGMENTED,
             v1::Diagnosis::POSSIBLE},
        Case{"BusyThoughFullByTheBooks", ByLogAndBooks(EBUSY, 1023), v1::Diagnosis::EXHAUSTED,
             v1::Diagnosis::LIKELY},
        Case{"FullByTheBooksOfOneWhoOnlyTakes",
             ByLogAndBooks(ENOMEM, 0, {{.bytes = 50, .came = 8, .went = 0}}),
             v1::Diagnosis::LEAK_SUSPECTED, v1::Diagnosis::LIKELY},
        Case{"BooksAloneSayNothing", BooksAlone(), v1::Diagnosis::UNKNOWN, v1::Diagnosis::POSSIBLE},
        Case{"NowhereToMoveToInThePast", ByLogOfThePast(), v1::Diagnosis::NO_MIGRATION_TARGET,
             v1::Diagnosis::POSSIBLE},
        Case{"BusyWithAListThatHasRoom", ByLogWithList(EBUSY, true),
             v1::Diagnosis::PINNED_TRANSIENT, v1::Diagnosis::POSSIBLE},
        Case{"NoMemoryWithAListThatHasRoom", ByLogWithList(ENOMEM, true),
             v1::Diagnosis::NO_MIGRATION_TARGET, v1::Diagnosis::LIKELY},
        Case{"AListWithoutAPlace", ByLogWithList(ENOMEM, false), v1::Diagnosis::FRAGMENTED,
             v1::Diagnosis::CERTAIN},
        Case{"TheNewestKernelsSayBusyWithoutAPlace", ByLogWithList(EBUSY, false),
             v1::Diagnosis::FRAGMENTED, v1::Diagnosis::CERTAIN}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace dmaheap
