#include "heaps/fdinfo.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::string_view kHead = "pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1057\n";

std::string WithHead(absl::string_view items) { return std::string(kHead) + std::string(items); }

// Lines as kernels 6.12 and 6.18 write them.
TEST(ParseEpollItemsTest, TheDataOfEveryItemIsRead) {
  const auto items = ParseEpollItems(
      WithHead("tfd:        8 events:       18 data:             1f40  pos:0 ino:1f40 sdev:d\n"
               "tfd:       12 events:       18 data: ffffffffffffffff  pos:0 ino:7 sdev:d\n"));
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_THAT(*items, ElementsAre(0x1f40, 0xffffffffffffffffu));
}

TEST(ParseEpollItemsTest, AnEmptySetHasNoItems) {
  EXPECT_THAT(ParseEpollItems(kHead).value(), IsEmpty());
}

TEST(ParseEpollItemsTest, OlderKernelsEndTheLineAfterTheData) {
  EXPECT_THAT(
      ParseEpollItems(WithHead("tfd:        5 events:       19 data:                5\n")).value(),
      ElementsAre(5));
}

TEST(ParseEpollItemsTest, WhatIsCutOffOrStrangeIsNoAnswer) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("tfd: 8 events: 18 data: 1 \n"),
        WithHead("tfd:        8 events:       18 data:             1f40"),
        WithHead("tfd:        8 eve\n"), WithHead("tfd:        8 events:       18 data:\n"),
        WithHead("tfd: 8 events: 18 data: xyz  pos:0\n"), WithHead("tfd: 8 events: 18 data: 1g\n"),
        WithHead("tfd: 8 events: 18 data: 10000000000000000\n")}) {
    EXPECT_EQ(ParseEpollItems(text).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

TEST(ParseInotifyMarksTest, NoWatchDescriptorIsBelowZero) {
  const auto marks = ParseInotifyMarks(WithHead("inotify wd:-1 ino:5 sdev:1 mask:400 \n"));
  EXPECT_EQ(marks.status().code(), absl::StatusCode::kDataLoss);
}

TEST(ParseInotifyMarksTest, WatchDescriptorsAreHexadecimal) {
  const auto marks = ParseInotifyMarks(WithHead(
      "inotify wd:1a ino:1f40 sdev:1 mask:400 ignored_mask:0 fhandle-bytes:8 fhandle-type:1 "
      "f_handle:401f000000000000\n"
      "inotify wd:1 ino:7 sdev:1 mask:400 ignored_mask:0 \n"));
  ASSERT_TRUE(marks.ok()) << marks.status();
  EXPECT_THAT(*marks, ElementsAre(InotifyMark{0x1a, 0x1f40}, InotifyMark{1, 7}));
}

TEST(ParseInotifyMarksTest, WhatIsCutOffOrStrangeIsNoAnswer) {
  for (const std::string& text :
       {std::string(), WithHead("inotify wd:1 ino:7 sdev:1"), WithHead("inotify wd:1 sdev:1\n"),
        WithHead("inotify ino:7\n"), WithHead("inotify wd:ffffffff ino:7 sdev:1\n")}) {
    EXPECT_EQ(ParseInotifyMarks(text).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

using FdinfoReaderTest = FdLeakCheck;

TEST_F(FdinfoReaderTest, ItemsOfThisKernelAreReadAgainAndAgain) {
  const UniqueFd set(epoll_create1(EPOLL_CLOEXEC));
  auto reader = FdinfoReader::Open(set.get(), "anon_inode:[eventpoll]");
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT(ParseEpollItems(reader->Read().value()).value(), IsEmpty());

  const UniqueFd item(eventfd(0, EFD_CLOEXEC));
  epoll_event event = {};
  event.data.u64 = 0xabcdef0123456789;
  ASSERT_EQ(epoll_ctl(set.get(), EPOLL_CTL_ADD, item.get(), &event), 0);

  EXPECT_THAT(ParseEpollItems(reader->Read().value()).value(), ElementsAre(0xabcdef0123456789));
}

TEST_F(FdinfoReaderTest, ATextOfManyPagesIsReadWhole) {
  const UniqueFd set(epoll_create1(EPOLL_CLOEXEC));
  auto reader = FdinfoReader::Open(set.get(), "anon_inode:[eventpoll]").value();
  std::vector<UniqueFd> fds;
  for (uint64_t i = 0; i < 900; ++i) {
    fds.emplace_back(eventfd(0, EFD_CLOEXEC));
    ASSERT_TRUE(fds.back().valid()) << "this test needs 1000 fds";
    epoll_event event = {};
    event.data.u64 = i;
    ASSERT_EQ(epoll_ctl(set.get(), EPOLL_CTL_ADD, fds.back().get(), &event), 0);
  }
  const auto text = reader.Read();
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_GT(text->size(), 65536u) << "more than one read";
  EXPECT_EQ(ParseEpollItems(*text)->size(), 900u);
}

TEST_F(FdinfoReaderTest, AnotherKindOfFdIsEinval) {
  const UniqueFd set(inotify_init1(IN_CLOEXEC));
  EXPECT_EQ(GetErrno(FdinfoReader::Open(set.get(), "anon_inode:[eventpoll]").status()), EINVAL);
  EXPECT_TRUE(FdinfoReader::Open(set.get(), "anon_inode:inotify").ok());
  EXPECT_EQ(GetErrno(FdinfoReader::Open(-1, "anon_inode:inotify").status()), ENOENT);
}

TEST_F(FdinfoReaderTest, AnFdThatWasClosedHasNoFdinfo) {
  UniqueFd set(epoll_create1(EPOLL_CLOEXEC));
  auto reader = FdinfoReader::Open(set.get(), "anon_inode:[eventpoll]").value();
  set.Reset();
  EXPECT_FALSE(reader.Read().ok());
}

}  // namespace
}  // namespace dmaheap
