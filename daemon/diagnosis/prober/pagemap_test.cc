#include "daemon/diagnosis/prober/pagemap.h"

#include <vector>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(FrameRangeTest, IsTwoNumbers) {
  const auto range = ParseFrameRange("98304 16384");
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->first, 98304u);
  EXPECT_EQ(range->count, 16384u);
  EXPECT_FALSE(range->Holds(98303));
  EXPECT_TRUE(range->Holds(98304));
  EXPECT_TRUE(range->Holds(98304 + 16383));
  EXPECT_FALSE(range->Holds(98304 + 16384));
}

TEST(FrameRangeTest, AnythingElseIsNone) {
  for (const char* text : {"", "1", "1 ", " 1", "1 0", "-1 1", "1 -1", "x 1", "1 2 3", "0x10 1",
                           "36028797018963968 1", "36028797018963967 2", "1 18446744073709551615",
                           "18446744073709551616 1", "+1 1", "01 1", "1  1"}) {
    EXPECT_FALSE(ParseFrameRange(text).has_value()) << text;
  }
  EXPECT_TRUE(ParseFrameRange("36028797018963967 1").has_value()) << "the last there can be";
}

TEST(CountFramesTest, CountsPresentPagesInTheRange) {
  const FrameRange range{100, 10};
  PagemapCount count;
  CountFrames({kPagemapPresent | 99, kPagemapPresent | 100, kPagemapPresent | 109,
               kPagemapPresent | 110, 105, 0},
              range, count);
  EXPECT_EQ(count.present, 4u);
  EXPECT_EQ(count.inside, 2u);
  EXPECT_TRUE(count.numbers_shown);
}

TEST(CountFramesTest, OtherBitsAreNotPartOfTheNumber) {
  PagemapCount count;
  // Soft-dirty, exclusive, shared.
  const uint64_t bits = (uint64_t{1} << 55) | (uint64_t{1} << 56) | (uint64_t{1} << 61);
  CountFrames({kPagemapPresent | bits | 100}, {100, 1}, count);
  EXPECT_EQ(count.inside, 1u);
  // A swapped page has its place in swap where the number would be.
  CountFrames({(uint64_t{1} << 62) | 100}, {100, 1}, count);
  EXPECT_EQ(count.inside, 1u);
  EXPECT_EQ(count.present, 1u);
}

TEST(CountFramesTest, NumbersThatAreNotShownAreTold) {
  PagemapCount count;
  CountFrames({kPagemapPresent, kPagemapPresent}, {0, 100}, count);
  EXPECT_EQ(count.present, 2u);
  EXPECT_EQ(count.inside, 0u);
  EXPECT_FALSE(count.numbers_shown);
}

// As Linux 6.12 showed them.
TEST(MayBeUnwrittenTest, IsTrueForPagesOfAFileSystem) {
  EXPECT_TRUE(MayBeUnwritten(0x800000064)) << "metadata in a transaction of jbd2";
  EXPECT_TRUE(MayBeUnwritten(0x800000074)) << "the same, committed";
  EXPECT_TRUE(MayBeUnwritten(0x838)) << "a file's, dirty";
  EXPECT_TRUE(MayBeUnwritten(0x128)) << "a file's, being written";
}

TEST(MayBeUnwrittenTest, IsFalseForMemoryThatNobodyWrites) {
  EXPECT_FALSE(MayBeUnwritten(0x5868)) << "anonymous";
  EXPECT_FALSE(MayBeUnwritten(0x5878)) << "anonymous, dirty";
  EXPECT_FALSE(MayBeUnwritten(0x4838)) << "tmpfs, dirty";
  EXPECT_FALSE(MayBeUnwritten(0x82c)) << "a file's, clean";
  EXPECT_FALSE(MayBeUnwritten(0x400)) << "free";
  EXPECT_FALSE(MayBeUnwritten(0));
}

TEST(ParseAddressesTest, TakesTheFirstWordOfALine) {
  const auto range =
      ParseAddresses("7f0c8a600000-7f0c8a622000 r--p 00000000 fe:01 1 /usr/lib/libc.so.6");
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->begin, 0x7f0c8a600000u);
  EXPECT_EQ(range->end, 0x7f0c8a622000u);
}

TEST(ParseAddressesTest, WhatIsNotWholeIsNone) {
  for (const char* line : {"", "7f00-7f10", "7f00 r--p", "-7f10 r--p", "7f00- r--p",
                           "7f10-7f00 r--p", "7f00-7f00 x", "xyz-7f00 r--p", "7f00--7f10 r--p",
                           "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]"}) {
    EXPECT_FALSE(ParseAddresses(line).has_value()) << line;
  }
}

TEST(KindOfFrameTest, IsWhatTheFlagsSay) {
  constexpr uint64_t kLru = 1u << 5, kSlab = 1u << 7, kBuddy = 1u << 10, kMmap = 1u << 11,
                     kAnon = 1u << 12;
  EXPECT_EQ(KindOfFrame(kBuddy), FrameKind::kFree);
  EXPECT_EQ(KindOfFrame(kLru | kAnon), FrameKind::kAnonymous);
  EXPECT_EQ(KindOfFrame(kAnon), FrameKind::kAnonymous) << "isolated, as for a migration";
  EXPECT_EQ(KindOfFrame(kLru), FrameKind::kPageCache);
  EXPECT_EQ(KindOfFrame(kLru | kMmap), FrameKind::kPageCache);
  EXPECT_EQ(KindOfFrame(kSlab), FrameKind::kOther);
  EXPECT_EQ(KindOfFrame(0), FrameKind::kOther);
}

}  // namespace
}  // namespace dmaheap
