#include "heaps/drm_dumb_heap.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "heaps/fake_drm_device.h"
#include "heaps/fake_kernel.h"
#include "heaps/temp_folder.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

using Call = FakeDrmDevice::Call;

class DrmDumbHeapTest : public FdLeakCheck {
 protected:
  absl::StatusOr<std::unique_ptr<DrmDumbHeap>> TryMakeHeap(std::unique_ptr<FakeDrmDevice> device,
                                                           bool machine_may_have_iommu = false) {
    device_ = device.get();
    DrmDumbHeapOptions options;
    options.name = "display";
    options.machine_may_have_iommu = machine_may_have_iommu;
    options.device = std::move(device);
    options.kernel = &kernel_;
    return DrmDumbHeap::Create(std::move(options));
  }
  std::unique_ptr<DrmDumbHeap> MakeHeap(const std::string& driver,
                                        bool machine_may_have_iommu = false) {
    return TryMakeHeap(std::make_unique<FakeDrmDevice>(driver), machine_may_have_iommu).value();
  }
  std::string Contents(const Buffer& buffer) {
    std::string bytes(static_cast<size_t>(buffer.size_bytes), '?');
    EXPECT_EQ(pread(buffer.fd.get(), bytes.data(), bytes.size(), 0), buffer.size_bytes);
    return bytes;
  }

  FakeKernel kernel_;
  // The device of the last heap.
  FakeDrmDevice* device_ = nullptr;
};

TEST_F(DrmDumbHeapTest, ABufferIsHeldByItsFdAlone) {
  const auto heap = MakeHeap("imx-drm");
  const auto before = OpenFds();

  const auto buffer = heap->Allocate({10000, "scanout"});

  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(device_->open_handles(), 0u);
  EXPECT_EQ(OpenFds().size(), before.size() + 1);
  EXPECT_EQ(buffer->size_bytes, 12288);
  EXPECT_EQ(buffer->key.backing, BufferKey::Backing::kDmaBuf);
  EXPECT_EQ(buffer->key.inode, kernel_.InodeOf(buffer->fd.get()).value());
  EXPECT_EQ(kernel_.NameOf(buffer->key.inode), "scanout");
}

TEST_F(DrmDumbHeapTest, ContiguityIsPromisedOnlyForKnownDriversWithoutAnIommu) {
  EXPECT_EQ(MakeHeap("imx-drm")->description().contiguity, v1::PHYSICAL);
  EXPECT_EQ(MakeHeap("vc4")->Allocate({1, ""})->contiguity, v1::PHYSICAL);
  EXPECT_EQ(MakeHeap("imx-drm", true)->description().contiguity, v1::SCATTERED);
  EXPECT_EQ(MakeHeap("vgem")->description().contiguity, v1::SCATTERED);
  EXPECT_EQ(MakeHeap("i915")->Allocate({1, ""})->contiguity, v1::SCATTERED);
  EXPECT_EQ(MakeHeap("")->description().contiguity, v1::SCATTERED);
}

TEST_F(DrmDumbHeapTest, MemoryOfADriverThatPromisesNothingIsZeroedHere) {
  const auto heap = MakeHeap("vgem");
  const auto buffer = heap->Allocate({5000, ""});
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(Contents(*buffer), std::string(8192, '\0'));
}

TEST_F(DrmDumbHeapTest, MemoryThatTheKernelZeroedIsNotZeroedAgain) {
  const auto heap = MakeHeap("imx-drm");
  device_->Fail(Call::kZero, EIO);
  EXPECT_TRUE(heap->Allocate({4096, ""}).ok());
}

TEST_F(DrmDumbHeapTest, EveryFailureKeepsItsErrnoAndLeavesNothingBehind) {
  const auto heap = MakeHeap("vgem");
  for (const Call call : {Call::kCreate, Call::kExport, Call::kZero}) {
    for (const int error_number : {ENOMEM, EMFILE, ENFILE, ENODEV}) {
      device_->Fail(call, error_number);
      EXPECT_EQ(GetErrno(heap->Allocate({4096, ""}).status()), error_number);
      EXPECT_EQ(device_->open_handles(), 0u);
    }
    device_->Fail(call, 0);
  }
  for (const auto call :
       {FakeKernel::Call::kSetDmaBufName, FakeKernel::Call::kInodeOf, FakeKernel::Call::kSizeOf}) {
    kernel_.FailNext(call, EACCES);
    EXPECT_EQ(GetErrno(heap->Allocate({4096, "label"}).status()), EACCES);
    EXPECT_EQ(device_->open_handles(), 0u);
  }
}

TEST_F(DrmDumbHeapTest, AHandleThatCanNotBeDestroyedIsAFailure) {
  const auto heap = MakeHeap("imx-drm");
  device_->Fail(Call::kDestroy, ENODEV);
  EXPECT_EQ(GetErrno(heap->Allocate({4096, ""}).status()), ENODEV);
}

TEST_F(DrmDumbHeapTest, TheFirstFailureIsTheOneReported) {
  const auto heap = MakeHeap("imx-drm");
  device_->Fail(Call::kExport, EMFILE);
  device_->Fail(Call::kDestroy, ENODEV);
  EXPECT_EQ(GetErrno(heap->Allocate({4096, ""}).status()), EMFILE);
}

TEST_F(DrmDumbHeapTest, ADriverWithoutDumbBuffersMakesNoHeap) {
  auto device = std::make_unique<FakeDrmDevice>("amdgpu");
  device->set_can_export(false);
  EXPECT_EQ(GetErrno(TryMakeHeap(std::move(device)).status()), EOPNOTSUPP);
  device = std::make_unique<FakeDrmDevice>("amdgpu");
  device->Fail(Call::kDriverName, ENODEV);
  EXPECT_EQ(GetErrno(TryMakeHeap(std::move(device)).status()), ENODEV);
}

TEST_F(DrmDumbHeapTest, NonsenseIsRefusedBeforeTheDriver) {
  const auto heap = MakeHeap("imx-drm");
  device_->Fail(Call::kCreate, EIO);
  EXPECT_EQ(GetErrno(heap->Allocate({0, ""}).status()), EINVAL);
  EXPECT_EQ(GetErrno(heap->Allocate({-1, ""}).status()), EINVAL);
  EXPECT_EQ(GetErrno(heap->Allocate({1, std::string(kMaxLabelBytes + 1, 'x')}).status()), EINVAL);
  EXPECT_EQ(GetErrno(heap->Allocate({int64_t{1} << 32, ""}).status()), ENOMEM);
  EXPECT_EQ(GetErrno(heap->Allocate({std::numeric_limits<int64_t>::max(), ""}).status()), ENOMEM);
}

TEST_F(DrmDumbHeapTest, TheAreaIsItsOwnUnlessItIsKnown) {
  EXPECT_EQ(MakeHeap("imx-drm")->description().area, "display");
  DrmDumbHeapOptions options;
  options.name = "display";
  options.area = "reserved";
  options.device = std::make_unique<FakeDrmDevice>("imx-drm");
  options.kernel = &kernel_;
  EXPECT_EQ(DrmDumbHeap::Create(std::move(options)).value()->description().area, "reserved");
}

TEST(DumbGeometryTest, APictureIsAsLargeAsAskedAndHasWholeLines) {
  for (const int64_t size :
       {int64_t{1}, int64_t{4096}, int64_t{4097}, int64_t{1} << 20, (int64_t{1} << 32) - 65536}) {
    const auto geometry = GeometryOf(size);
    ASSERT_TRUE(geometry.has_value()) << size;
    const uint64_t line = uint64_t{geometry->width} * geometry->bits_per_pixel / 8;
    EXPECT_EQ(line % 4096, 0u);
    EXPECT_GE(line * geometry->height, static_cast<uint64_t>(size));
    EXPECT_LT(line * geometry->height, static_cast<uint64_t>(size) + line);
    EXPECT_LT(line * geometry->height, uint64_t{1} << 32) << "drm_mode_create_dumb";
  }
}

TEST(DumbGeometryTest, WhatHasNoPictureIsAbsent) {
  EXPECT_FALSE(GeometryOf(0).has_value());
  EXPECT_FALSE(GeometryOf(-1).has_value());
  EXPECT_FALSE(GeometryOf((int64_t{1} << 32) - 65535).has_value());
}

TEST(IommuTest, AMachineHasNoneOnlyWhereTheClassIsEmptyOrMissing) {
  TempFolder folder;
  EXPECT_FALSE(MachineMayHaveIommu(folder.path()));
  EXPECT_FALSE(MachineMayHaveIommu(folder.path() + "/none"));
  const std::string file = folder.Write("smmu0", "");
  EXPECT_TRUE(MachineMayHaveIommu(folder.path()));
  EXPECT_TRUE(MachineMayHaveIommu(file)) << "what can not be read is not known";
}

}  // namespace
}  // namespace dmaheap
