#include "heaps/linux_drm_device.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "gtest/gtest.h"
#include "heaps/linux_kernel.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

using LinuxDrmDeviceTest = FdLeakCheck;

TEST_F(LinuxDrmDeviceTest, WhatIsNoCardIsNotOpened) {
  EXPECT_EQ(GetErrno(OpenDrmCard("/dev/null").status()), ENODEV);
  EXPECT_EQ(GetErrno(OpenDrmCard("/dev/dri/none").status()), ENOENT);
}

TEST_F(LinuxDrmDeviceTest, EveryCallOnWhatIsNoCardIsEnotty) {
  LinuxDrmDevice device(UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC)));
  EXPECT_EQ(GetErrno(device.DriverName().status()), ENOTTY);
  EXPECT_EQ(GetErrno(device.CanExportDumbBuffers().status()), ENOTTY);
  EXPECT_EQ(GetErrno(device.CreateDumb({1024, 1, 32}).status()), ENOTTY);
  EXPECT_EQ(GetErrno(device.Export(1).status()), ENOTTY);
  EXPECT_EQ(GetErrno(device.DestroyDumb(1)), ENOTTY);
}

TEST_F(LinuxDrmDeviceTest, WhatIsNoDmaBufCanNotBeZeroed) {
  LinuxDrmDevice device((UniqueFd()));
  const UniqueFd memfd(memfd_create("no dma-buf", MFD_CLOEXEC));
  ASSERT_EQ(pwrite(memfd.get(), "x", 1, 0), 1);
  EXPECT_EQ(GetErrno(device.Zero(memfd.get(), 4096)), ENOTTY);
  EXPECT_EQ(GetErrno(device.Zero(-1, 4096)), EBADF);
}

// Only where the machine has a card (vgem or vkms in the guest).
TEST_F(LinuxDrmDeviceTest, ADumbBufferOutlivesItsHandle) {
  auto card = OpenDrmCard("/dev/dri/card0");
  if (!card.ok()) GTEST_SKIP() << card.status();
  LinuxDrmDevice device(*std::move(card));
  LinuxKernel kernel;
  ASSERT_TRUE(device.CanExportDumbBuffers().value());
  const auto handle = device.CreateDumb({1024, 3, 32});
  ASSERT_TRUE(handle.ok()) << handle.status();
  const auto fd = device.Export(*handle);
  ASSERT_TRUE(fd.ok()) << fd.status();
  ASSERT_TRUE(device.DestroyDumb(*handle).ok());
  EXPECT_GE(kernel.SizeOf(fd->get()).value(), 3 * 4096);
  EXPECT_EQ(fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(fd->get(), F_GETFL) & O_ACCMODE, O_RDWR);
  EXPECT_TRUE(device.Zero(fd->get(), 3 * 4096).ok());
}

}  // namespace
}  // namespace dmaheap
