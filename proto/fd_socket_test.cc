#include "proto/fd_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// How many of the low fd numbers are open.
int OpenFds() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

class FdSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = OpenFds();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    here_.Reset(ends[0]);
    there_.Reset(ends[1]);
  }
  void TearDown() override {
    here_.Reset();
    there_.Reset();
    EXPECT_EQ(OpenFds(), before_);
  }
  void PassSender() {
    const int on = 1;
    ASSERT_EQ(setsockopt(there_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
  }

  UniqueFd here_;
  UniqueFd there_;

 private:
  int before_ = 0;
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

TEST_F(FdSocketTest, NothingThereIsEagain) {
  EXPECT_EQ(GetErrno(ReceiveDatagram(there_.get(), 64, 1).status()), EAGAIN);
}

}  // namespace
}  // namespace dmaheap
