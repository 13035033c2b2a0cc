#include "daemon/core/reconciler.h"

#include <memory>
#include <string>
#include <vector>

#include "daemon/core/testing/fake_live_view.h"
#include "daemon/core/testing/manual_worker.h"
#include "daemon/limits.h"
#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

const BufferKey kKey{BufferKey::Backing::kMemfd, 4711};

class ReconcilerTest : public testing::Test {
 protected:
  ReconcilerTest() {
    workers_.Hold("view");
    worker_ = workers_.Factory()(1, "view");
    reconciler_ = std::make_unique<Reconciler>(
        executor_, *worker_, view_, [this](const std::vector<BufferKey>& gone) {
          gone_.insert(gone_.end(), gone.begin(), gone.end());
          log_ += "gone ";
        });
  }
  // A task that writes its name down.
  Task Note(std::string name) {
    return [this, name = std::move(name)] { log_ += name + " "; };
  }
  void Do(Task task) { executor_.Post(std::move(task)); }
  bool Read() { return workers_.RunOne("view"); }

  VirtualExecutor executor_;
  ManualWorkers workers_{executor_};
  std::unique_ptr<Worker> worker_;
  FakeLiveView view_;
  std::string log_;
  std::vector<BufferKey> gone_;
  std::unique_ptr<Reconciler> reconciler_;
};

TEST_F(ReconcilerTest, TheBooksAreRightBeforeTheCallerGoesOn) {
  Do([&] { reconciler_->Reconcile(Note("a")); });
  EXPECT_EQ(log_, "");
  ASSERT_TRUE(Read());
  EXPECT_EQ(log_, "gone a ");
}

TEST_F(ReconcilerTest, AReadingThatHadBegunIsNotGoodEnough) {
  Do([&] { reconciler_->Reconcile(Note("a")); });
  Do([&] { reconciler_->Reconcile(Note("b")); });
  Do([&] { reconciler_->Reconcile(Note("c")); });
  ASSERT_TRUE(Read());
  EXPECT_EQ(log_, "gone a ");
  ASSERT_TRUE(Read());
  EXPECT_EQ(log_, "gone a gone b c ");
  EXPECT_FALSE(Read());
}

TEST_F(ReconcilerTest, AListIsContentWithAReadingOfTheLastSecond) {
  Do([&] { reconciler_->ReconcileIfStale(Note("a")); });
  Do([&] { reconciler_->ReconcileIfStale(Note("b")); });
  ASSERT_TRUE(Read());
  EXPECT_EQ(log_, "gone a b ");
  executor_.Advance(kMinReconcileInterval - absl::Nanoseconds(1));
  Do([&] { reconciler_->ReconcileIfStale(Note("c")); });
  EXPECT_EQ(log_, "gone a b c ");
  EXPECT_FALSE(Read());

  executor_.Advance(absl::Nanoseconds(1));
  Do([&] { reconciler_->ReconcileIfStale(Note("d")); });
  EXPECT_TRUE(Read());
  EXPECT_EQ(log_, "gone a b c gone d ");
}

TEST_F(ReconcilerTest, EventsAreTakenWithoutAReading) {
  Do([&] { reconciler_->TakeSignalled(); });
  EXPECT_EQ(log_, "");
  view_.Signal(kKey);
  Do([&] { reconciler_->TakeSignalled(); });
  EXPECT_EQ(gone_, std::vector<BufferKey>{kKey});
  EXPECT_EQ(view_.readings(), 0);
}

TEST_F(ReconcilerTest, SettlingReadsAFewTimesAndEnds) {
  workers_.LetGo("view");
  Do([&] {
    reconciler_->Settle();
    reconciler_->Settle();
  });
  EXPECT_EQ(view_.readings(), 1);
  executor_.Advance(kSettleInterval);
  EXPECT_EQ(view_.readings(), 2);
  executor_.Advance(absl::Hours(1));
  EXPECT_EQ(view_.readings(), kSettleAttempts);
  EXPECT_EQ(executor_.timers(), 0u);
}

TEST_F(ReconcilerTest, WhatEndsWhileSettlingIsSettledForItsWholeTime) {
  workers_.LetGo("view");
  Do([&] { reconciler_->Settle(); });
  executor_.Advance(kSettleInterval * (kSettleAttempts - 1) - absl::Milliseconds(1));
  ASSERT_EQ(view_.readings(), kSettleAttempts - 1);

  // One more session ends a moment before the last reading.
  Do([&] { reconciler_->Settle(); });

  executor_.Advance(absl::Hours(1));
  EXPECT_GE(view_.readings(), 2 * kSettleAttempts - 1);
  EXPECT_EQ(executor_.timers(), 0u);
}

TEST_F(ReconcilerTest, WhatComesBackAfterItsEndFindsNobody) {
  Do([&] { reconciler_->Settle(); });
  Do([&] { reconciler_->Reconcile(Note("never")); });
  reconciler_.reset();
  EXPECT_TRUE(Read());
  executor_.Advance(absl::Hours(1));
  EXPECT_EQ(log_, "");
}

}  // namespace
}  // namespace dmaheap
