#include "proto/fd_socket.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

// How many of the low fd numbers are open.
class FdSocketTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    here_.Reset(ends[0]);
    there_.Reset(ends[1]);
  }
  void TearDown() override {
    here_.Reset();
    there_.Reset();
    FdLeakCheck::TearDown();
  }
  void PassSender() {
    const int on = 1;
    ASSERT_EQ(setsockopt(there_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
  }

  UniqueFd here_;
  UniqueFd there_;
};

TEST_F(FdSocketTest, TheSenderIsTheKernelsWord) {
  PassSender();
  ASSERT_TRUE(SendDatagram(here_.get(), "hello", {}).ok());

  const absl::StatusOr<Datagram> datagram = ReceiveDatagramWithSender(there_.get(), 64, 0);

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_EQ(datagram->bytes, "hello");
  ASSERT_TRUE(datagram->sender.has_value());
  EXPECT_EQ(datagram->sender->pid, getpid());
  EXPECT_EQ(datagram->sender->uid, getuid());
  EXPECT_EQ(datagram->sender->gid, getgid());
}

TEST_F(FdSocketTest, SenderAndFdsArriveTogether) {
  PassSender();
  const std::vector<int> fds(253, here_.get());
  ASSERT_TRUE(SendDatagram(here_.get(), "x", fds).ok());

  const absl::StatusOr<Datagram> datagram = ReceiveDatagramWithSender(there_.get(), 64, 253);

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_EQ(datagram->fds.size(), 253u);
  EXPECT_FALSE(datagram->fds_truncated);
  EXPECT_TRUE(datagram->sender.has_value());
  for (const UniqueFd& fd : datagram->fds) EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(FdSocketTest, RoomForTheSenderIsNoRoomForFds) {
  PassSender();
  const int fd = here_.get();
  ASSERT_TRUE(SendDatagram(here_.get(), "x", {fd}).ok());

  const absl::StatusOr<Datagram> datagram = ReceiveDatagramWithSender(there_.get(), 64, 0);

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_TRUE(datagram->fds.empty());
  EXPECT_TRUE(datagram->fds_truncated);
  EXPECT_TRUE(datagram->sender.has_value());
}

TEST_F(FdSocketTest, WithoutTheOptionThereIsNoSender) {
  ASSERT_TRUE(SendDatagram(here_.get(), "x", {}).ok());

  const absl::StatusOr<Datagram> datagram = ReceiveDatagramWithSender(there_.get(), 64, 1);

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_FALSE(datagram->sender.has_value());
}

TEST_F(FdSocketTest, FdsThatWereNotExpectedAreDiscardedAndTold) {
  const int fd = here_.get();
  ASSERT_TRUE(SendDatagram(here_.get(), "x", {fd}).ok());

  const absl::StatusOr<Datagram> datagram = ReceiveDatagram(there_.get(), 64, 0);

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_TRUE(datagram->fds.empty());
  EXPECT_TRUE(datagram->fds_truncated);
}

// Lets this process open only so many numbers more, while it lives.
class FdLimit {
 public:
  explicit FdLimit(int more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    UniqueFd lowest(fcntl(0, F_DUPFD_CLOEXEC, 0));
    rlimit tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(lowest.get() + more);
    setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~FdLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

ino_t InodeOf(int fd) {
  struct stat status = {};
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

TEST_F(FdSocketTest, BytesAndFdsArriveInOrderAndAreCloseOnExec) {
  const std::string bytes("a\0b", 3);
  ASSERT_TRUE(SendDatagram(here_.get(), bytes, {there_.get(), here_.get()}).ok());

  const absl::StatusOr<Datagram> datagram = ReceiveDatagram(there_.get(), 64, 2);

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_EQ(datagram->bytes, bytes);
  ASSERT_EQ(datagram->fds.size(), 2u);
  EXPECT_EQ(InodeOf(datagram->fds[0].get()), InodeOf(there_.get()));
  EXPECT_EQ(InodeOf(datagram->fds[1].get()), InodeOf(here_.get()));
  EXPECT_EQ(fcntl(datagram->fds[0].get(), F_GETFD), FD_CLOEXEC);
  EXPECT_FALSE(datagram->fds_truncated);
  EXPECT_FALSE(datagram->bytes_truncated);
  EXPECT_FALSE(datagram->end_of_stream);
}

TEST_F(FdSocketTest, ADatagramThatIsTooLongSaysSo) {
  ASSERT_TRUE(SendDatagram(here_.get(), std::string(65, 'x'), {}).ok());

  const absl::StatusOr<Datagram> datagram = ReceiveDatagram(there_.get(), 64, 0);

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_EQ(datagram->bytes.size(), 64u);
  EXPECT_TRUE(datagram->bytes_truncated);
}

TEST_F(FdSocketTest, WhatARunOutReceiverGetsIsOwnedAndTheRestIsTold) {
  const std::vector<int> fds(4, here_.get());
  ASSERT_TRUE(SendDatagram(here_.get(), "x", fds).ok());

  absl::StatusOr<Datagram> datagram = absl::UnknownError("not received");
  {
    FdLimit limit(2);
    datagram = ReceiveDatagram(there_.get(), 64, 4);
  }

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_EQ(datagram->bytes, "x");
  EXPECT_EQ(datagram->fds.size(), 2u);
  EXPECT_TRUE(datagram->fds_truncated);
}

TEST_F(FdSocketTest, AReceiverWithoutAnyNumberGetsTheBytesAlone) {
  ASSERT_TRUE(SendDatagram(here_.get(), "x", {here_.get()}).ok());

  absl::StatusOr<Datagram> datagram = absl::UnknownError("not received");
  {
    FdLimit limit(0);
    datagram = ReceiveDatagram(there_.get(), 64, 1);
  }

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_EQ(datagram->bytes, "x");
  EXPECT_TRUE(datagram->fds.empty());
  EXPECT_TRUE(datagram->fds_truncated);
}

TEST_F(FdSocketTest, MoreFdsThanAsked_TheRestIsDiscardedAndTold) {
  const std::vector<int> fds(5, here_.get());
  ASSERT_TRUE(SendDatagram(here_.get(), "x", fds).ok());

  const absl::StatusOr<Datagram> datagram = ReceiveDatagram(there_.get(), 64, 2);

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_LE(datagram->fds.size(), 3u);  // CMSG_SPACE rounds up to 8 bytes
  EXPECT_TRUE(datagram->fds_truncated);
}

TEST_F(FdSocketTest, MoreFdsThanTheKernelTakesIsEinval) {
  const std::vector<int> fds(254, here_.get());
  EXPECT_EQ(GetErrno(SendDatagram(here_.get(), "x", fds)), EINVAL);
}

TEST_F(FdSocketTest, AFullSocketIsEagainAndLosesNothing) {
  int sent = 0;
  absl::Status status;
  while ((status = SendDatagram(here_.get(), "x", {here_.get()})).ok() && sent < 100000) ++sent;
  EXPECT_EQ(GetErrno(status), EAGAIN);

  int received = 0;
  while (ReceiveDatagram(there_.get(), 64, 1).ok()) ++received;

  EXPECT_GT(sent, 0);
  EXPECT_EQ(received, sent);
}

TEST_F(FdSocketTest, ASendToAPeerThatIsGoneIsAnErrnoAndNoSignal) {
  there_.Reset();
  EXPECT_EQ(GetErrno(SendDatagram(here_.get(), "x", {})), ECONNREFUSED);
}

TEST_F(FdSocketTest, ASequencedPacketSocketTellsItsEnd) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  UniqueFd here(ends[0]);
  UniqueFd there(ends[1]);
  ASSERT_TRUE(SendDatagram(here.get(), "last", {here_.get()}).ok());
  here.Reset();

  const absl::StatusOr<Datagram> last = ReceiveDatagram(there.get(), 64, 1);
  const absl::StatusOr<Datagram> end = ReceiveDatagram(there.get(), 64, 1);

  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->bytes, "last");
  EXPECT_EQ(last->fds.size(), 1u);
  EXPECT_FALSE(last->end_of_stream);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_TRUE(end->end_of_stream);
  EXPECT_EQ(GetErrno(SendDatagram(there.get(), "x", {})), EPIPE);
}

TEST_F(FdSocketTest, NothingThereIsEagain) {
  EXPECT_EQ(GetErrno(ReceiveDatagram(there_.get(), 64, 1).status()), EAGAIN);
}

}  // namespace
}  // namespace dmaheap
