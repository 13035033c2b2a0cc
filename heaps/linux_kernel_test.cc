#include "heaps/linux_kernel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

// Lowers RLIMIT_NOFILE to what is in use, for as long as it lives.
class NoFdsLeft {
 public:
  NoFdsLeft() {
    getrlimit(RLIMIT_NOFILE, &saved_);
    // The lowest free number is what the next open would get.
    const UniqueFd probe(open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit limit = saved_;
    limit.rlim_cur = static_cast<rlim_t>(probe.get());
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~NoFdsLeft() { setrlimit(RLIMIT_NOFILE, &saved_); }

 private:
  rlimit saved_;
};

using LinuxKernelTest = FdLeakCheck;

TEST_F(LinuxKernelTest, AMemfdHasItsSizeAndIsZeroed) {
  LinuxKernel kernel;
  const int64_t size = 3 * kernel.page_size_bytes();

  const auto fd = kernel.CreateSealedMemfd("zeroes", size);

  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_EQ(kernel.SizeOf(fd->get()).value(), size);
  std::string bytes(size, 'x');
  ASSERT_EQ(pread(fd->get(), bytes.data(), bytes.size(), 0), size);
  EXPECT_EQ(bytes, std::string(size, '\0'));
}

TEST_F(LinuxKernelTest, AMemfdIsCloseOnExec) {
  LinuxKernel kernel;
  const auto fd = kernel.CreateSealedMemfd("cloexec", kernel.page_size_bytes());
  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_EQ(fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(LinuxKernelTest, NobodyCanResizeOrSealAMemfdAnyMore) {
  LinuxKernel kernel;
  const int64_t size = 2 * kernel.page_size_bytes();
  const auto fd = kernel.CreateSealedMemfd("sealed", size);
  ASSERT_TRUE(fd.ok()) << fd.status();

  EXPECT_NE(ftruncate(fd->get(), size / 2), 0);
  EXPECT_EQ(errno, EPERM);
  EXPECT_NE(ftruncate(fd->get(), size * 2), 0);
  EXPECT_EQ(errno, EPERM);
  EXPECT_NE(fcntl(fd->get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
  EXPECT_EQ(errno, EPERM);
}

TEST_F(LinuxKernelTest, AMemfdCanBeMappedForWriting) {
  LinuxKernel kernel;
  const int64_t size = kernel.page_size_bytes();
  const auto fd = kernel.CreateSealedMemfd("mapped", size);
  ASSERT_TRUE(fd.ok()) << fd.status();

  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(), 0);

  ASSERT_NE(memory, MAP_FAILED);
  memset(memory, 0x5a, size);
  munmap(memory, size);
  char byte = 0;
  ASSERT_EQ(pread(fd->get(), &byte, 1, size - 1), 1);
  EXPECT_EQ(byte, 0x5a);
}

TEST_F(LinuxKernelTest, AMemfdShowsItsName) {
  LinuxKernel kernel;
  const auto fd = kernel.CreateSealedMemfd("front-camera", kernel.page_size_bytes());
  ASSERT_TRUE(fd.ok()) << fd.status();
  char target[128] = {};
  ASSERT_GT(
      readlink(("/proc/self/fd/" + std::to_string(fd->get())).c_str(), target, sizeof(target) - 1),
      0);
  EXPECT_STREQ(target, "/memfd:front-camera (deleted)");
}

TEST_F(LinuxKernelTest, InodesTellMemfdsApart) {
  LinuxKernel kernel;
  const auto a = kernel.CreateSealedMemfd("same", kernel.page_size_bytes());
  const auto b = kernel.CreateSealedMemfd("same", kernel.page_size_bytes());
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_NE(kernel.InodeOf(a->get()).value(), kernel.InodeOf(b->get()).value());
  EXPECT_EQ(kernel.InodeOf(a->get()).value(), kernel.InodeOf(a->Dup().get()).value());
}

TEST_F(LinuxKernelTest, NoFdLeftIsEmfileAndNothingElse) {
  LinuxKernel kernel;
  const NoFdsLeft limit;
  const auto fd = kernel.CreateSealedMemfd("none", kernel.page_size_bytes());
  ASSERT_FALSE(fd.ok());
  EXPECT_EQ(GetErrno(fd.status()), EMFILE);
}

TEST_F(LinuxKernelTest, AMemfdThatNoFileCanHoldFailsAndLeavesNoFd) {
  LinuxKernel kernel;
  const auto fd = kernel.CreateSealedMemfd("huge", std::numeric_limits<int64_t>::max());
  // tmpfs takes any size up to s_maxbytes; when it does, the size must be true.
  if (fd.ok()) {
    EXPECT_EQ(kernel.SizeOf(fd->get()).value(), std::numeric_limits<int64_t>::max());
  } else {
    EXPECT_EQ(GetErrno(fd.status()), EFBIG);
  }
  const auto negative = kernel.CreateSealedMemfd("negative", -1);
  ASSERT_FALSE(negative.ok());
  EXPECT_EQ(GetErrno(negative.status()), EINVAL);
}

TEST_F(LinuxKernelTest, ANameThatMemfdCreateWouldRefuseIsEinval) {
  LinuxKernel kernel;
  const auto fd = kernel.CreateSealedMemfd(std::string(250, 'n'), kernel.page_size_bytes());
  ASSERT_FALSE(fd.ok());
  EXPECT_EQ(GetErrno(fd.status()), EINVAL);
  EXPECT_TRUE(kernel.CreateSealedMemfd(std::string(249, 'n'), kernel.page_size_bytes()).ok());
}

TEST_F(LinuxKernelTest, WhatIsNoHeapIsEnotty) {
  LinuxKernel kernel;
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_EQ(GetErrno(kernel.AllocateDmaBuf(null.get(), 4096).status()), ENOTTY);
  EXPECT_EQ(GetErrno(kernel.SetDmaBufName(null.get(), "name")), ENOTTY);
  EXPECT_EQ(GetErrno(kernel.CreateUdmabuf(null.get(), 0, 4096).status()), ENOTTY);
}

TEST_F(LinuxKernelTest, AClosedFdIsEbadf) {
  LinuxKernel kernel;
  EXPECT_EQ(GetErrno(kernel.AllocateDmaBuf(-1, 4096).status()), EBADF);
  EXPECT_EQ(GetErrno(kernel.InodeOf(-1).status()), EBADF);
  EXPECT_EQ(GetErrno(kernel.SizeOf(-1).status()), EBADF);
}

// Only where the machine has the nodes (the tests in the guest run it there).
TEST_F(LinuxKernelTest, TheSystemHeapGivesADmaBufOfWholePages) {
  const UniqueFd heap(open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC));
  if (!heap.valid()) GTEST_SKIP() << "no /dev/dma_heap/system that this process may open";
  LinuxKernel kernel;
  const auto fd = kernel.AllocateDmaBuf(heap.get(), 1);
  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_EQ(kernel.SizeOf(fd->get()).value(), kernel.page_size_bytes());
  EXPECT_EQ(fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(fd->get(), F_GETFL) & O_ACCMODE, O_RDWR);
  EXPECT_TRUE(kernel.SetDmaBufName(fd->get(), "front-camera").ok());
}

TEST_F(LinuxKernelTest, AUdmabufOutlivesItsMemfd) {
  const UniqueFd udmabuf(open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
  if (!udmabuf.valid()) GTEST_SKIP() << "no /dev/udmabuf that this process may open";
  LinuxKernel kernel;
  const int64_t size = 2 * kernel.page_size_bytes();
  auto memfd = kernel.CreateSealedMemfd("wrapped", size);
  ASSERT_TRUE(memfd.ok()) << memfd.status();
  const auto fd = kernel.CreateUdmabuf(udmabuf.get(), memfd->get(), size);
  ASSERT_TRUE(fd.ok()) << fd.status();
  memfd->Reset();
  EXPECT_EQ(kernel.SizeOf(fd->get()).value(), size);
  EXPECT_EQ(fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
}

}  // namespace
}  // namespace dmaheap
