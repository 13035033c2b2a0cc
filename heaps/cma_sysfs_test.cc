#include "heaps/cma_sysfs.h"

#include "gtest/gtest.h"
#include "heaps/temp_folder.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

using CmaSysfsTest = FdLeakCheck;

TEST_F(CmaSysfsTest, AreasComeInTheOrderOfTheirNamesWithSizeAndFreePages) {
  TempFolder sysfs;
  sysfs.MakeFolder("reserved");
  sysfs.Write("reserved/total_pages", "16384\n");
  sysfs.Write("reserved/available_pages", "16000\n");
  sysfs.MakeFolder("linux,cma");

  const auto areas = OpenCmaAreas(sysfs.path(), "/nonexistent", 4096);

  ASSERT_EQ(areas.size(), 2u);
  EXPECT_EQ(areas[0].name, "linux,cma");
  EXPECT_FALSE(areas[0].total_bytes.has_value());
  EXPECT_FALSE(ReadCmaCount(areas[0].available_pages.get()).has_value());
  EXPECT_EQ(areas[1].name, "reserved");
  EXPECT_EQ(areas[1].total_bytes, 16384 * 4096);
  EXPECT_EQ(ReadCmaCount(areas[1].available_pages.get()), 16000);
}

TEST_F(CmaSysfsTest, TheOnlyAreaOfAnOlderKernelIsAsLargeAsMeminfoSays) {
  TempFolder folder;
  folder.MakeFolder("cma");
  folder.MakeFolder("cma/reserved");
  const std::string meminfo = folder.Write("meminfo", "CmaTotal:          65536 kB\n");

  const auto areas = OpenCmaAreas(folder.path() + "/cma", meminfo, 4096);

  ASSERT_EQ(areas.size(), 1u);
  EXPECT_EQ(areas[0].total_bytes, 64 << 20);
}

TEST_F(CmaSysfsTest, OfTwoAreasMeminfoTellsOnlyTheSum) {
  TempFolder folder;
  folder.MakeFolder("cma");
  folder.MakeFolder("cma/a");
  folder.MakeFolder("cma/b");
  const std::string meminfo = folder.Write("meminfo", "CmaTotal:          65536 kB\n");
  for (const CmaSysfsArea& area : OpenCmaAreas(folder.path() + "/cma", meminfo, 4096)) {
    EXPECT_FALSE(area.total_bytes.has_value()) << area.name;
  }
}

TEST_F(CmaSysfsTest, AKernelWithoutCmaHasNoAreas) {
  EXPECT_TRUE(OpenCmaAreas("/nonexistent", "/nonexistent", 4096).empty());
}

TEST_F(CmaSysfsTest, ASizeThatNoMachineHasIsNotTold) {
  TempFolder sysfs;
  sysfs.MakeFolder("a");
  sysfs.Write("a/total_pages", "9223372036854775807\n");
  EXPECT_FALSE(OpenCmaAreas(sysfs.path(), "/nonexistent", 4096)[0].total_bytes.has_value());
}

}  // namespace
}  // namespace dmaheap
