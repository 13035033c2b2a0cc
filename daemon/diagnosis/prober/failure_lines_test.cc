#include "daemon/diagnosis/prober/failure_lines.h"

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr char kList[] = "cma: number of available pages: 24@264=> 24 free of 512 total pages";
constexpr char kOtherList[] = "cma: number of available pages: 8@0=> 8 free of 512 total pages";

class FailureLinesTest : public ::testing::Test {
 protected:
  void Take(const std::string& text, int64_t microseconds = 0, int priority = 3) {
    lines_.Take({.priority = priority, .microseconds = microseconds, .thread = 42, .text = text},
                absl::UnixEpoch() + absl::Seconds(7));
  }
  void Fail(const std::string& area, int64_t microseconds = 0) {
    Take(absl::StrCat("cma: cma_alloc: ", area, ": alloc failed, req-size: 60 pages, ret: -16"),
         microseconds);
  }
  const FailureLines::Failure& At(size_t place) { return lines_.failures().at(place); }

  FailureLines lines_;
};

TEST_F(FailureLinesTest, AFailureIsKeptWithItsStampAndItsList) {
  Fail("reserved", 5'000'000);
  Take(kList);

  ASSERT_EQ(lines_.failures().size(), 1u);
  EXPECT_EQ(At(0).line.area, "reserved");
  EXPECT_EQ(At(0).line.request_pages, 60);
  EXPECT_EQ(At(0).line.error_number, EBUSY);
  EXPECT_EQ(At(0).thread, 42);
  EXPECT_EQ(At(0).stamp, absl::Seconds(5));
  EXPECT_EQ(At(0).read_at, absl::UnixEpoch() + absl::Seconds(7));
  ASSERT_TRUE(At(0).free_list.has_value());
  EXPECT_EQ(At(0).free_list->free_pages, 24);
}

TEST_F(FailureLinesTest, AListInPartsIsOne) {
  Fail("reserved");
  Take("cma: number of available pages: ");
  Take("cma: range 0: 24@264");
  EXPECT_FALSE(At(0).free_list.has_value());
  Take("cma: => 24 free of 512 total pages");

  EXPECT_TRUE(At(0).free_list.has_value());
}

TEST_F(FailureLinesTest, WhatAProcessWroteIsNobodys) {
  Take("cma: cma_alloc: reserved: alloc failed, req-size: 60 pages, ret: -16", 0, /*priority=*/11);

  EXPECT_TRUE(lines_.failures().empty());
}

TEST_F(FailureLinesTest, AListThatTwoWaitForIsNeithers) {
  Fail("reserved");
  Fail("camera", 900'000);
  Take(kList);
  Take(kOtherList);

  EXPECT_FALSE(At(0).free_list.has_value());
  EXPECT_FALSE(At(1).free_list.has_value());
  Fail("reserved", 1'000'000);
  Take(kList);
  EXPECT_TRUE(At(2).free_list.has_value());
}

TEST_F(FailureLinesTest, AListWithoutItsFailureIsNobodys) {
  Take(kList);
  Fail("reserved");
  Take(kList);
  Take(kOtherList);

  ASSERT_TRUE(At(0).free_list.has_value());
  EXPECT_EQ(At(0).free_list->free_pages, 24);
}

TEST_F(FailureLinesTest, WhatCameAfterAGapIsNotPutToWhatWasBefore) {
  Fail("reserved");
  lines_.OnGap();
  Take(kList);

  EXPECT_FALSE(At(0).free_list.has_value());
}

TEST_F(FailureLinesTest, OfManyTheLastAreKeptAndTheListsOfTheLastFew) {
  for (size_t i = 0; i < FailureLines::kMost + 3; ++i) {
    Fail(absl::StrCat("area", i), static_cast<int64_t>(i) * 2'000'000);
    Take(kList);
  }

  ASSERT_EQ(lines_.failures().size(), FailureLines::kMost);
  EXPECT_EQ(At(0).line.area, "area3");
  size_t lists = 0;
  for (const auto& failure : lines_.failures()) lists += failure.free_list.has_value() ? 1 : 0;
  EXPECT_EQ(lists, FailureLines::kMostLists);
  EXPECT_TRUE(lines_.failures().back().free_list.has_value());
}

}  // namespace
}  // namespace dmaheap
