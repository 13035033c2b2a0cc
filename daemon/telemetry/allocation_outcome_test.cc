#include "daemon/telemetry/allocation_outcome.h"

#include <set>

#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

std::string NameOf(const absl::Status& status) {
  return AllocationOutcomeName(AllocationOutcomeOf(status));
}

TEST(AllocationOutcomeTest, SuccessIsTheFirst) {
  EXPECT_EQ(AllocationOutcomeOf(absl::OkStatus()), kAllocationOk);
  EXPECT_EQ(NameOf(absl::OkStatus()), "ok");
}

TEST(AllocationOutcomeTest, AFailureBearsTheNameOfItsReason) {
  EXPECT_EQ(NameOf(Error(ErrorReason::QUOTA_EXCEEDED, "")), "quota_exceeded");
  EXPECT_EQ(NameOf(Error(ErrorReason::SIZE_EXCEEDS_HEAP, "")), "size_exceeds_heap");
  EXPECT_EQ(NameOf(Error(ErrorReason::INTERNAL_ERROR, "")), "internal_error");
}

TEST(AllocationOutcomeTest, WhateverIsWrongWithARequestIsOneOutcome) {
  EXPECT_EQ(NameOf(Error(ErrorReason::INVALID_SIZE, "")), "invalid_request");
  EXPECT_EQ(NameOf(Error(ErrorReason::INVALID_RETRY_POLICY, "")), "invalid_request");
}

TEST(AllocationOutcomeTest, WhatNobodyThoughtOfIsAnother) {
  EXPECT_EQ(NameOf(Error(ErrorReason::WIRE_VERSION_UNSUPPORTED, "")), "other");
  EXPECT_EQ(NameOf(absl::UnknownError("without a reason")), "other");
}

TEST(AllocationOutcomeTest, NoTwoBearOneName) {
  std::set<std::string> names;
  for (size_t i = 0; i < kAllocationOutcomes; ++i) names.insert(AllocationOutcomeName(i));
  EXPECT_EQ(names.size(), kAllocationOutcomes);
}

}  // namespace
}  // namespace dmaheap
