#include "daemon/keeper/frozen_record.h"

#include <sys/stat.h>

#include <cerrno>

#include "gtest/gtest.h"
#include "heaps/temp_folder.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

class FrozenRecordTest : public FdLeakCheck {
 protected:
  TempFolder folder_;
  FrozenRecord record_{folder_.path()};
};

TEST_F(FrozenRecordTest, WithoutAFileNothingIsFrozen) {
  const auto read = record_.Read();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(read->has_value());
}

TEST_F(FrozenRecordTest, NamesWhatWasWrittenUntilItIsRemoved) {
  ASSERT_TRUE(record_.Write({"/sys/fs/cgroup/a b/camera apps", 4711}).ok());

  const auto read = record_.Read();
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_TRUE(read->has_value());
  EXPECT_EQ((*read)->path, "/sys/fs/cgroup/a b/camera apps");
  EXPECT_EQ((*read)->inode, 4711u);

  record_.Remove();
  EXPECT_FALSE(record_.Read()->has_value());
}

TEST_F(FrozenRecordTest, IsForRootAlone) {
  ASSERT_TRUE(record_.Write({"/a", 1}).ok());
  struct stat status;
  ASSERT_EQ(stat(record_.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(FrozenRecordTest, ALaterOneReplacesAnEarlier) {
  ASSERT_TRUE(record_.Write({"/a/long/path", 1}).ok());
  ASSERT_TRUE(record_.Write({"/b", 2}).ok());
  EXPECT_EQ((*record_.Read())->path, "/b");
}

TEST_F(FrozenRecordTest, OneThatIsCutShortNamesNothing) {
  for (const char* text :
       {"", "1", "1 ", "1 /a", "x /a\n", " /a\n", "1 \n", "+1 /a\n", "01 /a\n"}) {
    folder_.Write("frozen", text);
    EXPECT_TRUE(absl::IsDataLoss(record_.Read().status())) << text;
  }
}

TEST_F(FrozenRecordTest, APathThatTheKernelWouldTakeForAnotherIsNone) {
  folder_.Write("frozen", std::string("1 /a\0/b\n", 9));
  EXPECT_TRUE(absl::IsDataLoss(record_.Read().status()));
}

TEST_F(FrozenRecordTest, AFolderThatIsMissingIsAnError) {
  const FrozenRecord record(folder_.path() + "/none");
  EXPECT_EQ(GetErrno(record.Write({"/a", 1})), ENOENT);
  EXPECT_FALSE(record.Read()->has_value());
}

}  // namespace
}  // namespace dmaheap
