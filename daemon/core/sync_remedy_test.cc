#include "daemon/core/sync_remedy.h"

#include <cerrno>
#include <string>
#include <vector>

#include "daemon/core/testing/fake_filesystem_sync.h"
#include "daemon/limits.h"
#include "daemon/loop/virtual_executor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kMs = absl::Milliseconds(1);
constexpr absl::Duration kBox = absl::Milliseconds(100);

class SyncRemedyTest : public testing::Test {
 protected:
  void TearDown() override {
    executor_.Advance(absl::Hours(1));
    EXPECT_EQ(executor_.timers(), 0u);
  }

  // False if it was refused; what it comes to is added to results_.
  bool Sync(const std::vector<std::string>& mount_points, absl::Duration box = kBox) {
    bool awaited = false;
    executor_.Post([&] {
      awaited = remedy_->Sync(mount_points, box, [this](const absl::Status& status) {
        results_.push_back(status.ok() ? "OK" : absl::StatusCodeToString(status.code()));
      });
    });
    return awaited;
  }
  void End(int filesystem = 0, absl::Status status = absl::OkStatus()) {
    executor_.Post([&] { filesystems_.End(std::move(status), filesystem); });
  }

  VirtualExecutor executor_;
  FakeFilesystemSync filesystems_{{"/data", "/cache"}};
  std::unique_ptr<SyncRemedy> remedy_ = std::make_unique<SyncRemedy>(executor_, filesystems_);
  std::vector<std::string> results_;
};

TEST_F(SyncRemedyTest, SyncsTheFileSystemOfThatName) {
  EXPECT_TRUE(Sync({"/cache"}));
  EXPECT_THAT(filesystems_.asked(), ElementsAre(1));
  EXPECT_THAT(results_, IsEmpty());
  End(1);
  EXPECT_THAT(results_, ElementsAre("OK"));
}

TEST_F(SyncRemedyTest, RefusesWhatItDoesNotKnow) { EXPECT_FALSE(Sync({"/vendor"})); }

TEST_F(SyncRemedyTest, WaitsForAllThatAreNamed) {
  EXPECT_TRUE(Sync({"/data", "/vendor", "/cache"}));
  EXPECT_THAT(filesystems_.asked(), ElementsAre(0, 1));
  End(1);
  EXPECT_THAT(results_, IsEmpty());
  End(0);
  EXPECT_THAT(results_, ElementsAre("OK"));
}

TEST_F(SyncRemedyTest, LetsOneJoinASyncThatHasJustBegun) {
  EXPECT_TRUE(Sync({"/data"}));
  executor_.Advance(kBox - kMs);
  EXPECT_TRUE(Sync({"/data"}));
  End();
  EXPECT_THAT(filesystems_.asked(), ElementsAre(0));
  EXPECT_THAT(results_, ElementsAre("OK", "OK"));
}

TEST_F(SyncRemedyTest, WaitsNoLongerThanTheBoxAndBeginsNoSecondMeanwhile) {
  EXPECT_TRUE(Sync({"/data"}));
  executor_.Advance(kBox);
  EXPECT_THAT(results_, ElementsAre("DEADLINE_EXCEEDED"));
  EXPECT_FALSE(Sync({"/data"}));
  executor_.Advance(absl::Hours(1));
  EXPECT_FALSE(Sync({"/data"}));
  End();
  EXPECT_THAT(results_, ElementsAre("DEADLINE_EXCEEDED"));
  EXPECT_THAT(filesystems_.asked(), ElementsAre(0));
}

TEST_F(SyncRemedyTest, SyncsAFileSystemOnceASecond) {
  EXPECT_TRUE(Sync({"/data"}));
  End();
  EXPECT_FALSE(Sync({"/data"}));
  EXPECT_TRUE(Sync({"/cache"})) << "another one has a budget of its own";
  End(1);
  executor_.Advance(kMinSyncInterval - kMs);
  EXPECT_FALSE(Sync({"/data"}));
  executor_.Advance(kMs);
  EXPECT_TRUE(Sync({"/data"}));
  End();
}

TEST_F(SyncRemedyTest, LeavesASlowDiskAsMuchTimeAsItTook) {
  EXPECT_TRUE(Sync({"/data"}));
  executor_.Advance(absl::Seconds(20));
  End();
  executor_.Advance(absl::Seconds(20) - kMs);
  EXPECT_FALSE(Sync({"/data"}));
  executor_.Advance(kMs);
  EXPECT_TRUE(Sync({"/data"}));
  End();
}

TEST_F(SyncRemedyTest, TellsOfAnErrorOnlyIfNoneWentWell) {
  EXPECT_TRUE(Sync({"/data", "/cache"}));
  End(0, ErrnoStatus(EIO, "syncfs"));
  End(1);
  executor_.Advance(kMinSyncInterval);
  EXPECT_TRUE(Sync({"/data"}));
  End(0, ErrnoStatus(EIO, "syncfs"));
  EXPECT_THAT(results_,
              ElementsAre("OK", absl::StatusCodeToString(ErrnoStatus(EIO, "syncfs").code())));
}

TEST_F(SyncRemedyTest, CallsNobodyOnceItIsGone) {
  EXPECT_TRUE(Sync({"/data"}));
  executor_.Post([&] { remedy_.reset(); });
  End();
  executor_.Advance(kBox);
  EXPECT_THAT(results_, IsEmpty());
}

}  // namespace
}  // namespace dmaheap
