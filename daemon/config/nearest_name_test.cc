#include "daemon/config/nearest_name.h"

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

const std::vector<std::string>& Names() {
  static const auto* names =
      new std::vector<std::string>{"who", "rights", "heaps", "max_bytes", "max_buffers"};
  return *names;
}

TEST(NearestName, OneLetterReplacedDroppedAddedOrSwapped) {
  EXPECT_EQ(NearestName("rigths", Names()), "rights");
  EXPECT_EQ(NearestName("heap", Names()), "heaps");
  EXPECT_EQ(NearestName("heapss", Names()), "heaps");
  EXPECT_EQ(NearestName("max_butes", Names()), "max_bytes");
}

TEST(NearestName, IgnoresTheCaseOfLetters) {
  EXPECT_EQ(NearestName("Max_Buffers", Names()), "max_buffers");
}

TEST(NearestName, AnotherWordHasNone) {
  EXPECT_EQ(NearestName("frobnicate", Names()), absl::nullopt);
  EXPECT_EQ(NearestName("", Names()), absl::nullopt);
  EXPECT_EQ(NearestName("xyz", Names()), absl::nullopt);
  EXPECT_EQ(NearestName(std::string(1 << 20, 'a'), Names()), absl::nullopt);
}

TEST(NearestName, TheNearerOfTwoWins) {
  EXPECT_EQ(NearestName("max_byters", Names()), "max_bytes");
  EXPECT_EQ(NearestName("max_bufers", Names()), "max_buffers");
}

}  // namespace
}  // namespace dmaheap
