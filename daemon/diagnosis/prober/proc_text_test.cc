#include "daemon/diagnosis/prober/proc_text.h"

#include <string>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(ClassifyPathTest, KnowsDmaBufsAndMemfdsOfSimulatedHeaps) {
  EXPECT_EQ(ClassifyPath("/dmabuf:"), BufferBacking::kDmaBuf);
  EXPECT_EQ(ClassifyPath("/dmabuf:front-camera"), BufferBacking::kDmaBuf);
  EXPECT_EQ(ClassifyPath("anon_inode:dmabuf"), BufferBacking::kDmaBuf);
  EXPECT_EQ(ClassifyPath("/memfd:dmaheap:front-camera (deleted)"), BufferBacking::kMemfd);
  for (const char* other : {"", "/", "/memfd:other (deleted)", "/memfd:dmaheap", "/dmabuf",
                            "/home/dmabuf:", "socket:[7]", "anon_inode:[eventfd]"}) {
    EXPECT_FALSE(ClassifyPath(other).has_value()) << other;
  }
}

TEST(LabelOfMemfdTest, IsWhatTheClientCalledIt) {
  EXPECT_EQ(LabelOfMemfd("/memfd:dmaheap:front-camera (deleted)"), "front-camera");
  EXPECT_EQ(LabelOfMemfd("/memfd:dmaheap: (deleted)"), "");
}

TEST(FdInfoTest, TakesWhatTheKernelSaysOfADmaBuf) {
  const FdInfo info = ParseFdInfo(
      "pos:\t0\nflags:\t02000002\nmnt_id:\t14\nino:\t4711\nsize:\t8294400\ncount:\t2\n"
      "exp_name:\tcma_heap\nname:\tfront-camera\n");

  EXPECT_EQ(info.mount_id, 14u);
  EXPECT_EQ(info.inode, 4711u);
  EXPECT_EQ(info.size_bytes, 8294400u);
  EXPECT_EQ(info.references, 2u);
  EXPECT_EQ(info.exporter, "cma_heap");
  EXPECT_EQ(info.name, "front-camera");
}

TEST(FdInfoTest, WhatIsNotThereIsAbsent) {
  const FdInfo info = ParseFdInfo("pos:\t0\nflags:\t02\nmnt_id:\tx\n");

  EXPECT_FALSE(info.mount_id.has_value());
  EXPECT_FALSE(info.inode.has_value());
  EXPECT_FALSE(info.size_bytes.has_value());
}

TEST(FdInfoTest, ANameCanNotChangeWhatStandsBeforeItNorAddWhatDoesNot) {
  const FdInfo info = ParseFdInfo(
      "mnt_id:\t14\nsize:\t4096\nexp_name:\tsystem_heap\nname:\tx\nino:\t1\nsize:\t2\ncount:\t9\n");

  EXPECT_FALSE(info.inode.has_value());
  EXPECT_EQ(info.size_bytes, 4096u);
  EXPECT_FALSE(info.references.has_value());
}

TEST(MapsLineTest, TakesDeviceInodeAndPath) {
  const auto map = ParseMapsLine(
      "7f00a0000000-7f00a07e9000 rw-s 00000000 00:0c 4711                       /dmabuf:a b");

  ASSERT_TRUE(map.has_value());
  EXPECT_EQ(map->device, "00:0c");
  EXPECT_EQ(map->inode, 4711u);
  EXPECT_EQ(map->path, "/dmabuf:a b");
}

TEST(MapsLineTest, ALineThatIsCutOrHasNoPathIsPassedOver) {
  const std::string line = "7f00a0000000-7f00a07e9000 rw-s 00000000 00:0c 4711 /x";
  for (size_t size = 0; size + 1 < line.size(); ++size) {
    EXPECT_FALSE(ParseMapsLine(line.substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(ParseMapsLine("7f00-7f01 rw-p 00000000 00:00 0").has_value());
  EXPECT_FALSE(ParseMapsLine("7f00-7f01 rw-p 00000000 00:00 -1 /x").has_value());
}

TEST(PipeLinkTest, TakesTheInodeOfAnAnonymousPipe) {
  EXPECT_EQ(ParsePipeLink("pipe:[4711]"), 4711u);
  for (const char* other : {"", "pipe:[]", "pipe:[x]", "pipe:[-1]", "pipe:[1", "socket:[4711]",
                            "/tmp/pipe:[4711]", "pipe:[4711] (deleted)", "pipe:[+1]"}) {
    EXPECT_FALSE(ParsePipeLink(other).has_value()) << other;
  }
}

}  // namespace
}  // namespace dmaheap
