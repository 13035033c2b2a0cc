#include "heaps/dma_buf_watch.h"

// No test machine has dma-bufs, but the kernel treats every file that can be polled alike: pipes
// stand in for them. Each end is a file, both have one inode, so a pipe stands for a buffer by one
// end.

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
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

class DmaBufWatchTest : public FdLeakCheck {
 protected:
  void TearDown() override {
    others_.clear();
    FdLeakCheck::TearDown();
  }

  Buffer MakeBuffer() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    others_.emplace_back(ends[1]);
    Buffer buffer;
    buffer.fd.Reset(ends[0]);
    buffer.key = {BufferKey::Backing::kDmaBuf, kernel_.InodeOf(ends[0]).value()};
    return buffer;
  }

  static std::unique_ptr<BufferWatch> MakeWatch() { return CreateDmaBufWatch(UniqueFd()).value(); }
  static UniqueFd DupSet(const BufferWatch& watch) {
    return UniqueFd(fcntl(watch.set_fd(), F_DUPFD_CLOEXEC, 0));
  }
  static std::vector<BufferKey> Gone(BufferWatch& watch) {
    const auto gone = watch.TakeGone();
    EXPECT_TRUE(gone.ok()) << gone.status();
    return gone.value_or(std::vector<BufferKey>());
  }

  LinuxKernel kernel_;
  // The other ends.
  std::vector<UniqueFd> others_;
};

TEST_F(DmaBufWatchTest, ABufferIsGoneWithItsLastFd) {
  const auto watch = MakeWatch();
  Buffer buffer = MakeBuffer();
  ASSERT_TRUE(watch->Add(buffer).ok());
  UniqueFd second = buffer.fd.Dup();

  EXPECT_THAT(Gone(*watch), IsEmpty());
  buffer.fd.Reset();
  EXPECT_THAT(Gone(*watch), IsEmpty()) << "the second fd is still there";
  second.Reset();

  EXPECT_THAT(Gone(*watch), ElementsAre(buffer.key));
  EXPECT_THAT(Gone(*watch), IsEmpty()) << "each is reported once";
  EXPECT_THAT(watch->watched(), IsEmpty());
}

TEST_F(DmaBufWatchTest, OnlyTheBufferThatIsGoneIsReported) {
  const auto watch = MakeWatch();
  std::vector<Buffer> buffers;
  for (int i = 0; i < 300; ++i) {
    buffers.push_back(MakeBuffer());
    ASSERT_TRUE(watch->Add(buffers.back()).ok());
  }
  EXPECT_THAT(watch->watched(), SizeIs(300));
  buffers[7].fd.Reset();
  buffers[299].fd.Reset();
  EXPECT_THAT(Gone(*watch), UnorderedElementsAre(buffers[7].key, buffers[299].key));
  EXPECT_THAT(watch->watched(), SizeIs(298));
}

TEST_F(DmaBufWatchTest, AnFdInFlightInASocketKeepsABufferAlive) {
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

TEST_F(DmaBufWatchTest, AnFdInAnotherProcessKeepsABufferAlive) {
  const auto watch = MakeWatch();
  Buffer buffer = MakeBuffer();
  ASSERT_TRUE(watch->Add(buffer).ok());
  int go[2];
  ASSERT_EQ(pipe2(go, O_CLOEXEC), 0);
  const UniqueFd wait_for(go[0]);
  UniqueFd tell(go[1]);
  const pid_t child = fork();
  if (child == 0) {
    close(tell.get());
    char byte;
    _exit(read(wait_for.get(), &byte, 1) == 0 ? 0 : 1);
  }
  ASSERT_GT(child, 0);
  buffer.fd.Reset();

  EXPECT_THAT(Gone(*watch), IsEmpty());
  tell.Reset();
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);

  EXPECT_THAT(Gone(*watch), ElementsAre(buffer.key));
}

TEST_F(DmaBufWatchTest, ABufferMayBeAddedTwice) {
  const auto watch = MakeWatch();
  Buffer buffer = MakeBuffer();
  ASSERT_TRUE(watch->Add(buffer).ok());
  ASSERT_TRUE(watch->Add(buffer).ok()) << "the same number";
  Buffer other_number;
  other_number.fd = buffer.fd.Dup();
  other_number.key = buffer.key;
  ASSERT_TRUE(watch->Add(other_number).ok());
  EXPECT_THAT(watch->watched(), SizeIs(1));

  buffer.fd.Reset();
  EXPECT_THAT(Gone(*watch), IsEmpty());
  other_number.fd.Reset();
  EXPECT_THAT(Gone(*watch), ElementsAre(buffer.key));
}

TEST_F(DmaBufWatchTest, AnFdNumberThatIsUsedAgainIsAnotherBuffer) {
  const auto watch = MakeWatch();
  Buffer first = MakeBuffer();
  const int number = first.fd.get();
  ASSERT_TRUE(watch->Add(first).ok());
  first.fd.Reset();
  Buffer second = MakeBuffer();
  second.fd.Reset(fcntl(second.fd.get(), F_DUPFD_CLOEXEC, number));
  ASSERT_TRUE(watch->Add(second).ok());
  EXPECT_THAT(Gone(*watch), ElementsAre(first.key));
  EXPECT_THAT(watch->watched(), ElementsAre(second.key));
}

TEST_F(DmaBufWatchTest, ASuccessorGoesOnWhereTheWatchStopped) {
  auto watch = MakeWatch();
  Buffer lives = MakeBuffer();
  Buffer dies_before = MakeBuffer();
  Buffer dies_after = MakeBuffer();
  for (const Buffer* buffer : {&lives, &dies_before, &dies_after}) {
    ASSERT_TRUE(watch->Add(*buffer).ok());
  }
  UniqueFd set = DupSet(*watch);
  watch.reset();
  dies_before.fd.Reset();

  const auto successor = CreateDmaBufWatch(std::move(set));

  ASSERT_TRUE(successor.ok()) << successor.status();
  EXPECT_THAT((*successor)->watched(), UnorderedElementsAre(lives.key, dies_after.key));
  dies_after.fd.Reset();
  EXPECT_THAT(Gone(**successor), ElementsAre(dies_after.key));
}

TEST_F(DmaBufWatchTest, AMemfdIsRefusedForItCanNotBePolled) {
  const auto watch = MakeWatch();
  Buffer buffer;
  buffer.fd = kernel_.CreateSealedMemfd("no dma-buf", 4096).value();
  buffer.key = {BufferKey::Backing::kMemfd, 1};
  EXPECT_EQ(GetErrno(watch->Add(buffer)), EINVAL);
  buffer.key.backing = BufferKey::Backing::kDmaBuf;
  EXPECT_EQ(GetErrno(watch->Add(buffer)), EPERM);
  EXPECT_THAT(watch->watched(), IsEmpty());
}

TEST_F(DmaBufWatchTest, TheSetIsCloseOnExecAndHasNoEvent) {
  const auto watch = MakeWatch();
  EXPECT_EQ(fcntl(watch->set_fd(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(watch->event_fd(), -1);
}

TEST_F(DmaBufWatchTest, WhatIsNoEpollSetCanNotBeInherited) {
  EXPECT_EQ(GetErrno(CreateDmaBufWatch(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC))).status()),
            EINVAL);
}

TEST_F(DmaBufWatchTest, AFailureReportsNothingAsGone) {
  const auto watch = MakeWatch();
  Buffer buffer = MakeBuffer();
  ASSERT_TRUE(watch->Add(buffer).ok());
  const UniqueFd saved = DupSet(*watch);
  // Another file under the number of the set: its fdinfo has no items.
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = watch->set_fd();
  close(number);

  EXPECT_FALSE(watch->TakeGone().ok());
  EXPECT_THAT(watch->watched(), SizeIs(1));

  ASSERT_EQ(dup3(saved.get(), number, O_CLOEXEC), number);
  EXPECT_THAT(Gone(*watch), IsEmpty());
}

}  // namespace
}  // namespace dmaheap
