#include "daemon/diagnosis/prober/tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

using ::testing::UnorderedElementsAre;

class TreeTest : public ::testing::Test {
 protected:
  int Errno(absl::string_view path) const {
    return GetErrno(OpenFileBelow(root_.get(), path).status());
  }

  FakeTree tree_;
  const UniqueFd root_ = OpenRoot(tree_.path()).value();
  const TimeBox box_{absl::InfiniteDuration()};
};

TEST_F(TreeTest, ReadsFilesBelowTheRoot) {
  tree_.File("sys/a/b/number", "4711\n");

  EXPECT_EQ(ReadNumberBelow(root_.get(), "sys/a/b/number", box_).value(), 4711u);
}

TEST_F(TreeTest, LinksAreFollowedNowhere) {
  tree_.File("sys/secret", "1");
  tree_.Link("sys/file", "secret");
  tree_.Link("sys/folder", ".");
  tree_.Link("sys/out", "/etc");

  EXPECT_EQ(Errno("sys/file"), ELOOP);
  EXPECT_EQ(Errno("sys/folder/secret"), ENOTDIR);
  EXPECT_EQ(Errno("sys/out/passwd"), ENOTDIR);
}

TEST_F(TreeTest, PathsThatLeaveTheRootAreRefused) {
  EXPECT_EQ(Errno("../etc/passwd"), EINVAL);
  EXPECT_EQ(Errno("sys/../../etc/passwd"), EINVAL);
  EXPECT_EQ(Errno("/etc/passwd"), EINVAL);
  EXPECT_EQ(Errno(""), EINVAL);
  EXPECT_EQ(Errno("."), EINVAL);
  EXPECT_EQ(Errno("sys//x"), EINVAL);
  EXPECT_EQ(Errno(absl::string_view("sys\0x", 5)), EINVAL);
}

TEST_F(TreeTest, WhatIsMissingSaysSo) { EXPECT_EQ(Errno("sys/none"), ENOENT); }

TEST_F(TreeTest, AFifoDoesNotMakeUsWait) {
  ASSERT_EQ(mkfifo((tree_.path() + "/sys/fifo").c_str(), 0600), 0);

  EXPECT_EQ(GetErrno(ReadNumberBelow(root_.get(), "sys/fifo", box_).status()), EBADMSG);
}

TEST_F(TreeTest, WhatIsNoNumberIsRefused) {
  for (const char* text : {"", "x", "1 2", "-1", "99999999999999999999999999999999999"}) {
    tree_.File("sys/number", text);
    EXPECT_EQ(GetErrno(ReadNumberBelow(root_.get(), "sys/number", box_).status()), EBADMSG) << text;
  }
}

TEST_F(TreeTest, ListsAFolderAsOftenAsAsked) {
  const UniqueFd root = OpenRoot(tree_.path()).value();

  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(ListFolder(root, box_).value(), UnorderedElementsAre("proc", "sys", "debugfs"));
  }
}

TEST_F(TreeTest, ReadingStopsAtTheLimitAndSaysThatItIsNotWhole) {
  tree_.File("sys/long", std::string(100000, 'x'));
  const UniqueFd file = OpenFileBelow(root_.get(), "sys/long").value();

  const auto text = ReadAll(file.get(), 70000, box_);

  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->bytes.size(), 70000u);
  EXPECT_FALSE(text->complete);
}

TEST_F(TreeTest, ReadingStopsAtTheEndOfTheBox) {
  tree_.File("sys/long", std::string(300000, 'x'));
  const UniqueFd file = OpenFileBelow(root_.get(), "sys/long").value();
  absl::Time now = absl::UnixEpoch();
  // Time passes with each look at the clock.
  const TimeBox box(absl::Seconds(3), [&] { return now += absl::Seconds(1); });

  const auto text = ReadAll(file.get(), 1 << 20, box);

  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_GT(text->bytes.size(), 0u);
  EXPECT_FALSE(text->complete);
}

TEST(CheckSameFileSystemTest, TellsWhatIsMountedOverAFolder) {
  const auto root = OpenRoot("/");
  const auto proc = OpenRoot("/proc");
  const auto below = OpenRoot("/proc/sys");
  ASSERT_TRUE(root.ok() && proc.ok() && below.ok());
  EXPECT_EQ(GetErrno(CheckSameFileSystem(root->get(), proc->get())), EXDEV);
  EXPECT_EQ(GetErrno(CheckSameFileSystem(-1, proc->get())), EBADF);
  EXPECT_TRUE(CheckSameFileSystem(proc->get(), below->get()).ok());
}

}  // namespace
}  // namespace dmaheap
