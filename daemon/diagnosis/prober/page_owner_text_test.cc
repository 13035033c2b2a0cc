#include "daemon/diagnosis/prober/page_owner_text.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr char kHead[] =
    "Page allocated via order 0, mask 0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|"
    "__GFP_ZERO), pid 412, tgid 411 (";
constexpr char kTail[] =
    "), ts 5140900123 ns\nPFN 0x2f100 type Movable Block 376 type CMA Flags 0xfffffc0080008"
    "(uptodate|swapbacked|node=0|zone=1)\n post_alloc_hook+0x8a/0xe0\n get_page_from_freelist+0x1\n"
    "Page has been migrated, last migrate reason: compaction\n\n";

TEST(PageOwnerTextTest, TellsTheProcessTheTimeAndTheFrame) {
  const auto owner = ParsePageOwner(absl::StrCat(kHead, "camera", kTail));

  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(owner->frame, 0x2f100u);
  EXPECT_EQ(owner->order, 0u);
  EXPECT_EQ(owner->pid, 411);
  EXPECT_EQ(owner->name, "camera");
  EXPECT_EQ(owner->allocated, absl::Nanoseconds(5140900123));
}

TEST(PageOwnerTextTest, ReadsAFrameInDecimal) {
  const auto owner = ParsePageOwner(
      "Page allocated via order 2, mask 0x0(), pid 1, tgid 1 (init), ts 7 ns\nPFN 192768 type X\n");

  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(owner->frame, 192768u);
  EXPECT_EQ(owner->order, 2u);
}

TEST(PageOwnerTextTest, ANameCanNotSayAnotherProcessOrFrame) {
  for (const std::string name :
       {"x), ts 1 ns", "a), ts 1 ns\nPFN", "(x), tgid 9 (y", "pid 1, tgid 1 ("}) {
    const auto owner = ParsePageOwner(absl::StrCat(kHead, name, kTail));

    ASSERT_TRUE(owner.has_value()) << name;
    EXPECT_EQ(owner->pid, 411) << name;
    EXPECT_EQ(owner->frame, 0x2f100u) << name;
    EXPECT_EQ(owner->name, name);
  }
}

TEST(PageOwnerTextTest, TellsNothingOfAnOlderKernelsText) {
  EXPECT_FALSE(ParsePageOwner("Page allocated via order 0, mask 0x0(), pid 412, ts 5 ns, free_ts 0 "
                              "ns\nPFN 192768 type Movable Block 376 type CMA Flags 0x0()\n")
                   .has_value());
}

TEST(PageOwnerTextTest, TellsNothingOfABrokenText) {
  const std::string whole = absl::StrCat(kHead, "camera", kTail);
  const size_t needed = whole.find(" type ") + 6;
  for (size_t length = 0; length < needed; ++length) {
    EXPECT_FALSE(ParsePageOwner(whole.substr(0, length)).has_value()) << length;
  }
  EXPECT_TRUE(ParsePageOwner(whole.substr(0, needed)).has_value());
}

TEST(PageOwnerTextTest, TellsNothingWhereANumberIsNone) {
  for (const char* text :
       {"Page allocated via order 99, mask 0x0(), pid 1, tgid 1 (a), ts 1 ns\nPFN 0x1 type X",
        "Page allocated via order 0, mask 0x0(), pid 1, tgid -1 (a), ts 1 ns\nPFN 0x1 type X",
        "Page allocated via order 0, mask 0x0(), pid 1, tgid 99999999999 (a), ts 1 ns\nPFN 0x1 "
        "type X",
        "Page allocated via order 0, mask 0x0(), pid 1, tgid 1 (a), ts x ns\nPFN 0x1 type X",
        "Page allocated via order 0, mask 0x0(), pid 1, tgid 1 (a), ts 1 ns\nPFN "
        "0x11111111111111111"
        " type X"}) {
    EXPECT_FALSE(ParsePageOwner(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace dmaheap
