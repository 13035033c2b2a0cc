#include "heaps/page_bitmap.h"

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(PageBitmapTest, ANewBitmapIsClear) {
  const PageBitmap bitmap(130);
  EXPECT_EQ(bitmap.count(), 0);
  EXPECT_EQ(bitmap.NextSet(0, 130), 130);
  EXPECT_EQ(bitmap.NextClear(0, 130), 0);
}

TEST(PageBitmapTest, RunsGoOverWords) {
  PageBitmap bitmap(200);
  bitmap.Set(60, 80);
  EXPECT_EQ(bitmap.count(), 80);
  EXPECT_FALSE(bitmap.Test(59));
  EXPECT_TRUE(bitmap.Test(60));
  EXPECT_TRUE(bitmap.Test(139));
  EXPECT_FALSE(bitmap.Test(140));
  EXPECT_EQ(bitmap.NextClear(60, 200), 140);
  EXPECT_EQ(bitmap.NextSet(0, 200), 60);
  EXPECT_EQ(bitmap.NextSet(140, 200), 200);
  bitmap.Clear(64, 64);
  EXPECT_EQ(bitmap.count(), 16);
  EXPECT_EQ(bitmap.NextSet(64, 200), 128);
}

TEST(PageBitmapTest, SettingTwiceCountsOnce) {
  PageBitmap bitmap(64);
  bitmap.Set(0, 64);
  bitmap.Set(10, 10);
  EXPECT_EQ(bitmap.count(), 64);
}

TEST(PageBitmapTest, AnAreaIsAlignedWithItsOffset) {
  PageBitmap bitmap(1024);
  bitmap.Set(0);
  EXPECT_EQ(bitmap.FindClearArea(0, 10, 1, 0), 1);
  EXPECT_EQ(bitmap.FindClearArea(0, 10, 256, 0), 256);
  // An area that begins 16 pages after a boundary: page 240 is the next boundary.
  EXPECT_EQ(bitmap.FindClearArea(0, 10, 256, 16), 240);
}

TEST(PageBitmapTest, AnAreaMustFitBehindItsBeginning) {
  PageBitmap bitmap(1000);
  EXPECT_EQ(bitmap.FindClearArea(0, 1000, 256, 0), 0);
  EXPECT_EQ(bitmap.FindClearArea(1, 744, 256, 0), 256);
  EXPECT_EQ(bitmap.FindClearArea(1, 745, 256, 0), -1);
  EXPECT_EQ(bitmap.FindClearArea(0, 1001, 1, 0), -1);
}

TEST(PageBitmapTest, SearchesAgreeWithTheObviousOnes) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    const int64_t size = 1 + static_cast<int64_t>(random() % 300);
    PageBitmap bitmap(size);
    std::vector<bool> bits(size);
    for (int i = 0; i < 10; ++i) {
      const int64_t first = static_cast<int64_t>(random() % size);
      const int64_t pages = 1 + static_cast<int64_t>(random() % (size - first));
      const bool value = random() % 3 != 0;
      value ? bitmap.Set(first, pages / 4) : bitmap.Clear(first, pages);
      std::fill_n(bits.begin() + first, value ? pages / 4 : pages, value);
    }
    const int64_t start = static_cast<int64_t>(random() % size);
    const int64_t pages = 1 + static_cast<int64_t>(random() % size);
    const int64_t align = int64_t{1} << (random() % 6);
    const int64_t offset = static_cast<int64_t>(random() % align);
    int64_t expected = -1;
    for (int64_t first = start; first + pages <= size && expected < 0; ++first) {
      bool fits = (first + offset) % align == 0;
      for (int64_t i = first; i < first + pages && fits; ++i) fits = !bits[i];
      if (fits) expected = first;
    }
    EXPECT_EQ(bitmap.FindClearArea(start, pages, align, offset), expected) << "round " << round;
    EXPECT_EQ(bitmap.count(), std::count(bits.begin(), bits.end(), true)) << "round " << round;
  }
}

}  // namespace
}  // namespace dmaheap
