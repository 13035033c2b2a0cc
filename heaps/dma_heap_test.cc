#include "heaps/dma_heap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "heaps/fake_kernel.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

using Call = FakeKernel::Call;

class DmaHeapTest : public FdLeakCheck {
 protected:
  std::unique_ptr<DmaHeap> MakeHeap(UniqueFd available_pages = UniqueFd()) {
    DmaHeapOptions options;
    options.description.name = "reserved";
    options.description.kind = v1::CMA;
    options.description.contiguity = v1::PHYSICAL;
    options.node = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
    options.available_pages = std::move(available_pages);
    options.kernel = &kernel_;
    return std::make_unique<DmaHeap>(std::move(options));
  }

  FakeKernel kernel_;
  const int64_t page_ = kernel_.page_size_bytes();
};

TEST_F(DmaHeapTest, ABufferHasWholePagesItsInodeAndTheContiguityOfTheHeap) {
  const auto heap = MakeHeap();

  const auto buffer = heap->Allocate({page_ + 1, "front-camera"});

  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(buffer->size_bytes, 2 * page_);
  EXPECT_EQ(buffer->contiguity, v1::PHYSICAL);
  EXPECT_EQ(buffer->key.backing, BufferKey::Backing::kDmaBuf);
  EXPECT_EQ(buffer->key.inode, kernel_.InodeOf(buffer->fd.get()).value());
  EXPECT_EQ(kernel_.NameOf(buffer->key.inode), "front-camera");
}

TEST_F(DmaHeapTest, ABufferWithoutALabelIsNotNamed) {
  const auto heap = MakeHeap();
  ASSERT_TRUE(heap->Allocate({page_, ""}).ok());
  EXPECT_EQ(kernel_.calls(Call::kSetDmaBufName), 0);
}

TEST_F(DmaHeapTest, EveryErrnoOfTheIoctlComesThroughAsItIs) {
  const auto heap = MakeHeap();
  for (const int error_number : {ENOMEM, EMFILE, ENFILE, EINTR, EAGAIN, ENODEV, EACCES}) {
    kernel_.FailNext(Call::kAllocateDmaBuf, error_number);
    EXPECT_EQ(GetErrno(heap->Allocate({page_, ""}).status()), error_number)
        << ErrnoName(error_number);
  }
  EXPECT_EQ(kernel_.calls(Call::kAllocateDmaBuf), 7) << "a failure was repeated in silence";
  EXPECT_TRUE(heap->Allocate({page_, ""}).ok());
}

// The fixture sees to it that the fd is closed.
TEST_F(DmaHeapTest, ABufferThatCanNotBeNamedIsGivenBack) {
  const auto heap = MakeHeap();
  kernel_.FailNext(Call::kSetDmaBufName, EACCES);
  EXPECT_EQ(GetErrno(heap->Allocate({page_, "label"}).status()), EACCES);
}

TEST_F(DmaHeapTest, ABufferThatCanNotBeIdentifiedOrMeasuredIsGivenBack) {
  const auto heap = MakeHeap();
  kernel_.FailNext(Call::kInodeOf, EBADF);
  EXPECT_EQ(GetErrno(heap->Allocate({page_, ""}).status()), EBADF);
  kernel_.FailNext(Call::kSizeOf, EINVAL);
  EXPECT_EQ(GetErrno(heap->Allocate({page_, ""}).status()), EINVAL);
}

TEST_F(DmaHeapTest, WhatTheKernelWouldMisreadIsRefusedBeforeTheIoctl) {
  const auto heap = MakeHeap();
  EXPECT_EQ(GetErrno(heap->Allocate({0, ""}).status()), EINVAL);
  EXPECT_EQ(GetErrno(heap->Allocate({-1, ""}).status()), EINVAL);
  EXPECT_EQ(GetErrno(heap->Allocate({page_, std::string(kMaxLabelBytes + 1, 'x')}).status()),
            EINVAL);
  EXPECT_EQ(GetErrno(heap->Allocate({std::numeric_limits<int64_t>::max(), ""}).status()), ENOMEM);
  EXPECT_EQ(kernel_.calls(Call::kAllocateDmaBuf), 0);
}

TEST_F(DmaHeapTest, FreeBytesAreReadFromSysfsEachTime) {
  UniqueFd file(memfd_create("available_pages", MFD_CLOEXEC));
  ASSERT_EQ(write(file.get(), "10\n", 3), 3);
  const UniqueFd writer = file.Dup();
  const auto heap = MakeHeap(std::move(file));

  EXPECT_EQ(heap->Usage().free_bytes, 10 * page_);
  ASSERT_EQ(pwrite(writer.get(), "20\n", 3, 0), 3);

  EXPECT_EQ(heap->Usage().free_bytes, 20 * page_);
  EXPECT_FALSE(heap->Usage().largest_free_bytes.has_value());
}

TEST_F(DmaHeapTest, WhatTheKernelDoesNotTellIsAbsent) {
  EXPECT_FALSE(MakeHeap()->Usage().free_bytes.has_value());
}

}  // namespace
}  // namespace dmaheap
