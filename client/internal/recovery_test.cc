#include "client/internal/recovery.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap::client_internal {
namespace {

using ::testing::HasSubstr;

absl::Status Refusal(ErrorReason reason) { return Error(reason, "text").ToStatus(); }

TEST(RecoveryTest, ReconnectsWhenTheConnectionBrokeOrTheDaemonStops) {
  EXPECT_EQ(RecoveryFor(absl::UnavailableError("Socket closed"), false), Recovery::kReconnect);
  EXPECT_EQ(RecoveryFor(Refusal(ErrorReason::SHUTTING_DOWN), false), Recovery::kReconnect);
}

TEST(RecoveryTest, AnOddEndOfACallIsABrokenConnectionOnlyIfTheFdChannelEndedToo) {
  EXPECT_EQ(RecoveryFor(absl::UnknownError("Stream removed"), true), Recovery::kReconnect);
  EXPECT_EQ(RecoveryFor(absl::CancelledError(""), true), Recovery::kReconnect);
  EXPECT_EQ(RecoveryFor(absl::UnknownError("Stream removed"), false), Recovery::kNone);
}

TEST(RecoveryTest, WhatTheDaemonDecidedIsTheCallersToHandle) {
  for (const ErrorReason reason :
       {ErrorReason::OVERLOADED, ErrorReason::CONTIGUOUS_MEMORY_PINNED, ErrorReason::QUOTA_EXCEEDED,
        ErrorReason::HEAP_NOT_FOUND, ErrorReason::DEADLINE}) {
    EXPECT_EQ(RecoveryFor(Refusal(reason), false), Recovery::kNone) << reason;
    EXPECT_EQ(RecoveryFor(Refusal(reason), true), Recovery::kNone) << reason;
  }
}

TEST(RecoveryTest, ADeadlineIsNeverTriedAgain) {
  EXPECT_EQ(RecoveryFor(absl::DeadlineExceededError(""), true), Recovery::kNone);
}

TEST(RecoveryTest, SessionsAndWindowsHaveCuresOfTheirOwn) {
  EXPECT_EQ(RecoveryFor(Refusal(ErrorReason::SESSION_UNKNOWN), false), Recovery::kNewSession);
  EXPECT_EQ(RecoveryFor(Refusal(ErrorReason::FD_CHANNEL_FULL), false), Recovery::kRepeat);
}

TEST(RecoveryTest, ExplainGivesGrpcsOwnErrorsAReason) {
  const absl::Status lost = Explain(absl::UnavailableError("x"), "/run/s", absl::Seconds(5));
  const absl::Status late = Explain(absl::DeadlineExceededError(""), "/run/s", absl::Seconds(5));
  const absl::Status cancelled = Explain(absl::CancelledError(""), "/run/s", absl::Seconds(5));

  EXPECT_EQ(GetReason(lost), ErrorReason::DAEMON_UNREACHABLE);
  EXPECT_EQ(GetErrorValue(lost, "socket_path"), "/run/s");
  EXPECT_EQ(GetReason(late), ErrorReason::DEADLINE);
  EXPECT_THAT(std::string(late.message()), HasSubstr("5s"));
  EXPECT_EQ(GetReason(cancelled), ErrorReason::REQUEST_CANCELLED);
}

TEST(RecoveryTest, ExplainSaysThatADaemonWithoutTheCallIsOlder) {
  const absl::Status older = Explain(absl::UnimplementedError(""), "/run/s", absl::Seconds(5));

  EXPECT_EQ(older.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(older.message()), HasSubstr("older"));
}

TEST(RecoveryTest, ExplainNamesTheCallThatADaemonDoesNotKnow) {
  const absl::Status older =
      Explain(absl::UnimplementedError(""), "/run/s", absl::Seconds(5), "ReserveBuffers");

  EXPECT_THAT(std::string(older.message()), HasSubstr("does not know ReserveBuffers"));
}

TEST(RecoveryTest, ADrawThatIsAskedForWhatItLeftOutHasMetADaemonWithoutReservations) {
  const absl::Status wrong = Error(ErrorReason::INVALID_SIZE, "heap: x; size_bytes: 0 is no size")
                                 .Field("heap", "x")
                                 .Field("size_bytes", "0 is no size");

  EXPECT_EQ(ExplainDraw(wrong, {"size_bytes"}, "/run/s").code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ExplainDraw(wrong, {"label"}, "/run/s"), wrong);
  EXPECT_EQ(ExplainDraw(wrong, {}, "/run/s"), wrong);
  EXPECT_EQ(ExplainDraw(Refusal(ErrorReason::DEADLINE), {"heap"}, "/run/s"),
            Refusal(ErrorReason::DEADLINE));
}

TEST(RecoveryTest, ExplainLeavesTheDaemonsErrorsAlone) {
  const absl::Status status = Refusal(ErrorReason::DEADLINE);

  EXPECT_EQ(Explain(status, "/run/s", absl::Seconds(5)), status);
}

}  // namespace
}  // namespace dmaheap::client_internal
