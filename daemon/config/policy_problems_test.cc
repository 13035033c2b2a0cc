#include "daemon/config/policy_problems.h"

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(WrongHeapName, NamesThatKernelsGiveAreRight) {
  for (const char* name : {"reserved", "linux,cma", "system", "default-pool", "default_cma_region",
                           "system-uncached", "vframe@3f800000", "qcom,display", "a.b", "..."}) {
    EXPECT_EQ(WrongHeapName(name), "") << name;
  }
  EXPECT_EQ(WrongHeapName(std::string(64, 'x')), "");
}

TEST(WrongHeapName, OthersAreNot) {
  EXPECT_EQ(WrongHeapName(""), "a name of 0 bytes; a heap's has 1 to 64");
  EXPECT_EQ(WrongHeapName(std::string(65, 'x')), "a name of 65 bytes; a heap's has 1 to 64");
  EXPECT_EQ(WrongHeapName(".."), "\"..\" is a folder; name a node of /dev/dma_heap");
  for (const char* name :
       {".", "heaps/reserved", "a:b", "a b", "*", "a*", "a\"", "a\\", "a\n", "a\x7f", "\xc3\xa4"}) {
    EXPECT_NE(WrongHeapName(name), "") << name;
  }
  EXPECT_NE(WrongHeapName(absl::string_view("a\0b", 3)), "");
}

}  // namespace
}  // namespace dmaheap
