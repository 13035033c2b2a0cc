#include "daemon/diagnosis/prober/page_owner.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "daemon/diagnosis/prober/testing/stat_text.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr uint64_t kFrame = 64;

// The kernel takes an offset for a frame; a file of bytes does the same for who reads there.
class PageOwnerTest : public ::testing::Test {
 protected:
  void Owner(uint64_t frame, int order, int pid, double seconds) {
    owners_.resize(frame, '\n');
    absl::StrAppend(&owners_,
                    absl::StrFormat("Page allocated via order %d, mask 0x1(X), pid 1, "
                                    "tgid %d (then), ts %d ns\nPFN 0x%x type Movable\n",
                                    order, pid, static_cast<int64_t>(seconds * 1e9), frame));
    tree_.File("debugfs/page_owner", owners_);
  }
  void Process(int pid, double began) {
    tree_.File(absl::StrCat("proc/", pid, "/stat"), StatText(pid, 1, began));
    tree_.File(absl::StrCat("proc/", pid, "/comm"), "now\n");
  }
  absl::optional<ProcessRecord> Find(uint64_t frame) {
    return FindPageAllocator(tree_.roots(), frame, TimeBox(absl::InfiniteDuration()));
  }

  std::string owners_;
  FakeTree tree_;
};

TEST_F(PageOwnerTest, IsTheProcessThatWasThereWhenThePageWasAllocated) {
  Owner(kFrame, 0, /*pid=*/411, /*seconds=*/50);
  Process(411, /*began=*/49.5);

  const auto found = Find(kFrame);

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->pid, 411);
  EXPECT_STREQ(found->name, "now");
  EXPECT_NE(found->uid, kNoUid);
}

TEST_F(PageOwnerTest, IsNotTheNextProcessOfThatNumber) {
  Owner(kFrame, 0, /*pid=*/411, /*seconds=*/50);
  Process(411, /*began=*/50.5);

  const auto found = Find(kFrame);

  ASSERT_TRUE(found.has_value());
  EXPECT_STREQ(found->name, "then");
  EXPECT_EQ(found->uid, kNoUid);
}

TEST_F(PageOwnerTest, KeepsTheNameOfOneThatIsGone) {
  Owner(kFrame, 0, /*pid=*/411, /*seconds=*/50);

  const auto found = Find(kFrame);

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->pid, 411);
  EXPECT_STREQ(found->name, "then");
  EXPECT_EQ(found->uid, kNoUid);
}

TEST_F(PageOwnerTest, IsThatOfTheBlockThatThePageIsIn) {
  Owner(kFrame, /*order=*/4, /*pid=*/411, /*seconds=*/50);

  for (const uint64_t frame : {kFrame, kFrame + 5, kFrame + 15}) {
    EXPECT_TRUE(Find(frame).has_value()) << frame;
  }
  EXPECT_FALSE(Find(kFrame + 16).has_value());
}

TEST_F(PageOwnerTest, IsUnknownWithoutTheKernelsNotes) { EXPECT_FALSE(Find(kFrame).has_value()); }

}  // namespace
}  // namespace dmaheap
