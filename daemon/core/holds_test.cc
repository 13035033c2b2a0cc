#include "daemon/core/holds.h"

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "daemon/core/testing/fake_fd_store.h"
#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

const BufferKey kKey{BufferKey::Backing::kMemfd, 4711};
constexpr char kToken[] = "0123456789abcdef0123456789abcdef";

class HoldsTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    store_ = std::make_unique<FakeFdStore>();
    holds_ = std::make_unique<Holds>(executor_, *store_,
                                     [this](const BufferKey& key) { expired_.push_back(key); });
  }
  void TearDown() override {
    holds_.reset();
    store_.reset();
    EXPECT_EQ(executor_.timers(), 0u);
    FdLeakCheck::TearDown();
  }
  absl::Status Hold(absl::Duration lease = absl::Seconds(60)) {
    return holds_->Hold(kKey, UniqueFd(fcntl(0, F_DUPFD_CLOEXEC, 0)), kToken, lease);
  }

  VirtualExecutor executor_;
  std::unique_ptr<FakeFdStore> store_;
  std::unique_ptr<Holds> holds_;
  std::vector<BufferKey> expired_;
};

TEST_F(HoldsTest, WhoHasTheTokenMayBorrow) {
  ASSERT_TRUE(Hold().ok());
  const absl::StatusOr<int> fd = holds_->Borrow(kKey, kToken);
  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_GE(fcntl(*fd, F_GETFD), 0);
  EXPECT_TRUE(holds_->Has(kKey));
  EXPECT_TRUE(store_->Has("buffer.memfd-4711"));
}

TEST_F(HoldsTest, AWrongTokenAndAWrongBufferLookAlike) {
  ASSERT_TRUE(Hold().ok());
  const BufferKey other{BufferKey::Backing::kMemfd, 4712};
  std::string wrong = kToken;
  wrong.back() = '0';
  for (const auto& status :
       {holds_->Borrow(kKey, wrong).status(), holds_->Borrow(kKey, "").status(),
        holds_->Borrow(kKey, std::string(kToken).substr(1)).status(),
        holds_->Borrow(other, kToken).status()}) {
    EXPECT_EQ(GetReason(status), ErrorReason::BUFFER_NOT_FOUND) << status;
  }
}

TEST_F(HoldsTest, TheFirstEndWins) {
  ASSERT_TRUE(Hold().ok());
  holds_->End(kKey);
  EXPECT_EQ(GetReason(holds_->Borrow(kKey, kToken).status()), ErrorReason::BUFFER_NOT_FOUND);
  EXPECT_FALSE(holds_->Has(kKey));
  EXPECT_EQ(store_->size(), 0u);
  holds_->End(kKey);
  executor_.Advance(absl::Hours(1));
  EXPECT_TRUE(expired_.empty());
}

TEST_F(HoldsTest, ALeaseEndsAtItsTimeAndNotBefore) {
  ASSERT_TRUE(Hold(absl::Seconds(5)).ok());
  executor_.Advance(absl::Seconds(5) - absl::Nanoseconds(1));
  EXPECT_TRUE(holds_->Borrow(kKey, kToken).ok());
  EXPECT_TRUE(expired_.empty());

  executor_.Advance(absl::Nanoseconds(1));

  EXPECT_EQ(expired_, std::vector<BufferKey>{kKey});
  EXPECT_EQ(store_->size(), 0u);
  EXPECT_EQ(GetReason(holds_->Borrow(kKey, kToken).status()), ErrorReason::LEASE_EXPIRED);
}

TEST_F(HoldsTest, OnlyTheTokenLearnsThatALeaseEnded) {
  ASSERT_TRUE(Hold(absl::Seconds(5)).ok());
  executor_.Advance(absl::Seconds(5));
  EXPECT_EQ(GetReason(holds_->Borrow(kKey, "other").status()), ErrorReason::BUFFER_NOT_FOUND);
}

TEST_F(HoldsTest, OldEndedLeasesAreForgotten) {
  ASSERT_TRUE(Hold(absl::Seconds(1)).ok());
  executor_.Advance(absl::Seconds(1));
  for (uint64_t inode = 1; inode <= 256; ++inode) {
    ASSERT_TRUE(holds_
                    ->Hold({BufferKey::Backing::kDmaBuf, inode},
                           UniqueFd(fcntl(0, F_DUPFD_CLOEXEC, 0)), "t", absl::Seconds(1))
                    .ok());
    executor_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(GetReason(holds_->Borrow(kKey, kToken).status()), ErrorReason::BUFFER_NOT_FOUND);
}

TEST_F(HoldsTest, WhatTheStoreDoesNotTakeIsNotHeld) {
  store_->FailStore(1);
  const absl::Status status = Hold();
  EXPECT_EQ(GetErrno(status), EAGAIN);
  EXPECT_FALSE(holds_->Has(kKey));
  EXPECT_EQ(executor_.timers(), 0u);
}

TEST_F(HoldsTest, ALeaseLongerThanTimeItselfIsHeld) {
  ASSERT_TRUE(Hold(absl::InfiniteDuration()).ok());
  executor_.Advance(absl::Hours(24 * 365));
  EXPECT_TRUE(holds_->Borrow(kKey, kToken).ok());
}

TEST_F(HoldsTest, AStoredNameIsThatOfTheBuffer) {
  EXPECT_EQ(HeldFdName({BufferKey::Backing::kDmaBuf, 12}), "buffer.12");
  EXPECT_EQ(HeldFdName(kKey), "buffer.memfd-4711");
}

}  // namespace
}  // namespace dmaheap
