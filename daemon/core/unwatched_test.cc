#include "daemon/core/unwatched.h"

#include <vector>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using Keys = std::vector<BufferKey>;

const BufferKey kDmaBuf{BufferKey::Backing::kDmaBuf, 7};
const BufferKey kMemfd{BufferKey::Backing::kMemfd, 7};

class UnwatchedTest : public testing::Test {
 protected:
  UnwatchedTest() {
    unwatched_.Add(kDmaBuf);
    unwatched_.Add(kMemfd);
  }

  static BufferListing WholeList(absl::flat_hash_set<BufferKey> seen) {
    return {
        .seen = std::move(seen), .all_dma_bufs = true, .source = v1::SYSFS, .all_processes = true};
  }
  static BufferListing Scan(absl::flat_hash_set<BufferKey> seen) {
    return {.seen = std::move(seen),
            .all_dma_bufs = false,
            .source = v1::PARTIAL,
            .all_processes = true};
  }

  Unwatched unwatched_;
};

TEST_F(UnwatchedTest, WhatIsSeenLives) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(unwatched_.Judge(WholeList({kDmaBuf, kMemfd})), Keys());
  EXPECT_FALSE(unwatched_.undecided());
  EXPECT_FALSE(unwatched_.empty());
}

TEST_F(UnwatchedTest, ADmaBufThatAWholeListLacksIsGoneAtOnceAndToldOnce) {
  EXPECT_EQ(unwatched_.Judge(WholeList({kMemfd})), Keys{kDmaBuf});
  EXPECT_EQ(unwatched_.Judge(WholeList({kMemfd})), Keys());
  EXPECT_FALSE(unwatched_.Has(kDmaBuf));
}

TEST_F(UnwatchedTest, WhatOnlyScansTellOfIsGoneWhenTwoAgree) {
  EXPECT_EQ(unwatched_.Judge(Scan({})), Keys());
  EXPECT_TRUE(unwatched_.undecided());
  EXPECT_EQ(unwatched_.Judge(Scan({})), (Keys{kDmaBuf, kMemfd}));
  EXPECT_TRUE(unwatched_.empty());
  EXPECT_FALSE(unwatched_.undecided());
}

TEST_F(UnwatchedTest, AnFdThatWasOnItsWayIsFoundAgain) {
  unwatched_.Judge(Scan({kDmaBuf}));
  unwatched_.Judge(Scan({kDmaBuf, kMemfd}));
  EXPECT_EQ(unwatched_.Judge(Scan({kDmaBuf})), Keys());
}

TEST_F(UnwatchedTest, AScanThatSawNotEveryProcessProvesNothing) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(unwatched_.Judge({}), Keys());
  unwatched_.Judge(Scan({}));
  unwatched_.Judge({});
  EXPECT_EQ(unwatched_.Judge(Scan({})), Keys());
}

TEST_F(UnwatchedTest, AWholeListOfDmaBufsSaysNothingOfMemfds) {
  const BufferListing list{
      .seen = {}, .all_dma_bufs = true, .source = v1::SYSFS, .all_processes = false};
  EXPECT_EQ(unwatched_.Judge(list), Keys{kDmaBuf});
  EXPECT_EQ(unwatched_.Judge(list), Keys());
}

TEST_F(UnwatchedTest, TheBooksAreNoBetterThanWhatTellsOfEveryBuffer) {
  EXPECT_EQ(Unwatched().source(), v1::WATCH);
  EXPECT_EQ(unwatched_.source(), v1::PARTIAL);
  unwatched_.Judge(WholeList({kDmaBuf, kMemfd}));
  EXPECT_EQ(unwatched_.source(), v1::PARTIAL) << "no list has the memfd";
}

TEST_F(UnwatchedTest, DmaBufsRestOnTheListThatHadThemAll) {
  Unwatched unwatched;
  unwatched.Add(kDmaBuf);
  EXPECT_EQ(unwatched.source(), v1::PARTIAL) << "nobody has looked yet";
  unwatched.Judge(WholeList({kDmaBuf}));
  EXPECT_EQ(unwatched.source(), v1::SYSFS);
  BufferListing bufinfo = WholeList({kDmaBuf});
  bufinfo.source = v1::BUFINFO;
  unwatched.Judge(bufinfo);
  EXPECT_EQ(unwatched.source(), v1::BUFINFO);
  bufinfo.all_dma_bufs = false;
  unwatched.Judge(bufinfo);
  EXPECT_EQ(unwatched.source(), v1::PARTIAL) << "a list that is not whole";
  unwatched.Judge(WholeList({}));
  EXPECT_EQ(unwatched.source(), v1::WATCH);
}

}  // namespace
}  // namespace dmaheap
