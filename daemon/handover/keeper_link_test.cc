#include "daemon/handover/keeper_link.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "heaps/temp_folder.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

class KeeperLinkTest : public FdLeakCheck {
 protected:
  std::string path() const { return folder_.path() + "/notify"; }
  // The keeper's end; name as in NOTIFY_SOCKET.
  static UniqueFd Listen(const std::string& name) {
    UniqueFd keeper(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(keeper.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    return keeper;
  }
  static std::string Text(const UniqueFd& keeper) {
    const auto datagram = ReceiveDatagram(keeper.get(), 4096, 8);
    EXPECT_TRUE(datagram.ok()) << datagram.status();
    return datagram.ok() ? datagram->bytes : "";
  }

  TempFolder folder_;
};

TEST_F(KeeperLinkTest, SaysWhatItIsTold) {
  const UniqueFd keeper = Listen(path());
  const auto link = KeeperLink::Create(path());
  ASSERT_TRUE(link.ok()) << link.status();
  ASSERT_TRUE((*link)->Notify("READY=1").ok());
  EXPECT_EQ(Text(keeper), "READY=1");
}

TEST_F(KeeperLinkTest, StoresAnFdUnderItsName) {
  const UniqueFd keeper = Listen(path());
  const auto link = KeeperLink::Create(path()).value();
  UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(link->Store("buffer.memfd-7", fd.get()).ok());

  const auto datagram = ReceiveDatagram(keeper.get(), 4096, 8);

  ASSERT_TRUE(datagram.ok()) << datagram.status();
  EXPECT_EQ(datagram->bytes, "FDSTORE=1\nFDNAME=buffer.memfd-7");
  ASSERT_EQ(datagram->fds.size(), 1u);
  struct stat sent;
  struct stat received;
  ASSERT_EQ(fstat(fd.get(), &sent), 0);
  ASSERT_EQ(fstat(datagram->fds[0].get(), &received), 0);
  EXPECT_EQ(sent.st_ino, received.st_ino);
}

TEST_F(KeeperLinkTest, RemovesByName) {
  const UniqueFd keeper = Listen(path());
  const auto link = KeeperLink::Create(path()).value();
  ASSERT_TRUE(link->Remove("buffer.7").ok());
  EXPECT_EQ(Text(keeper), "FDSTOREREMOVE=1\nFDNAME=buffer.7");
}

TEST_F(KeeperLinkTest, AnAbstractAddressIsAnAddress) {
  const std::string name = "@dmaheap-keeper-link-test-" + std::to_string(getpid());
  const UniqueFd keeper = Listen(name);
  const auto link = KeeperLink::Create(name);
  ASSERT_TRUE(link.ok()) << link.status();
  ASSERT_TRUE((*link)->Notify("WATCHDOG=1").ok());
  EXPECT_EQ(Text(keeper), "WATCHDOG=1");
}

TEST_F(KeeperLinkTest, WithoutAnAddressNobodyListensAndNothingFails) {
  const auto link = KeeperLink::Create("");
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_TRUE((*link)->Notify("READY=1").ok());
  EXPECT_TRUE((*link)->Store("buffer.7", 0).ok());
  EXPECT_TRUE((*link)->Remove("buffer.7").ok());
}

TEST_F(KeeperLinkTest, AnAddressWhereNobodyIsFailsWithItsErrno) {
  const absl::Status status = KeeperLink::Create(path()).status();
  EXPECT_EQ(GetErrno(status), ENOENT);
  EXPECT_NE(status.message().find(path()), absl::string_view::npos) << status;
  EXPECT_EQ(GetErrno(KeeperLink::Create("/" + std::string(200, 'x')).status()), ENAMETOOLONG);
}

TEST_F(KeeperLinkTest, AKeeperThatDoesNotReadIsAnErrorAndNoWait) {
  const UniqueFd keeper = Listen(path());
  const auto link = KeeperLink::Create(path()).value();
  absl::Status status;
  for (int i = 0; i < 100000 && status.ok(); ++i) status = link->Store("buffer.7", 0);
  EXPECT_EQ(GetErrno(status), EAGAIN) << status;
}

TEST_F(KeeperLinkTest, AKeeperThatIsGoneIsAnError) {
  UniqueFd keeper = Listen(path());
  const auto link = KeeperLink::Create(path()).value();
  keeper.Reset();
  EXPECT_EQ(GetErrno(link->Notify("READY=1")), ECONNREFUSED);
}

}  // namespace
}  // namespace dmaheap
