#include "heaps/live_view.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "heaps/fd_leak_check.h"
#include "heaps/linux_kernel.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Backing = BufferKey::Backing;

class LiveViewTest : public FdLeakCheck {
 protected:
  Buffer MakeMemfd() {
    Buffer buffer;
    buffer.fd = kernel_.CreateSealedMemfd("live", kernel_.page_size_bytes()).value();
    buffer.key = {Backing::kMemfd, kernel_.InodeOf(buffer.fd.get()).value()};
    return buffer;
  }
  // The end of a pipe stands in for a dma-buf: what can be polled can be watched.
  Buffer MakeDmaBuf() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    close(ends[1]);
    Buffer buffer;
    buffer.fd.Reset(ends[0]);
    buffer.key = {Backing::kDmaBuf, kernel_.InodeOf(ends[0]).value()};
    return buffer;
  }

  LinuxKernel kernel_;
};

TEST_F(LiveViewTest, EachKindIsWatchedInItsWay) {
  LiveView view = LiveView::Create(UniqueFd(), UniqueFd()).value();
  Buffer memfd = MakeMemfd();
  Buffer dma_buf = MakeDmaBuf();
  ASSERT_TRUE(view.Add(memfd).ok());
  ASSERT_TRUE(view.Add(dma_buf).ok());
  EXPECT_THAT(view.watched(), UnorderedElementsAre(memfd.key, dma_buf.key));
  EXPECT_TRUE(view.IsWatched(memfd.key));
  EXPECT_FALSE(view.IsWatched({Backing::kDmaBuf, memfd.key.inode}));

  memfd.fd.Reset();
  dma_buf.fd.Reset();
  std::vector<BufferKey> gone;
  ASSERT_TRUE(view.TakeGone(&gone).ok());

  EXPECT_THAT(gone, UnorderedElementsAre(memfd.key, dma_buf.key));
  EXPECT_THAT(view.watched(), IsEmpty());
}

TEST_F(LiveViewTest, MemfdsCanBeAskedForAlone) {
  LiveView view = LiveView::Create(UniqueFd(), UniqueFd()).value();
  Buffer memfd = MakeMemfd();
  Buffer dma_buf = MakeDmaBuf();
  ASSERT_TRUE(view.Add(memfd).ok());
  ASSERT_TRUE(view.Add(dma_buf).ok());
  memfd.fd.Reset();
  dma_buf.fd.Reset();

  std::vector<BufferKey> gone;
  ASSERT_TRUE(view.TakeGoneMemfds(&gone).ok());
  EXPECT_THAT(gone, ElementsAre(memfd.key));
  ASSERT_TRUE(view.TakeGone(&gone).ok());
  EXPECT_THAT(gone, ElementsAre(memfd.key, dma_buf.key)) << "appended, each once";
}

TEST_F(LiveViewTest, BothSetsCanBeInherited) {
  UniqueFd epoll;
  UniqueFd inotify;
  Buffer memfd = MakeMemfd();
  Buffer dma_buf = MakeDmaBuf();
  {
    LiveView first = LiveView::Create(UniqueFd(), UniqueFd()).value();
    ASSERT_TRUE(first.Add(memfd).ok());
    ASSERT_TRUE(first.Add(dma_buf).ok());
    epoll.Reset(fcntl(first.epoll_set_fd(), F_DUPFD_CLOEXEC, 0));
    inotify.Reset(fcntl(first.inotify_set_fd(), F_DUPFD_CLOEXEC, 0));
  }
  LiveView second = LiveView::Create(std::move(epoll), std::move(inotify)).value();
  EXPECT_THAT(second.watched(), UnorderedElementsAre(memfd.key, dma_buf.key));
}

TEST_F(LiveViewTest, SetsThatAreSwappedAreRefused) {
  const LiveView view = LiveView::Create(UniqueFd(), UniqueFd()).value();
  UniqueFd epoll(fcntl(view.epoll_set_fd(), F_DUPFD_CLOEXEC, 0));
  UniqueFd inotify(fcntl(view.inotify_set_fd(), F_DUPFD_CLOEXEC, 0));
  EXPECT_EQ(GetErrno(LiveView::Create(std::move(inotify), std::move(epoll)).status()), EINVAL);
}

}  // namespace
}  // namespace dmaheap
