#include "daemon/core/failure.h"

#include <cerrno>
#include <vector>

#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

FailureFacts Facts(int error_number) {
  FailureFacts facts;
  facts.heap = "reserved";
  facts.size_bytes = 1 << 20;
  facts.count = 4;
  facts.allocated = 2;
  facts.attempts = 6;
  facts.elapsed = absl::Milliseconds(31);
  facts.last_error = ErrnoStatus(error_number, "DMA_HEAP_IOCTL_ALLOC");
  return facts;
}

TEST(FailureTest, EachErrnoHasItsReason) {
  struct Row {
    int error_number;
    ErrorReason reason;
  };
  for (const Row& row : std::vector<Row>{{ENOMEM, ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE},
                                         {EAGAIN, ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE},
                                         {EBUSY, ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE},
                                         {EINTR, ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE},
                                         {EMFILE, ErrorReason::DAEMON_FD_LIMIT},
                                         {ENFILE, ErrorReason::DAEMON_FD_LIMIT},
                                         {ENOSPC, ErrorReason::DAEMON_FD_LIMIT},
                                         {ENODEV, ErrorReason::HEAP_ABSENT},
                                         {ENXIO, ErrorReason::HEAP_ABSENT},
                                         {ENOENT, ErrorReason::HEAP_ABSENT},
                                         {ENOTTY, ErrorReason::HEAP_ABSENT},
                                         {EACCES, ErrorReason::HEAP_ABSENT},
                                         {EPERM, ErrorReason::HEAP_ABSENT},
                                         {EINVAL, ErrorReason::INTERNAL_ERROR},
                                         {EIO, ErrorReason::INTERNAL_ERROR},
                                         {EFAULT, ErrorReason::INTERNAL_ERROR}}) {
    const absl::Status status =
        ExplainFailure(Facts(row.error_number), GiveUp::Reason::kAttemptsUsed);
    EXPECT_EQ(GetReason(status), row.reason) << status;
    EXPECT_EQ(status.code(), CodeOf(row.reason));
    EXPECT_EQ(GetErrorValue(status, "errno"), ErrnoName(row.error_number));
  }
}

TEST(FailureTest, EveryNumberIsThere) {
  FailureFacts facts = Facts(ENOMEM);
  facts.usage = {.free_bytes = 5 << 20, .largest_free_bytes = 3 << 20};
  const absl::Status status = ExplainFailure(facts, GiveUp::Reason::kAttemptsUsed);
  EXPECT_EQ(GetErrorValue(status, "heap"), "reserved");
  EXPECT_EQ(GetErrorValue(status, "size_bytes"), "1048576");
  EXPECT_EQ(GetErrorValue(status, "count"), "4");
  EXPECT_EQ(GetErrorValue(status, "allocated"), "2");
  EXPECT_EQ(GetErrorValue(status, "attempts"), "6");
  EXPECT_EQ(GetErrorValue(status, "elapsed"), "31ms");
  EXPECT_EQ(GetErrorValue(status, "free_bytes"), "5242880");
  EXPECT_EQ(GetErrorValue(status, "largest_free_bytes"), "3145728");
}

TEST(FailureTest, TooLittleFreeIsExhausted) {
  FailureFacts facts = Facts(ENOMEM);
  facts.usage = {.free_bytes = (1 << 20) - 1, .largest_free_bytes = 4096};
  const absl::Status status = ExplainFailure(facts, GiveUp::Reason::kAttemptsUsed);
  EXPECT_EQ(GetReason(status), ErrorReason::HEAP_EXHAUSTED);
  EXPECT_EQ(GetRetryAfter(status), absl::nullopt);
}

TEST(FailureTest, EnoughFreeInTooSmallRunsIsFragmented) {
  FailureFacts facts = Facts(ENOMEM);
  facts.usage = {.free_bytes = 2 << 20, .largest_free_bytes = (1 << 20) - 1};
  const absl::Status status = ExplainFailure(facts, GiveUp::Reason::kAttemptsUsed);
  EXPECT_EQ(GetReason(status), ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED);
  EXPECT_NE(GetRetryAfter(status), absl::nullopt);
}

TEST(FailureTest, ALargeEnoughRunMakesTheCauseUnknown) {
  FailureFacts facts = Facts(ENOMEM);
  facts.usage = {.free_bytes = 1 << 20, .largest_free_bytes = 1 << 20};
  const absl::Status status = ExplainFailure(facts, GiveUp::Reason::kAttemptsUsed);
  EXPECT_EQ(GetReason(status), ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE);
  EXPECT_EQ(GetErrorValue(status, "evidence_level"), "L0");
  EXPECT_NE(GetRetryAfter(status), absl::nullopt);
}

TEST(FailureTest, OnlyTheFreeSumIsKnown) {
  FailureFacts facts = Facts(ENOMEM);
  facts.usage.free_bytes = 2 << 20;
  EXPECT_EQ(GetReason(ExplainFailure(facts, GiveUp::Reason::kAttemptsUsed)),
            ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE);
}

TEST(FailureTest, AnFdLimitIsNeverAFullHeapHoweverFullItIs) {
  for (const int error_number : {EMFILE, ENFILE}) {
    FailureFacts facts = Facts(error_number);
    facts.usage = {.free_bytes = 0, .largest_free_bytes = 0};
    const absl::Status status = ExplainFailure(facts, GiveUp::Reason::kAttemptsUsed);
    EXPECT_EQ(GetReason(status), ErrorReason::DAEMON_FD_LIMIT);
    EXPECT_TRUE(absl::IsUnavailable(status));
    EXPECT_NE(GetRetryAfter(status), absl::nullopt);
  }
}

TEST(FailureTest, ADeadlineInLineSaysThatNothingWasTried) {
  FailureFacts facts = Facts(ENOMEM);
  facts.attempts = 0;
  facts.allocated = 0;
  facts.last_error = absl::OkStatus();
  const absl::Status status = ExplainDeadline(facts);
  EXPECT_EQ(GetReason(status), ErrorReason::DEADLINE);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_NE(status.message().find("in line"), absl::string_view::npos) << status;
  EXPECT_EQ(GetErrorValue(status, "attempts"), "0");
  EXPECT_EQ(GetErrorValue(status, "errno"), absl::nullopt);
}

TEST(FailureTest, ADeadlineAfterAttemptsNamesTheLastError) {
  const absl::Status status = ExplainDeadline(Facts(ENOMEM));
  EXPECT_EQ(GetErrorValue(status, "errno"), "ENOMEM");
  EXPECT_NE(status.message().find("6 attempts in 31ms"), absl::string_view::npos) << status;
}

TEST(FailureTest, APageThatStayedIsNamedWithWhoMapsIt) {
  FailureFacts facts = Facts(ENOMEM);
  facts.stuck_for = absl::Milliseconds(1234);
  facts.mapped_by = "camera (pid 42, uid 1047)";
  constexpr char kWords[] =
      "one page, which can not be moved, has been in the way for 1.234s, mapped by camera (pid 42, "
      "uid 1047)";

  const absl::Status deadline = ExplainDeadline(facts);
  EXPECT_NE(deadline.message().find(kWords), absl::string_view::npos) << deadline;
  EXPECT_EQ(GetErrorValue(deadline, "mapped_by"), "camera (pid 42, uid 1047)");

  facts.usage = {};
  const absl::Status given_up = ExplainFailure(facts, GiveUp::Reason::kStuck);
  EXPECT_EQ(GetReason(given_up), ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE);
  EXPECT_NE(given_up.message().find(kWords), absl::string_view::npos) << given_up;
  EXPECT_EQ(GetErrorValue(given_up, "stuck_for"), "1.234s");
}

TEST(FailureTest, APageThatCameAndWentIsNotBlamed) {
  FailureFacts facts = Facts(ENOMEM);
  facts.stuck_for = absl::Milliseconds(99);
  EXPECT_EQ(ExplainDeadline(facts).message().find("page"), absl::string_view::npos);
}

}  // namespace
}  // namespace dmaheap
