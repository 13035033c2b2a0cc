#include "daemon/core/failure.h"

#include <cerrno>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

FailureFacts Facts(v1::Diagnosis::Verdict verdict, int error_number = ENOMEM) {
  FailureFacts facts;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "name: 'diagnoses/17' heap: 'heaps/reserved' size_bytes: 1048576 count: 4 attempts: 6 "
      "elapsed_duration { nanos: 31000000 } retry_policy: 'default' confidence: LIKELY "
      "evidence_level: L1",
      &facts.diagnosis));
  facts.diagnosis.set_verdict(verdict);
  facts.diagnosis.set_errno_name(ErrnoName(error_number));
  facts.allocated = 2;
  facts.last_error = ErrnoStatus(error_number, "DMA_HEAP_IOCTL_ALLOC");
  return facts;
}

ErrorReason ReasonOf(const FailureFacts& facts,
                     GiveUp::Reason reason = GiveUp::Reason::kAttemptsUsed) {
  const absl::Status status = ExplainFailure(facts, reason);
  EXPECT_EQ(status.code(), CodeOf(GetReason(status)));
  return GetReason(status);
}

TEST(FailureTest, EachVerdictHasItsReason) {
  struct Row {
    v1::Diagnosis::Verdict verdict;
    ErrorReason reason;
  };
  for (const Row& row : std::vector<Row>{
           {v1::Diagnosis::PINNED_TRANSIENT, ErrorReason::CONTIGUOUS_MEMORY_PINNED},
           {v1::Diagnosis::PINNED_STUCK, ErrorReason::CONTIGUOUS_MEMORY_PINNED},
           {v1::Diagnosis::FRAGMENTED, ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED},
           {v1::Diagnosis::ALIGNMENT_WASTE, ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED},
           {v1::Diagnosis::EXHAUSTED, ErrorReason::HEAP_EXHAUSTED},
           {v1::Diagnosis::LEAK_SUSPECTED, ErrorReason::HEAP_EXHAUSTED},
           {v1::Diagnosis::NO_MIGRATION_TARGET, ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE},
           {v1::Diagnosis::PERMISSION, ErrorReason::HEAP_ABSENT},
           {v1::Diagnosis::HEAP_ABSENT, ErrorReason::HEAP_ABSENT},
           {v1::Diagnosis::KERNEL_UNSUPPORTED, ErrorReason::HEAP_ABSENT},
           {v1::Diagnosis::FD_LIMIT, ErrorReason::DAEMON_FD_LIMIT},
           {v1::Diagnosis::UNKNOWN, ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE}}) {
    EXPECT_EQ(ReasonOf(Facts(row.verdict)), row.reason) << v1::Diagnosis::Verdict_Name(row.verdict);
  }
}

TEST(FailureTest, APinThatThePolicyTookForOneThatStaysIsNotRetried) {
  const FailureFacts facts = Facts(v1::Diagnosis::PINNED_STUCK);
  EXPECT_EQ(ReasonOf(facts, GiveUp::Reason::kStuck), ErrorReason::HEAP_PINNED_PERMANENTLY);
  EXPECT_EQ(GetRetryAfter(ExplainFailure(facts, GiveUp::Reason::kStuck)), absl::nullopt);
}

TEST(FailureTest, AnErrnoWithoutAVerdictPassesOrIsABug) {
  for (const int passing : {EAGAIN, EBUSY, EINTR}) {
    EXPECT_EQ(ReasonOf(Facts(v1::Diagnosis::UNKNOWN, passing)),
              ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE);
  }
  for (const int other : {EINVAL, EIO, EFAULT}) {
    EXPECT_EQ(ReasonOf(Facts(v1::Diagnosis::UNKNOWN, other)), ErrorReason::INTERNAL_ERROR);
  }
}

TEST(FailureTest, WhereARepeatMayHelpItIsSaidWhen) {
  for (const auto verdict : {v1::Diagnosis::PINNED_TRANSIENT, v1::Diagnosis::FRAGMENTED,
                             v1::Diagnosis::FD_LIMIT, v1::Diagnosis::UNKNOWN}) {
    EXPECT_NE(GetRetryAfter(ExplainFailure(Facts(verdict), GiveUp::Reason::kAttemptsUsed)),
              absl::nullopt);
  }
  for (const auto verdict : {v1::Diagnosis::EXHAUSTED, v1::Diagnosis::HEAP_ABSENT}) {
    EXPECT_EQ(GetRetryAfter(ExplainFailure(Facts(verdict), GiveUp::Reason::kAttemptsUsed)),
              absl::nullopt);
  }
}

TEST(FailureTest, EveryNumberIsThereAndTheDiagnosisByName) {
  FailureFacts facts = Facts(v1::Diagnosis::FRAGMENTED);
  facts.diagnosis.set_free_bytes(5 << 20);
  facts.diagnosis.set_largest_free_bytes(3 << 20);
  const absl::Status status = ExplainFailure(facts, GiveUp::Reason::kAttemptsUsed);
  EXPECT_EQ(GetErrorValue(status, "heap"), "reserved");
  EXPECT_EQ(GetErrorValue(status, "size_bytes"), "1048576");
  EXPECT_EQ(GetErrorValue(status, "count"), "4");
  EXPECT_EQ(GetErrorValue(status, "allocated"), "2");
  EXPECT_EQ(GetErrorValue(status, "attempts"), "6");
  EXPECT_EQ(GetErrorValue(status, "elapsed"), "31ms");
  EXPECT_EQ(GetErrorValue(status, "errno"), "ENOMEM");
  EXPECT_EQ(GetErrorValue(status, "free_bytes"), "5242880");
  EXPECT_EQ(GetErrorValue(status, "largest_free_bytes"), "3145728");
  EXPECT_EQ(GetErrorValue(status, "diagnosis"), "diagnoses/17");
  EXPECT_EQ(GetErrorValue(status, "verdict"), "FRAGMENTED");
  EXPECT_EQ(GetErrorValue(status, "confidence"), "LIKELY");
  EXPECT_EQ(GetErrorValue(status, "evidence_level"), "L1");
}

TEST(FailureTest, TheKernelsOwnWordIsThereWhereItSaysMoreThanEnomem) {
  const absl::Status status =
      ExplainFailure(Facts(v1::Diagnosis::HEAP_ABSENT, ENODEV), GiveUp::Reason::kNotTransient);
  EXPECT_NE(status.message().find("ENODEV"), absl::string_view::npos) << status;
}

TEST(FailureTest, ADeadlineInLineSaysThatNothingWasTried) {
  FailureFacts facts;
  facts.diagnosis.set_heap("heaps/reserved");
  facts.diagnosis.set_count(1);
  const absl::Status status = ExplainDeadline(facts);
  EXPECT_EQ(GetReason(status), ErrorReason::DEADLINE);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_NE(status.message().find("in line"), absl::string_view::npos) << status;
  EXPECT_EQ(GetErrorValue(status, "attempts"), "0");
  EXPECT_EQ(GetErrorValue(status, "errno"), absl::nullopt);
  EXPECT_EQ(GetErrorValue(status, "diagnosis"), absl::nullopt);
}

TEST(FailureTest, ADeadlineAfterAttemptsTellsWhyTheyFailed) {
  FailureFacts facts = Facts(v1::Diagnosis::PINNED_STUCK);
  facts.diagnosis.mutable_pin()->mutable_stuck_duration()->set_seconds(2);
  const absl::Status status = ExplainDeadline(facts);
  EXPECT_EQ(GetReason(status), ErrorReason::DEADLINE);
  EXPECT_EQ(GetErrorValue(status, "errno"), "ENOMEM");
  EXPECT_EQ(GetErrorValue(status, "stuck_for"), "2s");
  EXPECT_EQ(GetErrorValue(status, "diagnosis"), "diagnoses/17");
  EXPECT_NE(status.message().find("6 attempts in 31ms"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("one page, which can not be moved, has been in the way for 2s"),
            absl::string_view::npos)
      << status;
}

}  // namespace
}  // namespace dmaheap
