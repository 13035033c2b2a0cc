#include "heaps/simulated_heap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "heaps/fake_kernel.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;
using Backing = BufferKey::Backing;
using Call = FakeKernel::Call;
using Cause = SimulatedArea::Cause;

class SimulatedHeapTest : public FdLeakCheck {
 protected:
  static constexpr int64_t kPages = 1024;

  SimulatedHeapOptions Options() {
    SimulatedHeapOptions options;
    options.name = "simulated";
    options.size_bytes = kPages * page_;
    options.kernel = &kernel_;
    options.clock = &clock_;
    return options;
  }
  std::unique_ptr<SimulatedHeap> MakeHeap() { return SimulatedHeap::Create(Options()).value(); }
  std::unique_ptr<SimulatedHeap> MakeHeapWithUdmabuf() {
    SimulatedHeapOptions options = Options();
    // The fake kernel does not look at it.
    options.udmabuf = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
    return SimulatedHeap::Create(std::move(options)).value();
  }

  FakeKernel kernel_;
  VirtualSimulationClock clock_;
  const int64_t page_ = kernel_.page_size_bytes();
};

TEST_F(SimulatedHeapTest, ItSaysThatItsContiguityIsSimulated) {
  const auto heap = MakeHeap();
  EXPECT_EQ(heap->description().kind, v1::SIMULATED_CMA);
  EXPECT_EQ(heap->description().contiguity, v1::SIMULATED);
  EXPECT_EQ(heap->description().area, "simulated");
  EXPECT_EQ(heap->description().size_bytes, kPages * page_);
  EXPECT_EQ(heap->Allocate({1, ""})->contiguity, v1::SIMULATED);
}

TEST_F(SimulatedHeapTest, ABufferIsAZeroedSealedMemfdOfWholePages) {
  const auto heap = MakeHeap();

  const auto buffer = heap->Allocate({page_ + 1, "front-camera"});

  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(buffer->size_bytes, 2 * page_);
  EXPECT_EQ(kernel_.SizeOf(buffer->fd.get()).value(), 2 * page_);
  EXPECT_EQ(buffer->key, (BufferKey{Backing::kMemfd, kernel_.InodeOf(buffer->fd.get()).value()}));
  EXPECT_EQ(kernel_.NameOf(buffer->key.inode), "dmaheap:front-camera");
  EXPECT_EQ(fcntl(buffer->fd.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(buffer->fd.get(), F_GET_SEALS) & (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW),
            F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW);
  std::string bytes(2 * page_, 'x');
  ASSERT_EQ(pread(buffer->fd.get(), bytes.data(), bytes.size(), 0), 2 * page_);
  EXPECT_EQ(bytes, std::string(2 * page_, '\0'));
}

TEST_F(SimulatedHeapTest, ABufferWithoutALabelBearsTheNameOfTheHeap) {
  const auto heap = MakeHeap();
  EXPECT_EQ(kernel_.NameOf(heap->Allocate({1, ""})->key.inode), "dmaheap:simulated");
}

TEST_F(SimulatedHeapTest, WithUdmabufABufferIsADmaBufAndTheMemfdIsClosed) {
  const auto heap = MakeHeapWithUdmabuf();
  const auto before = OpenFds();

  const auto buffer = heap->Allocate({page_, "front-camera"});

  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(buffer->key, (BufferKey{Backing::kDmaBuf, kernel_.InodeOf(buffer->fd.get()).value()}));
  EXPECT_EQ(kernel_.NameOf(buffer->key.inode), "front-camera");
  EXPECT_EQ(OpenFds().size(), before.size() + 1);
}

TEST_F(SimulatedHeapTest, WhatUdmabufFindsTooLargeStaysAMemfdAndSaysSo) {
  const auto heap = MakeHeapWithUdmabuf();
  kernel_.FailNext(Call::kCreateUdmabuf, EINVAL);
  const auto buffer = heap->Allocate({page_, ""});
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(buffer->key.backing, Backing::kMemfd);
}

TEST_F(SimulatedHeapTest, FramesBelongToTheBufferUntilItIsReleased) {
  const auto heap = MakeHeap();
  auto buffer = heap->Allocate({kPages * page_, ""});
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(heap->Usage().free_bytes, 0);
  EXPECT_EQ(heap->Usage().largest_free_bytes, 0);

  buffer->fd.Reset();
  EXPECT_EQ(GetErrno(heap->Allocate({1, ""}).status()), ENOMEM) << "close() tells nobody";

  heap->Release(buffer->key);
  EXPECT_EQ(heap->Usage().free_bytes, kPages * page_);
  EXPECT_EQ(heap->live_buffers(), 0);
  EXPECT_TRUE(heap->Allocate({kPages * page_, ""}).ok());
}

TEST_F(SimulatedHeapTest, ReleasingWhatItDoesNotHaveChangesNothing) {
  const auto heap = MakeHeap();
  const auto buffer = heap->Allocate({page_, ""});
  heap->Release({Backing::kMemfd, buffer->key.inode + 1000000});
  heap->Release({Backing::kDmaBuf, buffer->key.inode});
  EXPECT_EQ(heap->live_buffers(), 1);
  heap->Release(buffer->key);
  heap->Release(buffer->key);
  EXPECT_EQ(heap->Usage().free_bytes, kPages * page_);
}

TEST_F(SimulatedHeapTest, NoMemoryIsEnomemWithTheTrueCauseBehindIt) {
  const auto heap = MakeHeap();
  int64_t pfn = 0;
  heap->WithArea([&](SimulatedArea& area) {
    pfn = area.base_pfn() + 100;
    ASSERT_TRUE(area.Pin(pfn, absl::InfiniteFuture()).ok());
  });

  const auto buffer = heap->Allocate({kPages * page_, ""});

  EXPECT_EQ(GetErrno(buffer.status()), ENOMEM);
  const auto attempt = FailedAttempt(buffer.status());
  ASSERT_TRUE(attempt.has_value());
  EXPECT_EQ(attempt->cause, Cause::kPinned);
  EXPECT_EQ(attempt->blocking_pfn, pfn);
  EXPECT_EQ(attempt->pages, kPages);
  EXPECT_EQ(attempt->windows, 1);
  EXPECT_EQ(attempt->free_pages, kPages);
  EXPECT_EQ(attempt->largest_free_pages, kPages);
  EXPECT_EQ(attempt->alignment_pages, 256);
  EXPECT_THAT(std::string(buffer.status().message()),
              HasSubstr("is pinned: 1024 pages asked, 1024 free"));
}

TEST_F(SimulatedHeapTest, MoreThanTheHeapHasIsEnomemAsInTheKernel) {
  const auto heap = MakeHeap();
  const auto buffer = heap->Allocate({kPages * page_ + 1, ""});
  EXPECT_EQ(GetErrno(buffer.status()), ENOMEM);
  EXPECT_EQ(FailedAttempt(buffer.status())->cause, Cause::kFull);
  EXPECT_EQ(GetErrno(heap->Allocate({std::numeric_limits<int64_t>::max(), ""}).status()), ENOMEM);
}

TEST_F(SimulatedHeapTest, AnotherFailureIsNotTheAreas) {
  EXPECT_FALSE(FailedAttempt(ErrnoStatus(ENOMEM, "memfd_create")).has_value());
  EXPECT_FALSE(FailedAttempt(absl::OkStatus()).has_value());
}

TEST_F(SimulatedHeapTest, EveryFailureBehindTheAreaKeepsItsErrnoAndGivesTheFramesBack) {
  const auto heap = MakeHeapWithUdmabuf();
  for (const Call call :
       {Call::kCreateSealedMemfd, Call::kCreateUdmabuf, Call::kSetDmaBufName, Call::kInodeOf}) {
    for (const int error_number : {EMFILE, ENFILE, ENOMEM}) {
      kernel_.FailNext(call, error_number);
      const auto buffer = heap->Allocate({page_, "label"});
      EXPECT_EQ(GetErrno(buffer.status()), error_number);
      EXPECT_FALSE(FailedAttempt(buffer.status()).has_value());
      EXPECT_EQ(heap->Usage().free_bytes, kPages * page_) << "call " << static_cast<int>(call);
      EXPECT_EQ(heap->live_buffers(), 0);
    }
  }
}

TEST_F(SimulatedHeapTest, NonsenseIsEinval) {
  const auto heap = MakeHeap();
  EXPECT_EQ(GetErrno(heap->Allocate({0, ""}).status()), EINVAL);
  EXPECT_EQ(GetErrno(heap->Allocate({-1, ""}).status()), EINVAL);
  EXPECT_EQ(GetErrno(heap->Allocate({1, std::string(kMaxLabelBytes + 1, 'x')}).status()), EINVAL);
}

TEST_F(SimulatedHeapTest, MigrationTakesItsTimeOnTheClock) {
  SimulatedHeapOptions options = Options();
  options.area.occupant_pages = kPages;
  options.area.migration_cost_per_page = absl::Microseconds(5);
  const auto heap = SimulatedHeap::Create(std::move(options)).value();
  const absl::Time before = clock_.Now();
  ASSERT_TRUE(heap->Allocate({100 * page_, ""}).ok());
  EXPECT_EQ(clock_.Now() - before, absl::Microseconds(500));
}

TEST_F(SimulatedHeapTest, ATransientPinIsOverAfterAWhile) {
  const auto heap = MakeHeap();
  heap->WithArea([&](SimulatedArea& area) {
    ASSERT_TRUE(area.Pin(area.base_pfn(), clock_.Now() + absl::Milliseconds(3)).ok());
  });
  EXPECT_EQ(GetErrno(heap->Allocate({kPages * page_, ""}).status()), ENOMEM);
  clock_.SleepFor(absl::Milliseconds(3));
  EXPECT_TRUE(heap->Allocate({kPages * page_, ""}).ok());
}

TEST_F(SimulatedHeapTest, ABufferThatOutlivedTheDaemonIsTakenUpAgain) {
  const auto first = MakeHeap();
  const auto buffer = first->Allocate({10 * page_, ""});
  const auto second = MakeHeap();

  ASSERT_TRUE(second->Adopt(buffer->key, buffer->size_bytes).ok());
  ASSERT_TRUE(second->Adopt(buffer->key, buffer->size_bytes).ok()) << "twice is once";

  EXPECT_EQ(second->Usage().free_bytes, (kPages - 10) * page_);
  second->Release(buffer->key);
  EXPECT_EQ(second->Usage().free_bytes, kPages * page_);
}

TEST_F(SimulatedHeapTest, WhatDoesNotFitCanNotBeTakenUp) {
  const auto heap = MakeHeap();
  EXPECT_EQ(GetErrno(heap->Adopt({Backing::kMemfd, 1}, (kPages + 1) * page_)), ENOMEM);
  EXPECT_EQ(GetErrno(heap->Adopt({Backing::kMemfd, 1}, 0)), EINVAL);
  EXPECT_EQ(heap->live_buffers(), 0);
}

TEST_F(SimulatedHeapTest, ThreadsNeverGetMoreThanTheAreaHas) {
  const auto heap = MakeHeap();
  constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&heap, this] {
      for (int i = 0; i < 100; ++i) {
        auto buffer = heap->Allocate({(1 + i % 300) * page_, "thread"});
        if (!buffer.ok()) {
          EXPECT_EQ(GetErrno(buffer.status()), ENOMEM);
          continue;
        }
        EXPECT_GE(heap->Usage().free_bytes.value(), 0);
        buffer->fd.Reset();
        heap->Release(buffer->key);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(heap->Usage().free_bytes, kPages * page_);
  EXPECT_EQ(heap->live_buffers(), 0);
}

TEST_F(SimulatedHeapTest, OptionsOutOfRangeAreNamed) {
  for (const int64_t size :
       {int64_t{0}, int64_t{-4096}, page_ + 1, (kMaxSimulatedPages + 1) * page_,
        std::numeric_limits<int64_t>::max()}) {
    SimulatedHeapOptions options = Options();
    options.size_bytes = size;
    const auto heap = SimulatedHeap::Create(std::move(options));
    EXPECT_EQ(heap.status().code(), absl::StatusCode::kInvalidArgument) << size;
    EXPECT_THAT(std::string(heap.status().message()), HasSubstr("size_bytes")) << size;
  }
  SimulatedHeapOptions options = Options();
  options.area.occupant_pages = kPages + 1;
  EXPECT_THAT(std::string(SimulatedHeap::Create(std::move(options)).status().message()),
              HasSubstr("simulated heap simulated: occupant_pages 1025"));
}

}  // namespace
}  // namespace dmaheap
