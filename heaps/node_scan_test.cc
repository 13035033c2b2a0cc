#include "heaps/node_scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "gtest/gtest.h"
#include "heaps/temp_folder.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

class NodeScanTest : public FdLeakCheck {
 protected:
  // False where the machine does not let this process make device nodes, or use them there.
  bool MakeNode(const std::string& name, dev_t device) {
    struct statvfs mount;
    return mknod((folder_.path() + "/" + name).c_str(), S_IFCHR | 0600, device) == 0 &&
           statvfs(folder_.path().c_str(), &mount) == 0 && (mount.f_flag & ST_NODEV) == 0;
  }

  TempFolder folder_;
};

// Linux: Documentation/admin-guide/devices.txt; 1:3 is /dev/null, 1:5 /dev/zero. 0:0 has no driver
// and may be made by anybody (fs/namei.c, WHITEOUT_DEV).
const dev_t kNull = makedev(1, 3);
const dev_t kZero = makedev(1, 5);
const dev_t kNoDriver = makedev(0, 0);

TEST_F(NodeScanTest, EveryCharacterDeviceIsOpenedOnceInTheOrderOfTheNames) {
  if (!MakeNode("system", kNull) || !MakeNode("linux,cma", kZero)) {
    GTEST_SKIP() << "no device nodes in " << folder_.path();
  }

  const auto scan = ScanHeapNodes(folder_.path());

  ASSERT_TRUE(scan.ok()) << scan.status();
  ASSERT_TRUE(scan->failures.empty())
      << scan->failures[0].name << ": " << ErrnoName(scan->failures[0].error_number);
  ASSERT_EQ(scan->nodes.size(), 2u);
  EXPECT_EQ(scan->nodes[0].name, "linux,cma");
  EXPECT_EQ(scan->nodes[1].name, "system");
  for (const HeapNode& node : scan->nodes) {
    EXPECT_EQ(fcntl(node.fd.get(), F_GETFD), FD_CLOEXEC) << node.name;
    EXPECT_EQ(fcntl(node.fd.get(), F_GETFL) & O_ACCMODE, O_RDWR) << node.name;
  }
}

TEST_F(NodeScanTest, ANodeThatCanNotBeOpenedIsReportedWithItsErrno) {
  if (!MakeNode("dead", kNoDriver)) GTEST_SKIP() << "no device nodes in " << folder_.path();

  const auto scan = ScanHeapNodes(folder_.path());

  ASSERT_TRUE(scan.ok()) << scan.status();
  ASSERT_EQ(scan->failures.size(), 1u);
  EXPECT_EQ(scan->failures[0].name, "dead");
  EXPECT_EQ(scan->failures[0].error_number, ENXIO);
  EXPECT_TRUE(scan->nodes.empty());
}

TEST_F(NodeScanTest, WhatIsNoCharacterDeviceIsPassedOver) {
  folder_.Write("file", "text");
  folder_.MakeFolder("folder");
  ASSERT_EQ(mkfifo((folder_.path() + "/fifo").c_str(), 0600), 0);
  ASSERT_EQ(symlink("/dev/null", (folder_.path() + "/link").c_str()), 0);

  const auto scan = ScanHeapNodes(folder_.path());

  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_TRUE(scan->nodes.empty());
  EXPECT_TRUE(scan->failures.empty());
}

TEST_F(NodeScanTest, AMachineWithoutHeapsIsEnoent) {
  const auto scan = ScanHeapNodes(folder_.path() + "/none");
  ASSERT_FALSE(scan.ok());
  EXPECT_EQ(GetErrno(scan.status()), ENOENT);
}

}  // namespace
}  // namespace dmaheap
