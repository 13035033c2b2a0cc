// Clients that may be asked, asked by a request that lacks room.

#include <cerrno>
#include <string>

#include "daemon/core/allocation_view.h"
#include "daemon/core/testing/core_fixture.h"
#include "daemon/limits.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

class ClientAsksTest : public CoreFixture {
 protected:
  void SetUp() override {
    CoreFixture::SetUp();
    SetPolicy(std::string(kEverything) +
              " retry_policies { name: 'asks' initial_backoff { nanos: 1000000 } jitter: 0 "
              "ask_clients { } }"
              " retry_policies { name: 'asks-late' jitter: 0 ask_clients { after_attempts: 3 } }");
    may_be_asked_ = true;
  }

  // Waits for room on a full heap, by that policy.
  Call Wait(const std::string& policy = "asks", int64_t pages = 2) {
    cma_->SetUsage({.free_bytes = 0, .largest_free_bytes = 0});
    cma_->Script({ENOMEM});
    AllocateRequest request = Request(waiter_, pages);
    request.retry_policy = policy;
    return Allocate(std::move(request));
  }

  const std::shared_ptr<FakeRecipient> holder_ = Connect();
  const std::shared_ptr<FakeRecipient> waiter_ = Connect();
};

TEST_F(ClientAsksTest, WhoHasBuffersOfTheHeapIsToldWhatIsMissing) {
  Allocate(Request(holder_, 3));
  AllocateRequest elsewhere = Request(Connect());
  elsewhere.heap = "system";
  Allocate(std::move(elsewhere));

  const Call waits = Wait();

  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_EQ(asked_[0].first, holder_->client_id());
  const v1::GiveBack& question = asked_[0].second;
  EXPECT_EQ(question.heap(), "heaps/cma");
  EXPECT_EQ(question.size_bytes(), 2 * kPage);
  EXPECT_EQ(question.count(), 1);
  EXPECT_EQ(question.priority(), v1::NORMAL);
  const auto under_way = ListAllocations(*allocator_, {.size = 1});
  EXPECT_EQ(under_way.allocations(0).clients_asked(), 1);

  holder_->Read();  // and closes
  Do([&] { allocator_->OnReleaseHint(); });
  executor_.Advance(kMinReconcileInterval);

  EXPECT_TRUE(waits->ok()) << waits->status();
  EXPECT_EQ(allocator_->counters(*cma_).client_asks.helped, 1);
  EXPECT_EQ(allocator_->counters(*cma_).client_asks.clients, 1);
}

TEST_F(ClientAsksTest, TheWaitersOwnPoolIsAskedToo) {
  Allocate(Request(waiter_, 3));
  Wait();
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_EQ(asked_[0].first, waiter_->client_id());
}

TEST_F(ClientAsksTest, OnceASecondForAHeapWhoeverWaits) {
  Allocate(Request(holder_));
  Wait();
  Wait();
  EXPECT_EQ(allocator_->counters(*cma_).client_asks.asked, 1);

  executor_.Advance(kMinAskInterval);
  Wait();

  EXPECT_EQ(allocator_->counters(*cma_).client_asks.asked, 2);
}

TEST_F(ClientAsksTest, AQuestionThatReachedNobodyIsNoneAndIsAskedAgain) {
  Allocate(Request(holder_));
  may_be_asked_ = false;
  Wait();
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_EQ(allocator_->counters(*cma_).client_asks.asked, 0);

  Wait();

  EXPECT_EQ(asked_.size(), 2u);
}

TEST_F(ClientAsksTest, OnlyAfterAsManyFailuresAsThePolicySays) {
  Allocate(Request(holder_));
  cma_->Script({ENOMEM, ENOMEM});
  const Call waits = Wait("asks-late");
  EXPECT_TRUE(asked_.empty());

  executor_.Advance(absl::Milliseconds(50));

  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_TRUE(waits->ok());
}

TEST_F(ClientAsksTest, NobodyIsAskedWhereThereIsRoomOrThePolicySaysNothing) {
  Allocate(Request(holder_));
  Wait("default");
  cma_->SetUsage({.free_bytes = 16 * kPage, .largest_free_bytes = 16 * kPage});
  cma_->Script({ENOMEM});
  AllocateRequest pinned = Request(waiter_);
  pinned.retry_policy = "asks";
  Allocate(std::move(pinned));

  EXPECT_TRUE(asked_.empty());
}

TEST_F(ClientAsksTest, ARequestThatGotNothingIsCountedAsNotHelped) {
  Allocate(Request(holder_));
  const Call waits = Wait();
  Cancel(waits);
  EXPECT_EQ(allocator_->counters(*cma_).client_asks.not_helped, 1);
  EXPECT_EQ(allocator_->counters(*cma_).client_asks.helped, 0);
}

}  // namespace
}  // namespace dmaheap
