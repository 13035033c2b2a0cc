#include "heaps/buffer.h"

#include <limits>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using Backing = BufferKey::Backing;

TEST(BufferKeyTest, ADmaBufIsNamedByItsBareInode) {
  EXPECT_EQ((BufferKey{Backing::kDmaBuf, 4711}).ToString(), "4711");
}

TEST(BufferKeyTest, AMemfdSaysSoInItsName) {
  EXPECT_EQ((BufferKey{Backing::kMemfd, 4711}).ToString(), "memfd-4711");
}

TEST(BufferKeyTest, ParseIsTheOppositeOfToString) {
  for (const Backing backing : {Backing::kDmaBuf, Backing::kMemfd}) {
    for (const uint64_t inode : {uint64_t{0}, uint64_t{1}, std::numeric_limits<uint64_t>::max()}) {
      const BufferKey key{backing, inode};
      EXPECT_EQ(BufferKey::Parse(key.ToString()), key) << key.ToString();
    }
  }
}

TEST(BufferKeyTest, ABufferHasOneNameOnly) {
  for (const char* text :
       {"", "memfd-", "-1", "+1", " 1", "1 ", "01", "00", "memfd-01", "memfd--1", "memfd- 1", "1a",
        "0x10", "MEMFD-1", "memfd-memfd-1", "18446744073709551616"}) {
    EXPECT_FALSE(BufferKey::Parse(text).has_value()) << text;
  }
}

TEST(BufferKeyTest, TheSameInodeInAnotherFilesystemIsAnotherBuffer) {
  EXPECT_NE((BufferKey{Backing::kDmaBuf, 7}), (BufferKey{Backing::kMemfd, 7}));
}

}  // namespace
}  // namespace dmaheap
