#include "client/ctl/progress_display.h"

#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

using ::testing::HasSubstr;

class ProgressDisplayTest : public ::testing::Test {
 protected:
  ProgressDisplay::Now Clock() {
    return [this] { return now_; };
  }
  static AllocationProgress Attempt(int attempts, Obstacle obstacle = Obstacle::kPinned) {
    AllocationProgress progress;
    progress.attempts = attempts;
    progress.obstacle = obstacle;
    progress.heap = "heaps/r";
    return progress;
  }

  ProgressDisplay::Clock::time_point now_ = ProgressDisplay::Clock::now();
  std::ostringstream err_;
};

TEST_F(ProgressDisplayTest, OffATerminalALineASecondIsEnough) {
  {
    ProgressDisplay display(err_, 0, Clock());
    display.Show(Attempt(1));
    now_ += std::chrono::milliseconds(999);
    display.Show(Attempt(2));
    now_ += std::chrono::milliseconds(1);
    display.Show(Attempt(3));
  }

  const std::string pinned = ", 0s: pages of r can not be moved just now (free space not known)\n";
  EXPECT_EQ(err_.str(), "dmaheapctl: attempt 1" + pinned + "dmaheapctl: attempt 3" + pinned);
}

TEST_F(ProgressDisplayTest, OffATerminalAnotherObstacleIsToldAtOnce) {
  ProgressDisplay display(err_, 0, Clock());

  display.Show(Attempt(1));
  err_.str("");
  display.Show(Attempt(2, Obstacle::kNoRoom));

  EXPECT_EQ(err_.str(),
            "dmaheapctl: attempt 2, 0s: no room in r (free space not known); somebody has to "
            "release something\n");
}

TEST_F(ProgressDisplayTest, OnATerminalOneLineIsDrawnOverAndGoneInTheEnd) {
  {
    ProgressDisplay display(err_, 80, Clock());
    AllocationProgress progress = Attempt(1, Obstacle::kUnspecified);
    progress.last_error = "ENOMEM";
    display.Show(progress);
    display.Show(Attempt(2, Obstacle::kUnspecified));
  }

  EXPECT_THAT(err_.str(), HasSubstr("\rattempt 1, 0s: ENOMEM\rattempt 2, 0s        "));
  const std::string end = "\r" + std::string(13, ' ') + "\r";
  EXPECT_EQ(err_.str().substr(err_.str().size() - end.size()), end);
}

TEST_F(ProgressDisplayTest, OnANarrowTerminalTheLineIsCut) {
  {
    ProgressDisplay display(err_, 16, Clock());
    display.Show(Attempt(1));
  }

  EXPECT_EQ(err_.str().substr(0, 16), "\rattempt 1, 0s:~");
}

TEST_F(ProgressDisplayTest, WithoutNewsNothingIsWritten) {
  { ProgressDisplay display(err_, 80, Clock()); }

  EXPECT_EQ(err_.str(), "");
}

}  // namespace
}  // namespace dmaheap::ctl
