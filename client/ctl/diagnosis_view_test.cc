#include "client/ctl/diagnosis_view.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kNowSeconds = 1700000000;
const absl::Time kNow = absl::FromUnixSeconds(kNowSeconds);

v1::Diagnosis Diagnosis(const std::string& more = "") {
  v1::Diagnosis diagnosis;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat(
          "name: 'diagnoses/17' create_time { seconds: ", kNowSeconds - 95,
          " } request_id: 'r1' owner_uid: 1047 heap: 'heaps/reserved' size_bytes: 62914560 "
          "count: 1 attempts: 12 elapsed_duration { seconds: 2 } retry_policy: 'default' "
          "reason: HEAP_PINNED_PERMANENTLY errno_name: 'ENOMEM' verdict: PINNED_STUCK "
          "confidence: LIKELY evidence_level: L3 explanation: 'One page, which can not be moved, "
          "has been in the way for 1.2s, mapped by camera (pid 42, uid 1047). Until it is let go, "
          "a repeat does not help.' ",
          more),
      &diagnosis));
  return diagnosis;
}

TEST(DiagnosisView, ATableFitsATerminal) {
  v1::ListDiagnosesResponse list;
  *list.add_diagnoses() = Diagnosis();
  const std::string text =
      PrintTable(DiagnosisTable(list, /*wide=*/false, /*of_all=*/true, kNow), kTerminalColumns);
  EXPECT_EQ(text,
            "NAME  HEAP       SIZE  VERDICT       CONFIDENCE  EVIDENCE  ATTEMPTS   UID  AGE\n"
            "17    reserved  60MiB  PINNED_STUCK  LIKELY      L3              12  1047  95s\n");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) EXPECT_LE(line.size(), 80u);
}

TEST(DiagnosisView, WideHasTheErrorAndTheRequest) {
  v1::ListDiagnosesResponse list;
  *list.add_diagnoses() = Diagnosis();
  const std::string text = PrintTable(DiagnosisTable(list, /*wide=*/true, false, kNow), 0);
  EXPECT_THAT(text, HasSubstr("HEAP_PINNED_PERMANENTLY"));
  EXPECT_THAT(text, HasSubstr("r1"));
  EXPECT_THAT(text, HasSubstr("default"));
}

TEST(DiagnosisView, TheParagraphComesFirstAndIsNoWiderThanATerminal) {
  const std::string text = ExplainDiagnosis(Diagnosis(), kNow);
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  EXPECT_THAT(lines[0], ::testing::StartsWith("One page, which can not be moved"));
  for (const std::string& line : lines) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_THAT(text, HasSubstr("\n\nNAME        diagnoses/17\n"));
  EXPECT_THAT(text, HasSubstr("\nVERDICT     PINNED_STUCK\n"));
  EXPECT_THAT(text, HasSubstr("\nERROR       HEAP_PINNED_PERMANENTLY\n"));
  EXPECT_THAT(text, HasSubstr("\nAGE         95s\n"));
}

TEST(DiagnosisView, WhatIsNotKnownHasNoLine) {
  const std::string text = ExplainDiagnosis(Diagnosis(), kNow);
  for (const char* field :
       {"PINNED_FOR", "REFERENCES", "FREE_RUNS", "HOLDER", "LARGEST_FREE", "ALLOCATOR"}) {
    EXPECT_THAT(text, Not(HasSubstr(field)));
  }
}

TEST(DiagnosisView, AllEvidenceHasALine) {
  const std::string text = ExplainDiagnosis(
      Diagnosis("allocator_errno_name: 'EBUSY' allocator_errno_source: KERNEL_LOG "
                "allocator_errno_age { seconds: 2 } free_bytes: 1048576 largest_free_bytes: 4096 "
                "shared_age { nanos: 400000000 } "
                "fit { align_bytes: 1048576 waste_bytes: 479232 largest_fit_bytes: 4096 "
                "  free_runs: 25 source: KERNEL_LOG opening { parts { size_bytes: 8192 candidates: "
                "'buffers/1' "
                "  candidates: 'buffers/2' } parts { size_bytes: 4096 } } } "
                "pin { stuck_duration { seconds: 1 nanos: 234567890 } cause: PIPE page_kind: "
                "  ANONYMOUS references: 2 mappings: 1 "
                "  processes { pid: 42 uid: 1047 process_name: 'cam' role: PINNER confidence: "
                "  CERTAIN cgroup: '/apps' executable: '/usr/bin/cam' } processes { role: MAPPER "
                "  confidence: CERTAIN } file_path: '/data/a' } missing_sources { kind: TRACE "
                "  errno_name: 'ENOTSUP' remedy: 'it needs tracefs' } "
                "holders { uid: 7 live_buffers: 3 live_bytes: 12288 oldest_age { seconds: 60 } "
                "  buffers_came: 2 }"),
      kNow);
  for (const char* line :
       {"FREE          1MiB (1048576)", "LARGEST_FREE  4KiB (4096)",
        "FREE_RUNS     25, by the kernel log",
        "ALLOCATOR     EBUSY, by the kernel log, of an attempt 2s before the last",
        "ALIGNMENT     1MiB (1048576)", "WASTE         468KiB (479232)",
        "TO_RELEASE    8KiB: one of buffers/1, buffers/2", "TO_RELEASE    4KiB of others",
        "READ_BEFORE   400ms", "PINNED_FOR    1.234s", "CAUSE         pipe",
        "PAGE          anonymous", "REFERENCES    2", "MAPPINGS      1", "FILE          /data/a",
        "PROCESS       cam (pid 42, uid 1047), pinner, certain, runs /usr/bin/cam, in cgroup /apps",
        "MISSING       trace (ENOTSUP): it needs tracefs",
        "PROCESS       another process, mapper, certain",
        "HOLDER        uid 7: 3 of 12KiB, the oldest 60s old; lately 2 came, 0 went"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\n", line, "\n")));
  }
}

TEST(DiagnosisView, ForeignTextDrivesNoTerminal) {
  const std::string text = ExplainDiagnosis(
      Diagnosis("pin { processes { pid: 1 process_name: '\\033[2J' role: MAPPER } }"), kNow);
  EXPECT_EQ(text.find('\033'), std::string::npos);
}

}  // namespace
}  // namespace dmaheap::ctl
