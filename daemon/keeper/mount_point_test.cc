#include "daemon/keeper/mount_point.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

using MountPointTest = FdLeakCheck;

TEST_F(MountPointTest, OpensTheFileSystemThatIsMountedThere) {
  const absl::StatusOr<UniqueFd> proc = OpenMountPoint("/proc");
  ASSERT_TRUE(proc.ok()) << proc.status();
  EXPECT_EQ(syncfs(proc->get()), 0);
}

TEST_F(MountPointTest, AFolderOfAnotherFileSystemIsNotTakenForIt) {
  const absl::StatusOr<UniqueFd> folder = OpenMountPoint("/proc/self");
  EXPECT_EQ(folder.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(folder.status().message(), "nothing is mounted on /proc/self");
}

TEST_F(MountPointTest, WhatIsNotThereOrNoFolderHasItsErrno) {
  EXPECT_EQ(GetErrno(OpenMountPoint("/proc/none").status()), ENOENT);
  EXPECT_EQ(GetErrno(OpenMountPoint("/proc/version").status()), ENOTDIR);
}

}  // namespace
}  // namespace dmaheap
