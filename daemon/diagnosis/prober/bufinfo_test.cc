#include "daemon/diagnosis/prober/bufinfo.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// As Linux 6.12 writes it, with a fence and an attachment.
constexpr char kText[] =
    "\nDma-buf Objects:\n"
    "size    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n"
    "08294400\t00000002\t00080007\t00000003\tcma_heap\t00000042\tfront-camera\n"
    "\tAttached Devices:\n"
    "\tvivid-000\n"
    "Total 1 devices attached\n\n"
    "00004096\t00000002\t00080005\t00000001\tsystem_heap\t123456789\t<none>\n"
    "\tAttached Devices:\n"
    "Total 0 devices attached\n\n"
    "\nTotal 2 objects, 8298496 bytes\n";

TEST(BufInfoTest, EveryBufferIsFoundWithItsNumbers) {
  const BufInfo info = ParseBufInfo(kText);

  EXPECT_TRUE(info.complete);
  ASSERT_EQ(info.buffers.size(), 2u);
  EXPECT_EQ(info.buffers[0].inode, 42u);
  EXPECT_EQ(info.buffers[0].size_bytes, 8294400u);
  EXPECT_EQ(info.buffers[0].references, 3u);
  EXPECT_STREQ(info.buffers[0].exporter, "cma_heap");
  EXPECT_STREQ(info.buffers[0].name, "front-camera");
  EXPECT_EQ(info.buffers[1].inode, 123456789u);
  EXPECT_STREQ(info.buffers[1].name, "");
}

TEST(BufInfoTest, NoBuffersAreAWholeAnswerToo) {
  const BufInfo info = ParseBufInfo(
      "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n"
      "\nTotal 0 objects, 0 bytes\n");

  EXPECT_TRUE(info.complete);
  EXPECT_TRUE(info.buffers.empty());
}

TEST(BufInfoTest, ATextThatWasCutIsNotWhole) {
  const std::string text(kText);
  for (size_t size = 0; size + 1 < text.size(); ++size) {
    EXPECT_FALSE(ParseBufInfo(text.substr(0, size)).complete) << size;
  }
}

std::string WithName(absl::string_view name) {
  return absl::StrCat("00004096\t00000002\t00080005\t00000001\tsystem_heap\t00000007\t", name,
                      "\n\tAttached Devices:\nTotal 0 devices attached\n\n"
                      "\nTotal 1 objects, 4096 bytes\n");
}

TEST(BufInfoTest, ASumThatBeginsAgainAtZeroIsNotWhole) {
  const BufInfo info = ParseBufInfo(
      "18446744073709551615\t00000002\t00080005\t00000001\ts\t00000007\ta\n"
      "00000003\t00000002\t00080005\t00000001\ts\t00000008\tb\nTotal 2 objects, 2 bytes\n");
  EXPECT_EQ(info.buffers.size(), 2u);
  EXPECT_FALSE(info.complete);
}

TEST(BufInfoTest, ANameCanNotPretendToBeABuffer) {
  // As much as 31 bytes hold, with and without the zeros of the kernel.
  for (const char* name : {"x\n1\t1\t1\t1\ta\t42\tx", "\n00004096\t00000002\t00080005\t",
                           "a\tb\tc\td\te\tf\tg", "\n4096\t2\t80005\t1\tsystem\t8\tz"}) {
    const BufInfo info = ParseBufInfo(WithName(name));

    ASSERT_EQ(info.buffers.size(), 1u) << name;
    EXPECT_EQ(info.buffers[0].inode, 7u);
    EXPECT_TRUE(info.complete);
  }
}

TEST(BufInfoTest, ATotalInANameDoesNotCount) {
  const BufInfo info = ParseBufInfo(WithName("\nTotal 9 objects, 9 bytes"));

  EXPECT_TRUE(info.complete);
  EXPECT_EQ(info.buffers.size(), 1u);
}

TEST(BufInfoTest, ATotalThatDoesNotAgreeIsNotWhole) {
  EXPECT_FALSE(ParseBufInfo("00004096\t00000002\t00080005\t00000001\tsystem_heap\t00000007\tx\n"
                            "\nTotal 2 objects, 4096 bytes\n")
                   .complete);
  EXPECT_FALSE(ParseBufInfo("00004096\t00000002\t00080005\t00000001\tsystem_heap\t00000007\tx\n"
                            "\nTotal 1 objects, 8192 bytes\n")
                   .complete);
}

TEST(BufInfoTest, LongTextsAreCutAndNumbersThatDoNotFitArePassedOver) {
  const BufInfo info = ParseBufInfo(absl::StrCat(
      "00004096\t00000002\t00080005\t00000001\t", std::string(100, 'e'), "\t00000007\t",
      std::string(100, 'n'), "\n",
      "99999999999999999999999\t00000002\t00080005\t00000001\tsystem_heap\t00000008\tx\n"));

  ASSERT_EQ(info.buffers.size(), 1u);
  EXPECT_EQ(std::string(info.buffers[0].exporter), std::string(31, 'e'));
  EXPECT_EQ(std::string(info.buffers[0].name), std::string(31, 'n'));
}

}  // namespace
}  // namespace dmaheap
