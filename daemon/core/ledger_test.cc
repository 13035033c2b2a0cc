#include "daemon/core/ledger.h"

#include <limits>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

QuotaLimits Bytes(int64_t limit) { return {limit, absl::nullopt}; }
QuotaLimits Buffers(int64_t limit) { return {absl::nullopt, limit}; }

TEST(LedgerTest, AChargeCountsWhileSomebodyHasIt) {
  Ledger ledger;
  {
    absl::StatusOr<Charge> charge = ledger.Reserve(7, {4096, 1}, {});
    ASSERT_TRUE(charge.ok());
    EXPECT_EQ(ledger.Of(7), (Charged{4096, 1}));
    EXPECT_EQ(charge->uid(), 7u);
    Charge moved = *std::move(charge);
    EXPECT_EQ(ledger.Of(7), (Charged{4096, 1}));
    EXPECT_EQ(moved.amount(), (Charged{4096, 1}));
  }
  EXPECT_EQ(ledger.Of(7), Charged{});
  EXPECT_TRUE(ledger.accounts().empty());
}

TEST(LedgerTest, AnAssignedChargeGivesTheOldOneBack) {
  Ledger ledger;
  Charge charge = ledger.Record(7, {100, 1});
  charge = ledger.Record(8, {200, 2});
  EXPECT_EQ(ledger.Of(7), Charged{});
  EXPECT_EQ(ledger.Of(8), (Charged{200, 2}));
}

TEST(LedgerTest, ARefundCountsOnce) {
  Ledger ledger;
  Charge kept = ledger.Record(7, {50, 1});
  Charge charge = ledger.Record(7, {100, 1});
  charge.Refund();
  charge.Refund();
  EXPECT_EQ(ledger.Of(7), (Charged{50, 1}));
}

TEST(LedgerTest, TheLimitItselfIsAllowedAndOneMoreIsNot) {
  Ledger ledger;
  const absl::StatusOr<Charge> all = ledger.Reserve(7, {100, 1}, Bytes(100));
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(GetReason(ledger.Reserve(7, {1, 0}, Bytes(100)).status()), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_EQ(ledger.Of(7), (Charged{100, 1}));
}

TEST(LedgerTest, ALimitOfZeroAllowsNothing) {
  Ledger ledger;
  EXPECT_FALSE(ledger.Reserve(7, {1, 1}, Bytes(0)).ok());
  EXPECT_FALSE(ledger.Reserve(7, {1, 1}, Buffers(0)).ok());
}

TEST(LedgerTest, AnotherUidsChargeDoesNotCount) {
  Ledger ledger;
  const Charge other = ledger.Record(8, {100, 1});
  EXPECT_TRUE(ledger.Reserve(7, {100, 1}, Bytes(100)).ok());
}

TEST(LedgerTest, ARefusalNamesWhatIsUsedAskedAndAllowed) {
  Ledger ledger;
  const Charge used = ledger.Record(7, {10, 3});
  const absl::Status status = ledger.Reserve(7, {1, 2}, Buffers(4)).status();

  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(GetErrorValue(status, "uid"), "7");
  EXPECT_EQ(GetErrorValue(status, "resource"), "buffers");
  EXPECT_EQ(GetErrorValue(status, "used"), "3");
  EXPECT_EQ(GetErrorValue(status, "asked"), "2");
  EXPECT_EQ(GetErrorValue(status, "limit"), "4");
  google::rpc::QuotaFailure quota;
  ASSERT_TRUE(GetDetail(status, quota));
  EXPECT_EQ(quota.violations(0).subject(), "uid:7");
}

TEST(LedgerTest, ASumThatDoesNotFitIsAboveEveryLimit) {
  Ledger ledger;
  const Charge used = ledger.Record(7, {1, 1});
  EXPECT_FALSE(ledger.Reserve(7, {kMax, 1}, Bytes(kMax)).ok());
}

TEST(LedgerTest, WithoutALimitASumThatDoesNotFitIsRefusedToo) {
  // Else the account would forget a part, and a refund would then leave less charged than lives.
  Ledger ledger;
  absl::StatusOr<Charge> first = ledger.Reserve(7, {kMax, 1}, {});
  ASSERT_TRUE(first.ok());
  const absl::StatusOr<Charge> second = ledger.Reserve(7, {kMax, 1}, {});
  EXPECT_EQ(GetReason(second.status()), ErrorReason::QUOTA_EXCEEDED);
  first->Refund();
  EXPECT_EQ(ledger.Of(7), Charged{});
}

TEST(LedgerTest, ASplitMovesNothingInTheAccount) {
  Ledger ledger;
  Charge batch = ledger.Record(7, {300, 3});
  Charge one = batch.SplitBuffer(100);
  EXPECT_EQ(ledger.Of(7), (Charged{300, 3}));
  EXPECT_EQ(one.amount(), (Charged{100, 1}));
  EXPECT_EQ(batch.amount(), (Charged{200, 2}));
  batch.Refund();
  EXPECT_EQ(ledger.Of(7), (Charged{100, 1}));
}

TEST(LedgerTest, ABufferLargerThanReservedIsChargedWhole) {
  Ledger ledger;
  Charge batch = ledger.Record(7, {100, 1});
  const Charge one = batch.SplitBuffer(150);
  const Charge beyond = batch.SplitBuffer(10);
  EXPECT_EQ(ledger.Of(7), (Charged{160, 2}));
  batch.Refund();
  EXPECT_EQ(ledger.Of(7), (Charged{160, 2}));
}

TEST(LedgerTest, ASmallerBufferLeavesTheRestToBeRefunded) {
  Ledger ledger;
  Charge batch = ledger.Record(7, {100, 1});
  const Charge one = batch.SplitBuffer(60);
  EXPECT_EQ(batch.amount(), (Charged{40, 0}));
  batch.Refund();
  EXPECT_EQ(ledger.Of(7), (Charged{60, 1}));
}

TEST(LedgerTest, ATransferMovesTheChargeWithItsOwner) {
  Ledger ledger;
  Charge charge = ledger.Record(7, {100, 1});
  ASSERT_TRUE(ledger.Transfer(charge, 8, Bytes(100)).ok());
  EXPECT_EQ(charge.uid(), 8u);
  EXPECT_EQ(ledger.Of(7), Charged{});
  EXPECT_EQ(ledger.Of(8), (Charged{100, 1}));
  charge.Refund();
  EXPECT_TRUE(ledger.accounts().empty());
}

TEST(LedgerTest, ATransferOverTheQuotaOfTheNewOwnerChangesNothing) {
  Ledger ledger;
  Charge charge = ledger.Record(7, {100, 1});
  EXPECT_EQ(GetReason(ledger.Transfer(charge, 8, Bytes(99))), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_EQ(charge.uid(), 7u);
  EXPECT_EQ(ledger.Of(7), (Charged{100, 1}));
  EXPECT_EQ(ledger.Of(8), Charged{});
}

TEST(LedgerTest, ATransferToTheSameOwnerIsFreeOfItsQuota) {
  Ledger ledger;
  Charge charge = ledger.Record(7, {100, 1});
  EXPECT_TRUE(ledger.Transfer(charge, 7, Bytes(1)).ok());
  EXPECT_EQ(ledger.Of(7), (Charged{100, 1}));
}

TEST(LedgerTest, WhatExistsIsRecordedOverAnyLimit) {
  Ledger ledger;
  const Charge charge = ledger.Record(7, {100, 1});
  EXPECT_FALSE(ledger.Reserve(7, {1, 1}, Bytes(50)).ok());
  EXPECT_EQ(ledger.Of(7), (Charged{100, 1}));
}

}  // namespace
}  // namespace dmaheap
