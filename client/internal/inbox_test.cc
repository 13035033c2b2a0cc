#include "client/internal/inbox.h"

#include <sys/mman.h>

#include "client/testing/fd_leak_check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap::client_internal {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Buffers Frame(const std::string& request_id, int64_t batch_id, int first, int entries,
                  int total) {
  v1::Buffers frame;
  frame.set_request_id(request_id);
  frame.set_batch_id(batch_id);
  frame.set_first_index(first);
  frame.set_total(total);
  for (int i = 0; i < entries; ++i) {
    frame.add_entries()->set_name("buffers/" + std::to_string(first + i));
  }
  return frame;
}

std::vector<UniqueFd> Fds(int count) {
  std::vector<UniqueFd> fds;
  for (int i = 0; i < count; ++i) fds.emplace_back(memfd_create("inbox", MFD_CLOEXEC));
  return fds;
}

class InboxTest : public ::testing::Test {
 protected:
  void TearDown() override {
    inbox_ = Inbox();
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  // Files a frame and says how many fds nobody wants.
  size_t File(const v1::Buffers& frame, const absl::Status& broken = absl::OkStatus()) {
    return inbox_.File(frame, Fds(frame.entries_size()), broken).size();
  }

  FdLeakCheck leaks_;
  Inbox inbox_;
};

TEST_F(InboxTest, FramesOfOneBatchComeTogetherInTheOrderOfTheirIndices) {
  ASSERT_TRUE(inbox_.Expect("r"));

  EXPECT_EQ(File(Frame("r", 1, 16, 4, 20)), 0u);
  EXPECT_FALSE(inbox_.Find("r", 1)->whole());
  EXPECT_EQ(File(Frame("r", 1, 0, 16, 20)), 0u);

  ASSERT_TRUE(inbox_.Find("r", 1)->whole());
  const Batch batch = *inbox_.Take("r", 1);
  ASSERT_THAT(batch.parts, SizeIs(20));
  EXPECT_EQ(batch.parts[0].entry.name(), "buffers/0");
  EXPECT_EQ(batch.parts[19].entry.name(), "buffers/19");
}

TEST_F(InboxTest, WhatNobodyExpectsIsForClosing) { EXPECT_EQ(File(Frame("r", 1, 0, 3, 3)), 3u); }

TEST_F(InboxTest, ARequestIsExpectedOnceAtATime) {
  EXPECT_TRUE(inbox_.Expect("r"));
  EXPECT_FALSE(inbox_.Expect("r"));
  inbox_.Forget("r");
  EXPECT_TRUE(inbox_.Expect("r"));
}

TEST_F(InboxTest, ForgetReturnsWhatCame) {
  inbox_.Expect("r");
  File(Frame("r", 1, 0, 2, 4));

  EXPECT_THAT(inbox_.Forget("r"), SizeIs(2));
  EXPECT_EQ(File(Frame("r", 1, 2, 2, 4)), 2u);
}

TEST_F(InboxTest, AnAbandonedRequestIsAwaitedUntilItsLastFrame) {
  inbox_.Expect("r");
  File(Frame("r", 1, 0, 16, 20));

  EXPECT_THAT(inbox_.Abandon("r"), SizeIs(16));

  EXPECT_TRUE(inbox_.AwaitsAbandoned());
  EXPECT_EQ(File(Frame("r", 1, 16, 4, 20)), 4u);
  EXPECT_FALSE(inbox_.AwaitsAbandoned());
}

TEST_F(InboxTest, AnAbandonedRequestWhoseBatchIsWholeIsNotAwaited) {
  inbox_.Expect("r");
  File(Frame("r", 1, 0, 2, 2));

  EXPECT_THAT(inbox_.Abandon("r"), SizeIs(2));

  EXPECT_FALSE(inbox_.AwaitsAbandoned());
}

TEST_F(InboxTest, GivingUpEndsTheWait) {
  inbox_.Expect("r");
  inbox_.Abandon("r");
  ASSERT_TRUE(inbox_.AwaitsAbandoned());

  inbox_.GiveUpAbandoned();

  EXPECT_FALSE(inbox_.AwaitsAbandoned());
}

TEST_F(InboxTest, ABrokenFrameSpoilsItsBatchAndNoOther) {
  inbox_.Expect("r");
  inbox_.Expect("other");
  File(Frame("r", 1, 0, 16, 20));
  File(Frame("other", 2, 0, 1, 1));

  EXPECT_EQ(File(Frame("r", 1, 16, 4, 20), absl::DataLossError("lost")), 20u);

  EXPECT_EQ(inbox_.Find("r", 1)->broken.code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(inbox_.Find("other", 2)->whole());
}

TEST_F(InboxTest, FramesThatContradictEachOtherAreRefused) {
  const v1::Buffers bad[] = {
      Frame("r", 1, 0, 2, 4),   // the same indices again
      Frame("r", 1, 3, 2, 4),   // beyond the end
      Frame("r", 1, 2, 2, 5),   // another total
      Frame("r", 1, -1, 1, 4),  // before the beginning
  };
  for (const v1::Buffers& frame : bad) {
    inbox_.Expect("r");
    File(Frame("r", 1, 0, 2, 4));
    EXPECT_EQ(File(frame), 2u + static_cast<size_t>(frame.entries_size()));
    EXPECT_EQ(GetReason(inbox_.Find("r", 1)->broken), ErrorReason::TRUNCATED_RECEIPT);
    inbox_.Forget("r");
  }
}

TEST_F(InboxTest, ATotalBeyondTheWindowIsRefused) {
  inbox_.Expect("r");

  EXPECT_EQ(File(Frame("r", 1, 0, 1, 2000000000)), 1u);

  EXPECT_FALSE(inbox_.Find("r", 1)->broken.ok());
}

TEST_F(InboxTest, ASecondBatchOfARequestStandsApart) {
  inbox_.Expect("r");
  File(Frame("r", 1, 0, 1, 2));
  File(Frame("r", 2, 0, 2, 2));

  const absl::optional<Batch> whole = inbox_.TakeWhole("r");

  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->batch_id, 2);
  EXPECT_THAT(inbox_.Forget("r"), SizeIs(1));
}

}  // namespace
}  // namespace dmaheap::client_internal
