#include "daemon/diagnosis/prober/area_reader.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

class FreeRunsTest : public ::testing::Test {
 protected:
  // 64 pages, of which the first 8 and the 40th are in use.
  void AddArea(absl::string_view bitmap = "debugfs/cma/reserved/bitmap") {
    tree_.File("debugfs/cma/reserved/count", "64\n");
    tree_.File("debugfs/cma/reserved/order_per_bit", "0\n");
    tree_.File(std::string(bitmap), "255 256\n");
  }
  ProberReply ReadRuns(absl::string_view area, absl::Duration box = absl::InfiniteDuration()) {
    return ReadFreeRuns(tree_.roots(), area, TimeBox(box));
  }

  FakeTree tree_;
};

TEST_F(FreeRunsTest, AreTheClearBitsOfTheBitmap) {
  AddArea();

  const ProberReply reply = ReadRuns("reserved");

  EXPECT_EQ(reply.error_number, 0);
  ASSERT_EQ(reply.areas.size(), 1u);
  EXPECT_EQ(reply.areas[0].count_pages, 64u);
  ASSERT_EQ(reply.runs.size(), 2u);
  EXPECT_EQ(reply.runs[0].first, 8u);
  EXPECT_EQ(reply.runs[0].pages, 32u);
  EXPECT_EQ(reply.runs[1].first, 41u);
  EXPECT_EQ(reply.runs[1].pages, 23u);
}

TEST_F(FreeRunsTest, AreReadFromTheOnlyRangeOfNewerKernels) {
  AddArea("debugfs/cma/reserved/ranges/0/bitmap");
  tree_.Link("debugfs/cma/reserved/bitmap", "ranges/0/bitmap");

  EXPECT_EQ(ReadRuns("reserved").runs.size(), 2u);
}

TEST_F(FreeRunsTest, AreReadFromTheFolderOfOlderKernels) {
  tree_.File("debugfs/cma/cma-linux,cma-l/count", "64\n");
  tree_.File("debugfs/cma/cma-linux,cma-l/order_per_bit", "0\n");
  tree_.File("debugfs/cma/cma-linux,cma-l/bitmap", "255 256\n");

  EXPECT_EQ(ReadRuns("linux,cma-long-name").runs.size(), 2u);
}

TEST_F(FreeRunsTest, OfSeveralRangesAreNotTold) {
  AddArea("debugfs/cma/reserved/ranges/0/bitmap");
  tree_.File("debugfs/cma/reserved/ranges/1/bitmap", "0\n");

  EXPECT_EQ(ReadRuns("reserved").error_number, ENOTSUP);
}

TEST_F(FreeRunsTest, ABitmapThatIsNoneIsNotGuessedAt) {
  AddArea();
  tree_.File("debugfs/cma/reserved/bitmap", "255\n");
  EXPECT_EQ(ReadRuns("reserved").error_number, EBADMSG);

  tree_.File("debugfs/cma/reserved/bitmap", "255 many\n");
  EXPECT_EQ(ReadRuns("reserved").error_number, EBADMSG);
}

TEST_F(FreeRunsTest, WhatIsMissingIsSaidByItsErrno) {
  EXPECT_EQ(ReadRuns("none").error_number, ENOENT);
  AddArea();
  tree_.File("debugfs/cma/reserved/count", "many\n");
  EXPECT_NE(ReadRuns("reserved").error_number, 0);
}

TEST_F(FreeRunsTest, NamesThatAreNoFolderAreRefused) {
  tree_.File("debugfs/secret/count", "1");
  for (const char* name : {"", ".", "..", "../secret", "a/b", "/etc"}) {
    EXPECT_EQ(ReadRuns(name).error_number, EINVAL) << name;
  }
}

TEST_F(FreeRunsTest, WhatIsNotReadInTheTimeBoxIsNotTold) {
  AddArea();
  EXPECT_NE(ReadRuns("reserved", absl::ZeroDuration()).error_number, 0);
}

}  // namespace
}  // namespace dmaheap
