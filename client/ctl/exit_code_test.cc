#include "client/ctl/exit_code.h"

#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap::ctl {
namespace {

int CodeFor(ErrorReason reason) { return ExitCodeOf(Error(reason, "text").ToStatus()); }

TEST(ExitCodeTest, SuccessIs0) { EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0); }

TEST(ExitCodeTest, WhatFitsNowhereElseIs1) {
  EXPECT_EQ(CodeFor(ErrorReason::INTERNAL_ERROR), 1);
  EXPECT_EQ(CodeFor(ErrorReason::TRUNCATED_RECEIPT), 1);
  EXPECT_EQ(CodeFor(ErrorReason::HEAP_ABSENT), 1);
  EXPECT_EQ(CodeFor(ErrorReason::HEAP_PINNED_PERMANENTLY), 1);
  EXPECT_EQ(CodeFor(ErrorReason::WIRE_VERSION_UNSUPPORTED), 1);
  EXPECT_EQ(CodeFor(ErrorReason::SESSION_UNKNOWN), 1);
  EXPECT_EQ(ExitCodeOf(absl::UnknownError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::UnimplementedError("")), 1);
}

TEST(ExitCodeTest, AWrongPolicyFileIsNoWrongCommandLine) {
  EXPECT_EQ(CodeFor(ErrorReason::INVALID_POLICY), 1);
}

TEST(ExitCodeTest, WhatCanNeverBeIs2) {
  EXPECT_EQ(CodeFor(ErrorReason::INVALID_SIZE), 2);
  EXPECT_EQ(CodeFor(ErrorReason::INVALID_LEASE), 2);
  EXPECT_EQ(CodeFor(ErrorReason::INVALID_RESERVATION), 2);
  EXPECT_EQ(CodeFor(ErrorReason::SIZE_EXCEEDS_HEAP), 2);
}

TEST(ExitCodeTest, ADaemonOutOfReachIs3) { EXPECT_EQ(CodeFor(ErrorReason::DAEMON_UNREACHABLE), 3); }

TEST(ExitCodeTest, ARefusalIs4) { EXPECT_EQ(CodeFor(ErrorReason::ACCESS_DENIED), 4); }

TEST(ExitCodeTest, WhatDoesNotExistIs5) {
  EXPECT_EQ(CodeFor(ErrorReason::HEAP_NOT_FOUND), 5);
  EXPECT_EQ(CodeFor(ErrorReason::BUFFER_NOT_FOUND), 5);
  EXPECT_EQ(CodeFor(ErrorReason::LEASE_EXPIRED), 5);
  EXPECT_EQ(CodeFor(ErrorReason::RESERVATION_NOT_FOUND), 5);
}

TEST(ExitCodeTest, WhatMayWorkLaterIs6) {
  EXPECT_EQ(CodeFor(ErrorReason::QUOTA_EXCEEDED), 6);
  EXPECT_EQ(CodeFor(ErrorReason::HEAP_EXHAUSTED), 6);
  EXPECT_EQ(CodeFor(ErrorReason::OVERLOADED), 6);
  EXPECT_EQ(CodeFor(ErrorReason::CONTIGUOUS_MEMORY_PINNED), 6);
  EXPECT_EQ(CodeFor(ErrorReason::SHUTTING_DOWN), 6);
}

TEST(ExitCodeTest, TheDeadlineIs7) { EXPECT_EQ(CodeFor(ErrorReason::DEADLINE), 7); }

TEST(ExitCodeTest, AnInterruptIs130) { EXPECT_EQ(CodeFor(ErrorReason::REQUEST_CANCELLED), 130); }

}  // namespace
}  // namespace dmaheap::ctl
