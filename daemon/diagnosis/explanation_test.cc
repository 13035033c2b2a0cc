#include "daemon/diagnosis/explanation.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Explained(const std::string& text) {
  v1::Diagnosis diagnosis;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &diagnosis)) << text;
  return ExplanationOf(diagnosis);
}

std::string Pin(const std::string& text) {
  v1::Diagnosis diagnosis;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &diagnosis)) << text;
  return PinInWords(diagnosis);
}

constexpr char kMapper[] =
    "processes { pid: 42 uid: 1047 process_name: 'camera' role: MAPPER confidence: CERTAIN } ";

constexpr char kMissing[] =
    "missing_sources { kind: HEAP_NUMBERS level: L1 errno_name: 'ENOENT' remedy: 'a' } "
    "missing_sources { kind: FREE_LIST level: L1 errno_name: 'ENOENT' remedy: 'b' } "
    "missing_sources { kind: PROCESS_FILES level: L3 errno_name: 'EACCES' remedy: 'c' } ";

TEST(Explanation, WhoWasNotFoundIsSaidWithWhatMightTellWhoAndNothingElse) {
  const std::string text = Explained(
      absl::StrCat("verdict: PINNED_STUCK pin { stuck_duration { seconds: 1 } } ", kMissing));
  EXPECT_THAT(text, HasSubstr("lacks what might tell: PROCESS_FILES (c)."));
  EXPECT_THAT(text, Not(HasSubstr("FREE_LIST")));
}

TEST(Explanation, WhyWasNotFoundIsSaidWithWhatMightTellWhy) {
  const std::string text =
      Explained(absl::StrCat("verdict: UNKNOWN errno_name: 'ENOMEM' ", kMissing));
  EXPECT_THAT(text, HasSubstr("lacks what might tell: FREE_LIST (b), PROCESS_FILES (c)."));
  EXPECT_THAT(Explained("verdict: UNKNOWN errno_name: 'ENOMEM'"), Not(HasSubstr("lacks")));
}

TEST(Explanation, AFilesPageIsToldWithTheFile) {
  EXPECT_THAT(Explained("verdict: PINNED_STUCK pin { stuck_duration { seconds: 1 } "
                        "file_path: '/data/clip' }"),
              HasSubstr(", a page of /data/clip"));
}

TEST(Explanation, EveryVerdictHasWordsOfItsOwn) {
  std::set<std::string> all;
  for (int i = v1::Diagnosis::Verdict_MIN + 1; i <= v1::Diagnosis::Verdict_MAX; ++i) {
    v1::Diagnosis diagnosis;
    diagnosis.set_verdict(static_cast<v1::Diagnosis::Verdict>(i));
    const std::string text = ExplanationOf(diagnosis);
    EXPECT_EQ(text.back(), '.') << text;
    EXPECT_TRUE(all.insert(text).second) << text;
  }
}

TEST(Explanation, APageThatStayedIsToldWithWhoMapsItAndThatThisIsNoPin) {
  const std::string text =
      Explained(absl::StrCat("verdict: PINNED_STUCK pin { stuck_duration { seconds: 1 nanos: "
                             "234000000 } ",
                             kMapper, "}"));
  EXPECT_THAT(text, HasSubstr("one page, which can not be moved, has been in the way for 1.234s, "
                              "mapped by camera (pid 42, uid 1047)"));
  EXPECT_THAT(text, HasSubstr("Who keeps it there was not found"));
}

TEST(Explanation, WhoKeepsItIsNamedOnlyWhenThatIsCertain) {
  const std::string text = absl::StrCat(
      "verdict: PINNED_STUCK pin { stuck_duration { seconds: 2 } cause: PIPE ", kMapper,
      "processes { pid: 7 uid: 0 process_name: 'spool' role: PINNER confidence: CERTAIN } "
      "processes { pid: 8 uid: 0 process_name: 'maybe' role: PINNER confidence: LIKELY } }");

  EXPECT_THAT(Explained(text), HasSubstr("for 2s: a pipe holds it, kept by spool (pid 7, uid 0), "
                                         "mapped by camera (pid 42, uid 1047). Until it is let "
                                         "go"));
  EXPECT_THAT(Explained(text), Not(HasSubstr("maybe")));
}

TEST(Explanation, WhoHasTheFileOrAllocatedThePageIsNotAccused) {
  const std::string text = Explained(
      "verdict: PINNED_STUCK pin { stuck_duration { seconds: 2 } "
      "processes { pid: 7 uid: 0 process_name: 'player' role: FILE_OWNER confidence: CERTAIN } "
      "processes { pid: 8 uid: -1 process_name: 'gone' role: ALLOCATOR confidence: CERTAIN } }");

  EXPECT_THAT(text, HasSubstr("for 2s, of a file that player (pid 7, uid 0) has open, once "
                              "allocated by gone (pid 8). Who keeps it there was not found"));
}

TEST(Explanation, AProcessWithoutAPidIsAnother) {
  EXPECT_THAT(Pin("pin { stuck_duration { seconds: 2 } processes { role: MAPPER } }"),
              HasSubstr("mapped by another process"));
}

TEST(Explanation, OfManyAFewAreNamed) {
  std::string processes;
  for (int pid = 1; pid <= 6; ++pid) {
    absl::StrAppend(&processes, "processes { pid: ", pid, " process_name: 'p' role: MAPPER } ");
  }
  EXPECT_THAT(Pin(absl::StrCat("pin { stuck_duration { seconds: 2 } ", processes, "}")),
              HasSubstr("p (pid 4, uid 0) and 2 more"));
}

TEST(Explanation, APageThatCameAndWentIsNotBlamed) {
  EXPECT_EQ(Pin("pin { stuck_duration { nanos: 99000000 } }"), "");
  EXPECT_THAT(Explained("verdict: PINNED_TRANSIENT pin { stuck_duration { nanos: 99000000 } }"),
              HasSubstr("could not be moved for the moment"));
}

TEST(Explanation, OfAFragmentedAreaItIsSaidWhatWouldHelp) {
  const std::string text = Explained(
      "verdict: FRAGMENTED free_bytes: 12111872 largest_free_bytes: 5722112 "
      "fit { align_bytes: 1048576 rounded_bytes: 9437184 waste_bytes: 479232 "
      "      largest_fit_bytes: 5242880 larger_by_bytes: 4096 "
      "      opening { parts { size_bytes: 8957952 candidates: 'buffers/1' } "
      "                parts { size_bytes: 4096 candidates: 'buffers/2' candidates: 'buffers/3' } "
      "                parts { size_bytes: 8192 } } }");
  EXPECT_THAT(text, HasSubstr("12111872 bytes are free, but the largest run has only 5722112."));
  EXPECT_THAT(text, HasSubstr("each strands 479232 bytes"));
  EXPECT_THAT(text, HasSubstr("once these were released: buffers/1, one of buffers/2, buffers/3, "
                              "8192 bytes of others."));
  EXPECT_THAT(text, HasSubstr("Now 5242880 bytes at most would fit."));
}

TEST(Explanation, APinByTheKernelsLogIsToldWithItAndWithWhatWouldTellWhichPage) {
  EXPECT_EQ(
      Explained(absl::StrCat("verdict: PINNED_TRANSIENT errno_name: 'ENOMEM' "
                             "allocator_errno_name: 'EBUSY' "
                             "allocator_errno_source: KERNEL_LOG ",
                             kMissing)),
      "pages that could not be moved were in the way (or, with a kernel since 6.15, there was "
      "no place). The kernel's log says so: EBUSY. Whether one of them stays is not known: try "
      "again, or choose a retry policy that waits "
      "longer. On this machine the daemon lacks what might tell: PROCESS_FILES (c).");
}

TEST(Explanation, WhereThereWasRoomAPinIsAllThatBusyCanMean) {
  EXPECT_THAT(Explained("verdict: PINNED_TRANSIENT allocator_errno_name: 'EBUSY' "
                        "allocator_errno_source: KERNEL_LOG largest_free_bytes: 4096"),
              HasSubstr("were in the way. The kernel's log"));
}

TEST(Explanation, WhatTheLogSaysOfAnEarlierAttemptIsSaidToBeOfThat) {
  EXPECT_THAT(Explained("verdict: PINNED_TRANSIENT allocator_errno_name: 'EBUSY' "
                        "allocator_errno_source: KERNEL_LOG allocator_errno_age { seconds: 2 }"),
              HasSubstr("The kernel's log says so: EBUSY, of an attempt 2s before the last."));
}

TEST(Explanation, NoPlaceByTheKernelsLogIsToldFromAPin) {
  const std::string text = Explained(
      absl::StrCat("verdict: FRAGMENTED errno_name: 'ENOMEM' allocator_errno_name: 'ENOMEM' "
                   "allocator_errno_source: KERNEL_LOG ",
                   kMissing));
  EXPECT_EQ(text,
            "no page was in the way; the area had no place for it: what is free is too little, or "
            "in runs that are too short. (Or the machine has no free memory to move pages to.) The "
            "kernel's log says so: ENOMEM. A repeat alone does not help; buffers have to be "
            "released. On this machine the daemon lacks what might tell: FREE_LIST (b), "
            "PROCESS_FILES (c).");
}

TEST(Explanation, AFreeListOfTheKernelsLogIsToldToBeThat) {
  EXPECT_THAT(Explained("verdict: FRAGMENTED free_bytes: 12111872 largest_free_bytes: 5722112 "
                        "fit { source: KERNEL_LOG }"),
              HasSubstr("Which pages are free, the kernel's log says."));
}

TEST(Explanation, AHeapThatIsFullByTheBooksHasNoNumberOfFreeBytes) {
  EXPECT_EQ(Explained("verdict: EXHAUSTED holders { uid: 7 live_buffers: 1 live_bytes: 4096 }"),
            "what live buffers leave of the heap is too little: uid 7 with 1 buffer of 4096 bytes. "
            "Release buffers, or ask for less.");
}

TEST(Explanation, OfAFullHeapItIsSaidWhoHasIt) {
  EXPECT_THAT(Explained("verdict: EXHAUSTED free_bytes: 4096 "
                        "holders { uid: 1000 live_buffers: 3 live_bytes: 12288 } "
                        "holders { live_buffers: 1 live_bytes: 4096 }"),
              HasSubstr("only 4096 bytes free, the rest is in live buffers: uid 1000 with 3 "
                        "buffers of 12288 bytes, others with 1 buffer of 4096 bytes."));
}

TEST(Explanation, ALeakNamesWhoOnlyTakes) {
  EXPECT_THAT(Explained("verdict: LEAK_SUSPECTED free_bytes: 0 "
                        "holders { uid: 1000 live_buffers: 9 live_bytes: 9 buffers_came: 9 } "),
              HasSubstr("Uid 1000 has taken 9 buffers in the last minutes and given none back"));
  EXPECT_THAT(Explained("verdict: LEAK_SUSPECTED free_bytes: 0 "
                        "holders { live_buffers: 9 live_bytes: 9 buffers_came: 9 } "),
              HasSubstr("Another client has taken 9 buffers"));
}

}  // namespace
}  // namespace dmaheap
