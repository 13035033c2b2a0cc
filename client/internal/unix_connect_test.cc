#include "client/internal/unix_connect.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <vector>

#include "client/testing/fd_leak_check.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap::client_internal {
namespace {

class UnixConnectTest : public ::testing::Test {
 protected:
  UnixConnectTest() {
    char dir[] = "/tmp/dmaheap-connect.XXXXXX";
    EXPECT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    path_ = dir_ + "/s";
  }
  void TearDown() override {
    listener_.Reset();
    unlink(path_.c_str());
    rmdir(dir_.c_str());
    EXPECT_EQ(leaks_.Leaked(), "");
  }
  void Listen(int backlog) {
    listener_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path_.data(), path_.size());
    ASSERT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(listen(listener_.get(), backlog), 0);
  }

  FdLeakCheck leaks_;
  std::string dir_;
  std::string path_;
  UniqueFd listener_;
};

TEST_F(UnixConnectTest, TheFdIsNonBlockingAndGoesNoFurtherThanThisProgram) {
  Listen(1);

  const absl::StatusOr<UniqueFd> fd = ConnectUnix(path_, SOCK_STREAM);

  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_EQ(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(fcntl(fd->get(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

TEST_F(UnixConnectTest, NobodyThereIsUnreachableWithTheErrno) {
  EXPECT_EQ(GetErrorValue(ConnectUnix(path_, SOCK_STREAM).status(), "errno"), "ENOENT");
  Listen(1);
  listener_.Reset();
  EXPECT_EQ(GetErrorValue(ConnectUnix(path_, SOCK_STREAM).status(), "errno"), "ECONNREFUSED");
}

TEST_F(UnixConnectTest, AFullBacklogIsUnreachableAndNotWaitedFor) {
  Listen(0);
  std::vector<UniqueFd> connections;
  absl::StatusOr<UniqueFd> fd = UniqueFd();
  for (int i = 0; i < 100 && fd.ok(); ++i) {
    fd = ConnectUnix(path_, SOCK_STREAM);
    if (fd.ok()) connections.push_back(*std::move(fd));
  }

  EXPECT_EQ(GetReason(fd.status()), ErrorReason::DAEMON_UNREACHABLE);
  EXPECT_EQ(GetErrorValue(fd.status(), "errno"), "EAGAIN");
}

TEST_F(UnixConnectTest, ASocketOfAnotherTypeIsNoDaemon) {
  Listen(1);

  EXPECT_EQ(GetErrorValue(ConnectUnix(path_, SOCK_SEQPACKET).status(), "errno"), "EPROTOTYPE");
}

}  // namespace
}  // namespace dmaheap::client_internal
