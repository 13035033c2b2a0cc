#include "daemon/diagnosis/prober/process_origin.h"

#include <unistd.h>

#include "daemon/diagnosis/prober/testing/stat_text.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(ProcessOriginTest, IsTheParentAndTheStart) {
  const auto origin = ParseProcessOrigin(StatText(7, 3, 12.5), sysconf(_SC_CLK_TCK));
  ASSERT_TRUE(origin.has_value());
  EXPECT_EQ(origin->parent, 3);
  EXPECT_EQ(origin->began, absl::Milliseconds(12500));
}

TEST(ProcessOriginTest, ANameCanNotForgeIt) {
  const auto origin = ParseProcessOrigin(StatText(7, 3, 12.5, "a) S 99 (b"), sysconf(_SC_CLK_TCK));
  ASSERT_TRUE(origin.has_value());
  EXPECT_EQ(origin->parent, 3);
}

TEST(ProcessOriginTest, OtherTextsAreNone) {
  for (const char* text :
       {"", "7 (a", "7 (a) S", "7 (a) S x 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0",
        "7 (a) S 3 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 x 0"}) {
    EXPECT_FALSE(ParseProcessOrigin(text, 100).has_value()) << text;
  }
  EXPECT_FALSE(ParseProcessOrigin(StatText(7, 3, 1), 0).has_value());
}

}  // namespace
}  // namespace dmaheap
