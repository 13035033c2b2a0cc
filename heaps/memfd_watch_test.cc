#include "heaps/memfd_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "heaps/linux_kernel.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class MemfdWatchTest : public FdLeakCheck {
 protected:
  Buffer MakeBuffer() {
    Buffer buffer;
    buffer.fd = kernel_.CreateSealedMemfd("watched", kernel_.page_size_bytes()).value();
    buffer.key = {BufferKey::Backing::kMemfd, kernel_.InodeOf(buffer.fd.get()).value()};
    return buffer;
  }
  static std::unique_ptr<BufferWatch> MakeWatch() { return CreateMemfdWatch(UniqueFd()).value(); }
  static UniqueFd DupSet(const BufferWatch& watch) {
    return UniqueFd(fcntl(watch.set_fd(), F_DUPFD_CLOEXEC, 0));
  }
  static std::vector<BufferKey> Gone(BufferWatch& watch) {
    const auto gone = watch.TakeGone();
    EXPECT_TRUE(gone.ok()) << gone.status();
    return gone.value_or(std::vector<BufferKey>());
  }
  static bool Readable(int fd) {
    pollfd poll_fd = {fd, POLLIN, 0};
    return poll(&poll_fd, 1, 0) == 1;
  }

  LinuxKernel kernel_;
};

TEST_F(MemfdWatchTest, ABufferIsGoneWithItsLastFdAndTheSetSaysSo) {
  const auto watch = MakeWatch();
  Buffer buffer = MakeBuffer();
  ASSERT_TRUE(watch->Add(buffer).ok());
  UniqueFd second = buffer.fd.Dup();

  buffer.fd.Reset();
  EXPECT_FALSE(Readable(watch->event_fd()));
  EXPECT_THAT(Gone(*watch), IsEmpty());
  second.Reset();

  EXPECT_TRUE(Readable(watch->event_fd()));
  EXPECT_THAT(Gone(*watch), ElementsAre(buffer.key));
  EXPECT_FALSE(Readable(watch->event_fd()));
  EXPECT_THAT(Gone(*watch), IsEmpty()) << "each is reported once";
  EXPECT_THAT(watch->watched(), IsEmpty());
}

TEST_F(MemfdWatchTest, AMappingKeepsABufferAlive) {
  const auto watch = MakeWatch();
  Buffer buffer = MakeBuffer();
  ASSERT_TRUE(watch->Add(buffer).ok());
  void* memory = mmap(nullptr, kernel_.page_size_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED,
                      buffer.fd.get(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  buffer.fd.Reset();

  EXPECT_THAT(Gone(*watch), IsEmpty());
  munmap(memory, kernel_.page_size_bytes());

  EXPECT_THAT(Gone(*watch), ElementsAre(buffer.key));
}

TEST_F(MemfdWatchTest, AnFdInFlightInASocketKeepsABufferAlive) {
  const auto watch = MakeWatch();
  int sockets[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
  UniqueFd sender(sockets[0]);
  UniqueFd receiver(sockets[1]);
  Buffer buffer = MakeBuffer();
  ASSERT_TRUE(watch->Add(buffer).ok());
  ASSERT_TRUE(SendDatagram(sender.get(), "x", {buffer.fd.get()}).ok());
  buffer.fd.Reset();
  sender.Reset();

  EXPECT_THAT(Gone(*watch), IsEmpty()) << "nobody has read it";
  receiver.Reset();

  EXPECT_THAT(Gone(*watch), ElementsAre(buffer.key));
}

TEST_F(MemfdWatchTest, UseOfTheMemoryIsNoEvent) {
  const auto watch = MakeWatch();
  Buffer buffer = MakeBuffer();
  ASSERT_TRUE(watch->Add(buffer).ok());
  ASSERT_EQ(pwrite(buffer.fd.get(), "x", 1, 0), 1);
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", buffer.fd.get());
  const UniqueFd reopened(open(path, O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(reopened.valid());
  EXPECT_FALSE(Readable(watch->event_fd()));
}

TEST_F(MemfdWatchTest, ABufferMayBeAddedTwice) {
  const auto watch = MakeWatch();
  Buffer buffer = MakeBuffer();
  ASSERT_TRUE(watch->Add(buffer).ok());
  ASSERT_TRUE(watch->Add(buffer).ok());
  EXPECT_THAT(watch->watched(), SizeIs(1));
  buffer.fd.Reset();
  EXPECT_THAT(Gone(*watch), ElementsAre(buffer.key));
}

// More than 16 watches, so that descriptors have two digits in base 16.
TEST_F(MemfdWatchTest, ASuccessorGoesOnWhereTheWatchStopped) {
  auto watch = MakeWatch();
  std::vector<Buffer> buffers;
  for (int i = 0; i < 40; ++i) {
    buffers.push_back(MakeBuffer());
    ASSERT_TRUE(watch->Add(buffers.back()).ok());
  }
  UniqueFd set = DupSet(*watch);
  watch.reset();
  buffers[3].fd.Reset();

  const auto successor = CreateMemfdWatch(std::move(set));

  ASSERT_TRUE(successor.ok()) << successor.status();
  EXPECT_THAT((*successor)->watched(), SizeIs(39));
  EXPECT_FALSE((*successor)->watched().contains(buffers[3].key));
  EXPECT_THAT(Gone(**successor), IsEmpty()) << "what was gone before is not watched";
  buffers[33].fd.Reset();
  buffers[17].fd.Reset();
  EXPECT_THAT(Gone(**successor), UnorderedElementsAre(buffers[33].key, buffers[17].key));
}

// Each buffer that goes leaves two events; the queue holds fs.inotify.max_queued_events.
TEST_F(MemfdWatchTest, NothingIsLostWhenTheQueueOverflows) {
  int max_queued = 0;
  FILE* file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(fscanf(file, "%d", &max_queued), 1);
  fclose(file);
  if (max_queued > 100000) GTEST_SKIP() << "the queue holds " << max_queued << " events";
  const auto watch = MakeWatch();
  const Buffer lives = MakeBuffer();
  ASSERT_TRUE(watch->Add(lives).ok());
  const size_t count = static_cast<size_t>(max_queued) / 2 + 100;
  for (size_t i = 0; i < count; ++i) {
    const Buffer dies = MakeBuffer();
    ASSERT_TRUE(watch->Add(dies).ok());
  }

  EXPECT_THAT(Gone(*watch), SizeIs(count));

  EXPECT_THAT(watch->watched(), ElementsAre(lives.key));
  EXPECT_THAT(Gone(*watch), IsEmpty());
}

TEST_F(MemfdWatchTest, ADmaBufIsRefused) {
  const auto watch = MakeWatch();
  Buffer buffer = MakeBuffer();
  buffer.key.backing = BufferKey::Backing::kDmaBuf;
  EXPECT_EQ(GetErrno(watch->Add(buffer)), EINVAL);
  EXPECT_THAT(watch->watched(), IsEmpty());
}

TEST_F(MemfdWatchTest, AClosedFdCanNotBeWatched) {
  const auto watch = MakeWatch();
  Buffer buffer = MakeBuffer();
  buffer.fd.Reset();
  EXPECT_EQ(GetErrno(watch->Add(buffer)), ENOENT);
}

TEST_F(MemfdWatchTest, TheSetIsCloseOnExec) {
  EXPECT_EQ(fcntl(MakeWatch()->set_fd(), F_GETFD), FD_CLOEXEC);
}

TEST_F(MemfdWatchTest, WhatIsNoInotifySetCanNotBeInherited) {
  EXPECT_EQ(GetErrno(CreateMemfdWatch(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC))).status()),
            EINVAL);
}

}  // namespace
}  // namespace dmaheap
