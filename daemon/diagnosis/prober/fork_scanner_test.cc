#include "daemon/diagnosis/prober/fork_scanner.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/diagnosis/prober/pagemap.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "daemon/diagnosis/prober/testing/stat_text.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

class ForkScannerTest : public ::testing::Test {
 protected:
  static constexpr absl::Duration kNow = absl::Seconds(100);

  void Process(int pid, int parent, double began, uint64_t frame) {
    tree_.File(absl::StrCat("proc/", pid, "/stat"), StatText(pid, parent, began));
    tree_.File(absl::StrCat("proc/", pid, "/maps"),
               absl::StrFormat("0-%x rw-p 00000000 00:00 0 \n", sysconf(_SC_PAGESIZE)));
    const uint64_t entry = kPagemapPresent | frame;
    tree_.File(absl::StrCat("proc/", pid, "/pagemap"),
               std::string(reinterpret_cast<const char*>(&entry), sizeof(entry)));
  }
  bool Finds(uint64_t frame, absl::Duration box = absl::InfiniteDuration()) {
    const UniqueFd proc(open((tree_.path() + "/proc").c_str(), O_RDONLY | O_DIRECTORY));
    return IsMappedByForker(proc, frame, kNow, TimeBox(box),
                            [&] { return asked_++ < stop_after_; });
  }

  // How often it asked whether to go on, and how often it is told to.
  int asked_ = 0;
  int stop_after_ = 1000;

  FakeTree tree_;
};

TEST_F(ForkScannerTest, AParentOfAYoungChildThatMapsThePageForks) {
  Process(10, 1, 50, /*frame=*/77);
  Process(11, 10, 99.9, /*frame=*/78);

  EXPECT_TRUE(Finds(77));
  EXPECT_FALSE(Finds(78)) << "the child's own";
  EXPECT_FALSE(Finds(79));
  EXPECT_FALSE(Finds(77, absl::ZeroDuration()));
}

TEST_F(ForkScannerTest, GoesOnAfterEachProcessOnlyIfTold) {
  Process(10, 1, 50, /*frame=*/77);
  Process(11, 10, 99.9, /*frame=*/78);
  EXPECT_TRUE(Finds(77));
  const int all = asked_;

  EXPECT_EQ(all, 3) << "two processes and one that has forked";
  for (stop_after_ = 0; stop_after_ < all; ++stop_after_) {
    asked_ = 0;
    EXPECT_FALSE(Finds(77));
    EXPECT_EQ(asked_, stop_after_ + 1);
  }
}

TEST_F(ForkScannerTest, WhoseChildIsOldDoesNot) {
  Process(10, 1, 50, /*frame=*/77);
  Process(11, 10, 98, /*frame=*/78);

  EXPECT_FALSE(Finds(77));
}

}  // namespace
}  // namespace dmaheap
