#include "daemon/transport/session.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/fd_channel.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

class SessionTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    client_.Reset(ends[0]);
    session_ = std::make_unique<Session>(executor_, 7, UniqueFd(ends[1]), PeerIdentity());
    session_->on_unread = [this] { ++unread_; };
  }
  void TearDown() override {
    session_.reset();
    client_.Reset();
    FdLeakCheck::TearDown();
  }
  absl::Status Push(int64_t batch, int first, int count) {
    v1::Buffers frame;
    frame.set_batch_id(batch);
    frame.set_first_index(first);
    frame.set_total(first + count);
    for (int i = 0; i < count; ++i) frame.add_entries()->set_name("buffers/1");
    return session_->Push(frame, std::vector<int>(static_cast<size_t>(count), 0));
  }
  static v1::Receipt Receipt(int64_t batch, int first, int received) {
    v1::Receipt receipt;
    receipt.set_batch_id(batch);
    receipt.set_first_index(first);
    receipt.set_received(received);
    return receipt;
  }

  VirtualExecutor executor_;
  UniqueFd client_;
  std::unique_ptr<Session> session_;
  int unread_ = 0;
};

TEST_F(SessionTest, TheWindowIsWhatIsReservedAndWhatIsUnread) {
  EXPECT_TRUE(session_->ReserveSlots(kFdWindow).ok());
  const absl::Status full = session_->ReserveSlots(1);
  EXPECT_EQ(GetReason(full), ErrorReason::FD_CHANNEL_FULL);
  EXPECT_EQ(GetErrorValue(full, "reserved"), "32");
  EXPECT_NE(GetRetryAfter(full), absl::nullopt);

  session_->ReturnSlots(kFdWindow - 4);
  ASSERT_TRUE(Push(1, 0, 4).ok());
  EXPECT_EQ(session_->unacknowledged(), 4);
  EXPECT_FALSE(session_->ReserveSlots(kFdWindow - 3).ok());
  EXPECT_TRUE(session_->ReserveSlots(kFdWindow - 4).ok());
}

TEST_F(SessionTest, AReceiptFreesTheSlotsOfItsFrame) {
  ASSERT_TRUE(session_->ReserveSlots(kFdWindow).ok());
  ASSERT_TRUE(Push(1, 0, 16).ok());
  ASSERT_TRUE(Push(1, 16, 16).ok());
  EXPECT_TRUE(session_->Acknowledge(Receipt(1, 16, 16)).has_value());
  EXPECT_EQ(session_->unacknowledged(), 16);
  EXPECT_TRUE(session_->ReserveSlots(16).ok());
  EXPECT_FALSE(session_->ReserveSlots(1).ok());
}

TEST_F(SessionTest, AReceiptThatSaysLessFreesTheWholeFrameAndTellsTheDifference) {
  ASSERT_TRUE(session_->ReserveSlots(8).ok());
  ASSERT_TRUE(Push(1, 0, 4).ok());
  ASSERT_TRUE(Push(2, 0, 4).ok());
  EXPECT_EQ(session_->Acknowledge(Receipt(1, 0, 1)), 3);
  EXPECT_EQ(session_->Acknowledge(Receipt(2, 0, 4)), 0);
  EXPECT_EQ(session_->unacknowledged(), 0);
}

TEST_F(SessionTest, AReceiptForNothingIsRefused) {
  ASSERT_TRUE(session_->ReserveSlots(4).ok());
  ASSERT_TRUE(Push(1, 0, 4).ok());
  EXPECT_FALSE(session_->Acknowledge(Receipt(2, 0, 4)).has_value());
  EXPECT_FALSE(session_->Acknowledge(Receipt(1, 1, 3)).has_value());
  EXPECT_FALSE(session_->Acknowledge(Receipt(1, 0, 5)).has_value());
  EXPECT_FALSE(session_->Acknowledge(Receipt(1, 0, -1)).has_value());
  EXPECT_EQ(session_->unacknowledged(), 4);
  EXPECT_TRUE(session_->Acknowledge(Receipt(1, 0, 4)).has_value());
  EXPECT_FALSE(session_->Acknowledge(Receipt(1, 0, 4)).has_value());  // once
}

TEST_F(SessionTest, TheOldestPushIsThatOfTheOldestUnreadFrame) {
  EXPECT_EQ(session_->oldest_push(), absl::InfiniteFuture());
  const absl::Time start = executor_.Now();
  ASSERT_TRUE(session_->ReserveSlots(3).ok());
  ASSERT_TRUE(Push(1, 0, 1).ok());
  executor_.Advance(absl::Seconds(1));
  ASSERT_TRUE(Push(2, 0, 1).ok());
  EXPECT_EQ(session_->oldest_push(), start);
  ASSERT_TRUE(session_->Acknowledge(Receipt(1, 0, 1)).has_value());
  EXPECT_EQ(session_->oldest_push(), start + absl::Seconds(1));
}

TEST_F(SessionTest, TheFirstUnreadFrameIsTold) {
  ASSERT_TRUE(session_->ReserveSlots(3).ok());
  ASSERT_TRUE(Push(1, 0, 1).ok());
  ASSERT_TRUE(Push(2, 0, 1).ok());
  EXPECT_EQ(unread_, 1);
  ASSERT_TRUE(session_->Acknowledge(Receipt(1, 0, 1)).has_value());
  ASSERT_TRUE(session_->Acknowledge(Receipt(2, 0, 1)).has_value());
  ASSERT_TRUE(Push(3, 0, 1).ok());
  EXPECT_EQ(unread_, 2);
}

TEST_F(SessionTest, APushThatFailsLeavesTheSlotsReserved) {
  ASSERT_TRUE(session_->ReserveSlots(2).ok());
  client_.Reset();
  EXPECT_EQ(GetErrno(Push(1, 0, 2)), EPIPE);
  EXPECT_EQ(session_->unacknowledged(), 0);
  session_->ReturnSlots(2);
  EXPECT_TRUE(session_->ReserveSlots(kFdWindow).ok());
}

TEST_F(SessionTest, AClosedSessionIsNotAliveAndTakesNothing) {
  EXPECT_TRUE(session_->alive());
  session_->Close();
  EXPECT_FALSE(session_->alive());
  EXPECT_EQ(GetErrno(Push(1, 0, 1)), EPIPE);
  EXPECT_TRUE(absl::IsOutOfRange(ReceiveFromServer(client_.get()).status()));
}

}  // namespace
}  // namespace dmaheap
