#include "daemon/diagnosis/prober/area_reader.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

class AreaReaderTest : public ::testing::Test {
 protected:
  void AddDebugfs(absl::string_view folder) {
    tree_.File(absl::StrCat(folder, "/count"), "16384\n");
    tree_.File(absl::StrCat(folder, "/order_per_bit"), "0\n");
    tree_.File(absl::StrCat(folder, "/used"), "1024\n");
    tree_.File(absl::StrCat(folder, "/maxchunk"), "8192\n");
  }
  void AddSysfs(absl::string_view area) {
    const std::string folder = absl::StrCat("sys/kernel/mm/cma/", area);
    tree_.File(folder + "/alloc_pages_success", "5000\n");
    tree_.File(folder + "/alloc_pages_fail", "17\n");
  }
  ProberReply Read(absl::string_view area) {
    return ReadAreaState(tree_.roots(), area, TimeBox(absl::InfiniteDuration()));
  }

  FakeTree tree_;
};

constexpr uint32_t kDebugfsBits =
    kAreaBasePfn | kAreaCount | kAreaOrderPerBit | kAreaUsed | kAreaMaxChunk;

TEST_F(AreaReaderTest, ReadsWhatBothSourcesSay) {
  AddDebugfs("debugfs/cma/reserved");
  tree_.File("debugfs/cma/reserved/base_pfn", "98304\n");
  AddSysfs("reserved");
  tree_.File("sys/kernel/mm/cma/reserved/release_pages_success", "3976\n");

  const ProberReply reply = Read("reserved");

  EXPECT_EQ(reply.error_number, 0);
  ASSERT_EQ(reply.areas.size(), 1u);
  const AreaRecord& area = reply.areas[0];
  EXPECT_EQ(area.present, kDebugfsBits | kAreaAllocSuccess | kAreaAllocFail | kAreaReleaseSuccess);
  EXPECT_EQ(area.base_pfn, 98304u);
  EXPECT_EQ(area.count_pages, 16384u);
  EXPECT_EQ(area.order_per_bit, 0u);
  EXPECT_EQ(area.used_pages, 1024u);
  EXPECT_EQ(area.maxchunk_pages, 8192u);
  EXPECT_EQ(area.alloc_success_pages, 5000u);
  EXPECT_EQ(area.alloc_fail_pages, 17u);
  EXPECT_EQ(area.release_success_pages, 3976u);
  EXPECT_EQ(area.debugfs_errno, 0);
  EXPECT_EQ(area.sysfs_errno, 0);
}

TEST_F(AreaReaderTest, WithoutDebugfsTheLevelIsLowerAndTheReasonIsSaid) {
  AddSysfs("reserved");

  const AreaRecord area = Read("reserved").areas.at(0);

  EXPECT_EQ(area.present, kAreaAllocSuccess | kAreaAllocFail);
  EXPECT_EQ(area.debugfs_errno, ENOENT);
  EXPECT_EQ(area.sysfs_errno, 0);
}

TEST_F(AreaReaderTest, AnUnknownAreaIsEnoentInBoth) {
  const AreaRecord area = Read("none").areas.at(0);

  EXPECT_EQ(area.present, 0u);
  EXPECT_EQ(area.debugfs_errno, ENOENT);
  EXPECT_EQ(area.sysfs_errno, ENOENT);
}

TEST_F(AreaReaderTest, TheFolderOfOlderKernelsIsFound) {
  AddDebugfs("debugfs/cma/cma-linux,cma-l");
  tree_.File("debugfs/cma/cma-linux,cma-l/base_pfn", "7\n");

  EXPECT_EQ(Read("linux,cma-long-name").areas.at(0).present, kDebugfsBits);
}

TEST_F(AreaReaderTest, TheFirstRangeOfNewerKernelsIsFoundThoughALinkStandsBeforeIt) {
  AddDebugfs("debugfs/cma/reserved");
  tree_.File("debugfs/cma/reserved/ranges/0/base_pfn", "98304\n");
  tree_.Link("debugfs/cma/reserved/base_pfn", "ranges/0/base_pfn");

  const AreaRecord area = Read("reserved").areas.at(0);

  EXPECT_EQ(area.present, kDebugfsBits);
  EXPECT_EQ(area.base_pfn, 98304u);
}

TEST_F(AreaReaderTest, AFileThatHoldsNoNumberIsNotPresent) {
  AddDebugfs("debugfs/cma/reserved");
  tree_.File("debugfs/cma/reserved/used", "many\n");

  EXPECT_EQ(Read("reserved").areas.at(0).present & kAreaUsed, 0u);
}

TEST_F(AreaReaderTest, NamesThatAreNoFolderAreRefused) {
  tree_.File("debugfs/secret/count", "1");
  for (const char* name : {"", ".", "..", "../secret", "a/b", "/etc"}) {
    const ProberReply reply = Read(name);
    EXPECT_EQ(reply.error_number, EINVAL) << name;
    EXPECT_TRUE(reply.areas.empty());
  }
}

class FreeRunsTest : public AreaReaderTest {
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
  EXPECT_EQ(ReadRuns("../secret").error_number, EINVAL);
  AddArea();
  EXPECT_EQ(ReadRuns("reserved", absl::ZeroDuration()).error_number, ENOENT) << "no count in time";
}

}  // namespace
}  // namespace dmaheap
