#include "daemon/core/live_view.h"

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "heaps/dma_buf_watch.h"
#include "heaps/linux_kernel.h"
#include "heaps/memfd_watch.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

class LiveViewTest : public FdLeakCheck {
 protected:
  static std::unique_ptr<KernelLiveView> View() {
    return std::make_unique<KernelLiveView>(CreateDmaBufWatch(UniqueFd()).value(),
                                            CreateMemfdWatch(UniqueFd()).value());
  }
  Buffer Memfd() {
    Buffer buffer;
    buffer.fd = kernel_.CreateSealedMemfd("test", 4096).value();
    buffer.key = {BufferKey::Backing::kMemfd, kernel_.InodeOf(buffer.fd.get()).value()};
    buffer.size_bytes = 4096;
    return buffer;
  }

  LinuxKernel kernel_;
};

TEST_F(LiveViewTest, AMemfdThatIsClosedIsToldOnceByItsEvent) {
  const auto view = View();
  Buffer kept = Memfd();
  Buffer closed = Memfd();
  ASSERT_TRUE(view->Watch(kept).ok());
  ASSERT_TRUE(view->Watch(closed).ok());
  EXPECT_TRUE(view->TakeSignalled().empty());

  closed.fd.Reset();

  EXPECT_EQ(view->TakeSignalled(), std::vector<BufferKey>{closed.key});
  EXPECT_TRUE(view->TakeGone().empty());
  EXPECT_EQ(view->Watched(), std::vector<BufferKey>{kept.key});
}

TEST_F(LiveViewTest, AReadingHasTheEventsToo) {
  const auto view = View();
  Buffer closed = Memfd();
  ASSERT_TRUE(view->Watch(closed).ok());
  closed.fd.Reset();
  EXPECT_EQ(view->TakeGone(), std::vector<BufferKey>{closed.key});
  EXPECT_TRUE(view->TakeSignalled().empty());
}

TEST_F(LiveViewTest, ASecondReferenceKeepsABufferAlive) {
  const auto view = View();
  Buffer buffer = Memfd();
  ASSERT_TRUE(view->Watch(buffer).ok());
  UniqueFd other = buffer.fd.Dup();
  buffer.fd.Reset();
  EXPECT_TRUE(view->TakeGone().empty());
  other.Reset();
  EXPECT_EQ(view->TakeGone(), std::vector<BufferKey>{buffer.key});
}

TEST_F(LiveViewTest, ABufferOfTheOtherKindIsNotTaken) {
  const auto view = View();
  Buffer buffer = Memfd();
  buffer.key.backing = BufferKey::Backing::kDmaBuf;
  EXPECT_FALSE(view->Watch(buffer).ok());
}

}  // namespace
}  // namespace dmaheap
