#include "daemon/keeper/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/keeper/testing/daemon_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;

mode_t ModeOf(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(lstat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

Account Myself() { return Account{.name = "me", .uid = geteuid(), .gid = getegid()}; }

class FilesTest : public ::testing::Test {
 protected:
  TempFolder folder_;
};

TEST_F(FilesTest, AMissingSocketFolderIsMadeWhateverTheUmask) {
  const mode_t before = umask(0777);
  const auto origin = PrepareSocketDir(folder_.Below("run"));
  umask(before);

  ASSERT_TRUE(origin.ok()) << origin.status();
  EXPECT_EQ(*origin, FolderOrigin::kMade);
  EXPECT_EQ(ModeOf(folder_.Below("run")), 0755u);
}

TEST_F(FilesTest, ASocketFolderThatIsThereIsLeftAsItIs) {
  ASSERT_EQ(mkdir(folder_.Below("run").c_str(), 0710), 0);

  const auto origin = PrepareSocketDir(folder_.Below("run"));

  ASSERT_TRUE(origin.ok()) << origin.status();
  EXPECT_EQ(*origin, FolderOrigin::kFound);
  EXPECT_EQ(ModeOf(folder_.Below("run")), 0710u);
}

TEST_F(FilesTest, ALinkIsNoFolder) {
  ASSERT_EQ(symlink("/tmp", folder_.Below("run").c_str()), 0);

  EXPECT_EQ(GetErrno(PrepareSocketDir(folder_.Below("run")).status()), ENOTDIR);
  EXPECT_EQ(GetErrno(PrepareStateDir(folder_.Below("run"), Myself()).status()), ENOTDIR);
}

TEST_F(FilesTest, WithoutAParentAFolderIsNotMade) {
  EXPECT_EQ(GetErrno(PrepareSocketDir(folder_.Below("no/run")).status()), ENOENT);
}

TEST_F(FilesTest, AStateFolderIsForItsAccountAlone) {
  ASSERT_EQ(mkdir(folder_.Below("state").c_str(), 0755), 0);
  std::ofstream(folder_.Below("state/journal")) << "of an earlier run";

  const auto origin = PrepareStateDir(folder_.Below("state"), Myself());

  ASSERT_TRUE(origin.ok()) << origin.status();
  EXPECT_EQ(ModeOf(folder_.Below("state")), 0700u);
  EXPECT_TRUE(std::filesystem::exists(folder_.Below("state/journal")));
}

TEST_F(FilesTest, ALockHoldsThePidAndIsRefusedToOthers) {
  const std::string path = folder_.Below("lock");
  auto lock = LockFile::Acquire(path);
  ASSERT_TRUE(lock.ok()) << lock.status();

  const auto second = LockFile::Acquire(path);

  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat("(pid ", getpid(), ")")));
}

TEST_F(FilesTest, ALockIsFreeAgainWhenItsHolderIsGone) {
  const std::string path = folder_.Below("lock");
  // Without Remove: as after a crash.
  { ASSERT_TRUE(LockFile::Acquire(path).ok()); }
  EXPECT_TRUE(std::filesystem::exists(path));

  auto lock = LockFile::Acquire(path);

  ASSERT_TRUE(lock.ok()) << lock.status();
  lock->Remove();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(FilesTest, AHolderThatWroteNoPidIsStillAHolder) {
  const std::string path = folder_.Below("lock");
  const UniqueFd other(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(flock(other.get(), LOCK_EX), 0);

  const auto lock = LockFile::Acquire(path);

  EXPECT_EQ(lock.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr("another dmaheapd serves"));
}

TEST_F(FilesTest, ALinkIsNoLock) {
  ASSERT_EQ(symlink(folder_.Below("target").c_str(), folder_.Below("lock").c_str()), 0);

  EXPECT_EQ(GetErrno(LockFile::Acquire(folder_.Below("lock")).status()), ELOOP);
  EXPECT_FALSE(std::filesystem::exists(folder_.Below("target")));
}

}  // namespace
}  // namespace dmaheap
