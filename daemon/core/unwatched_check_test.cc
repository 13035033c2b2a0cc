#include "daemon/core/unwatched_check.h"

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "daemon/core/testing/fake_buffer_lister.h"
#include "daemon/limits.h"
#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using Keys = std::vector<BufferKey>;

const BufferKey kKey{BufferKey::Backing::kMemfd, 4711};

class UnwatchedCheckTest : public testing::Test {
 protected:
  UnwatchedCheckTest() {
    check_ = std::make_unique<UnwatchedCheck>(executor_, lister_, [this](const Keys& gone) {
      gone_.insert(gone_.end(), gone.begin(), gone.end());
    });
  }
  void Check() {
    executor_.Post([this] { check_->Check(); });
  }
  void Answer(absl::StatusOr<BufferListing> listing) {
    ASSERT_TRUE(lister_.waiting());
    executor_.Post([this, listing = std::move(listing)] { lister_.Answer(listing); });
  }
  static BufferListing Scan(absl::flat_hash_set<BufferKey> seen) {
    return {.seen = std::move(seen),
            .all_dma_bufs = false,
            .source = v1::PARTIAL,
            .all_processes = true};
  }

  VirtualExecutor executor_;
  FakeBufferLister lister_;
  Keys gone_;
  std::unique_ptr<UnwatchedCheck> check_;
};

TEST_F(UnwatchedCheckTest, LooksAtNothingWhenAllIsWatched) {
  Check();
  EXPECT_EQ(lister_.looks(), 0);
  EXPECT_EQ(executor_.timers(), 0u);
}

TEST_F(UnwatchedCheckTest, LooksAgainByItselfUntilItIsDecided) {
  check_->Add(kKey);
  Check();
  Answer(Scan({}));
  EXPECT_EQ(gone_, Keys());
  EXPECT_EQ(lister_.looks(), 1);

  executor_.Advance(kMinReconcileInterval);
  Answer(Scan({}));

  EXPECT_EQ(gone_, Keys{kKey});
  EXPECT_TRUE(check_->empty());
  EXPECT_EQ(executor_.timers(), 0u);
}

TEST_F(UnwatchedCheckTest, IsIdleWhenWhatItFoundLives) {
  check_->Add(kKey);
  Check();
  Answer(Scan({kKey}));
  EXPECT_EQ(executor_.timers(), 0u);
  EXPECT_EQ(lister_.looks(), 1);
}

TEST_F(UnwatchedCheckTest, ManyWishesCostOneLookAtATimeAndOneASecond) {
  check_->Add(kKey);
  for (int i = 0; i < 3; ++i) Check();
  EXPECT_EQ(lister_.looks(), 1);
  Answer(Scan({kKey}));
  for (int i = 0; i < 3; ++i) Check();
  EXPECT_EQ(lister_.looks(), 1);

  executor_.Advance(kMinReconcileInterval);

  EXPECT_EQ(lister_.looks(), 2);
  Answer(Scan({kKey}));
}

TEST_F(UnwatchedCheckTest, WithoutAProberWhatIsChargedStaysCharged) {
  check_->Add(kKey);
  Check();
  Answer(absl::FailedPreconditionError("no prober"));
  EXPECT_EQ(gone_, Keys());
  EXPECT_EQ(executor_.timers(), 0u);
  // The next wish tries again.
  executor_.Advance(kMinReconcileInterval);
  Check();
  EXPECT_EQ(lister_.looks(), 2);
  Answer(Scan({kKey}));
}

TEST_F(UnwatchedCheckTest, AnAnswerThatComesAfterItsEndIsDropped) {
  check_->Add(kKey);
  Check();
  check_.reset();
  Answer(Scan({}));
  EXPECT_EQ(gone_, Keys());
}

}  // namespace
}  // namespace dmaheap
