#include "daemon/diagnosis/prober/dmabuf_lister.h"

#include <string>

#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr char kBufInfo[] =
    "\nDma-buf Objects:\n"
    "size    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n"
    "00008192\t00000002\t00080007\t00000003\tcma_heap\t00000042\tcam\n"
    "00004096\t00000002\t00080007\t00000001\tcma_heap\t00000043\t<none>\n"
    "\nTotal 2 objects, 12288 bytes\n";

class DmabufListerTest : public ::testing::Test {
 protected:
  void AddHolder() {
    tree_.Process(7);
    tree_.Fd(7, 3, "/dmabuf:cam", "mnt_id:\t14\nino:\t42\nsize:\t8192\ncount:\t3\n");
  }
  void AddSysfs() {
    tree_.File("sys/kernel/dmabuf/buffers/42/size", "8192\n");
    tree_.File("sys/kernel/dmabuf/buffers/42/exporter_name", "cma_heap\n");
  }
  ProberReply List(const TimeBox& box = TimeBox(absl::InfiniteDuration())) {
    return DmabufLister(tree_.roots(), MemfdMark()).List(box);
  }

  FakeTree tree_;
};

TEST_F(DmabufListerTest, SysfsIsTheBestSource) {
  AddSysfs();
  AddHolder();
  tree_.File("debugfs/dma_buf/bufinfo", kBufInfo);

  const ProberReply reply = List();

  EXPECT_EQ(reply.source, ProberSource::kSysfs);
  EXPECT_EQ(reply.flags, 0u);
  ASSERT_EQ(reply.buffers.size(), 1u);
  EXPECT_EQ(reply.buffers[0].inode, 42u);
  EXPECT_EQ(reply.buffers[0].size_bytes, 8192u);
  EXPECT_EQ(reply.buffers[0].references, 3u);
  EXPECT_EQ(reply.buffers[0].holders, 1u);
  EXPECT_STREQ(reply.buffers[0].exporter, "cma_heap");
  ASSERT_EQ(reply.holders.size(), 1u);
  EXPECT_EQ(reply.holders[0].pid, 7);
}

TEST_F(DmabufListerTest, AnEmptySysfsFolderMeansThatThereAreNone) {
  tree_.File("sys/kernel/dmabuf/buffers/README", "no inode");

  const ProberReply reply = List();

  EXPECT_EQ(reply.source, ProberSource::kSysfs);
  EXPECT_EQ(reply.flags, 0u);
  EXPECT_TRUE(reply.buffers.empty());
}

TEST_F(DmabufListerTest, DebugfsIsNextAndListsWhatNoProcessHolds) {
  AddHolder();
  tree_.File("debugfs/dma_buf/bufinfo", kBufInfo);

  const ProberReply reply = List();

  EXPECT_EQ(reply.source, ProberSource::kDebugfs);
  EXPECT_EQ(reply.flags, 0u);
  ASSERT_EQ(reply.buffers.size(), 2u);
  EXPECT_EQ(reply.buffers[0].holders, 1u);
  EXPECT_EQ(reply.buffers[1].inode, 43u);
  EXPECT_EQ(reply.buffers[1].holders, 0u);
  EXPECT_EQ(reply.buffers[1].references, 1u);
}

TEST_F(DmabufListerTest, ATextOfDebugfsThatDoesNotAddUpIsPartial) {
  tree_.File("debugfs/dma_buf/bufinfo", std::string(kBufInfo).substr(0, 200));

  const ProberReply reply = List();

  EXPECT_EQ(reply.source, ProberSource::kDebugfs);
  EXPECT_EQ(reply.flags, kProberBuffersPartial);
}

TEST_F(DmabufListerTest, TheScanAloneIsAlwaysPartial) {
  AddHolder();

  const ProberReply reply = List();

  EXPECT_EQ(reply.source, ProberSource::kProcScan);
  EXPECT_EQ(reply.flags, kProberBuffersPartial);
  ASSERT_EQ(reply.buffers.size(), 1u);
  EXPECT_EQ(reply.buffers[0].inode, 42u);
}

TEST_F(DmabufListerTest, ABoxThatEndsAtOnceGivesAPartialAnswerNotNone) {
  AddHolder();
  tree_.File("debugfs/dma_buf/bufinfo", kBufInfo);

  const ProberReply reply = List(TimeBox(absl::ZeroDuration()));

  EXPECT_EQ(reply.flags, kProberBuffersPartial | kProberHoldersPartial);
}

TEST(DmabufListerWithoutRootsTest, NothingToLookAtIsAnAnswerToo) {
  DmabufLister lister({.proc = "/nonexistent", .sys = "/nonexistent", .debugfs = "/nonexistent"},
                      MemfdMark());

  const ProberReply reply = lister.List(TimeBox(absl::InfiniteDuration()));

  EXPECT_EQ(reply.source, ProberSource::kNone);
  EXPECT_EQ(reply.flags, kProberBuffersPartial | kProberHoldersPartial);
  EXPECT_TRUE(reply.buffers.empty());
}

}  // namespace
}  // namespace dmaheap
