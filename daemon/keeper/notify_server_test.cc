#include "daemon/keeper/notify_server.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "daemon/keeper/testing/daemon_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/fd_socket.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;

int OpenFds() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

class NotifyServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = NotifyServer::Create(path_, Account{.name = "me", .uid = geteuid()});
    ASSERT_TRUE(server.ok()) << server.status();
    server_.emplace(*std::move(server));
    sender_.Reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::copy(path_.begin(), path_.end(), address.sun_path);
    ASSERT_EQ(connect(sender_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
    before_ = OpenFds();
  }
  void TearDown() override { EXPECT_EQ(OpenFds(), before_); }

  void Send(absl::string_view text, int fds = 0) {
    const UniqueFd file(memfd_create("test", MFD_CLOEXEC));
    const std::vector<int> numbers(static_cast<size_t>(fds), file.get());
    ASSERT_TRUE(SendDatagram(sender_.get(), text, numbers).ok());
  }
  // Why the next message was dropped.
  std::string Complaint() {
    const auto received = server_->Receive(getpid());
    return received.ok() ? "" : std::string(received.status().message());
  }

  TempFolder folder_;
  const std::string path_ = folder_.Below("notify.sock");
  absl::optional<NotifyServer> server_;
  UniqueFd sender_;
  int before_ = 0;
};

TEST_F(NotifyServerTest, IsForItsAccountAlone) {
  struct stat status = {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);

  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(NotifyServerTest, HearsTheBroker) {
  Send("READY=1");

  const auto received = server_->Receive(getpid());

  ASSERT_TRUE(received.ok()) << received.status();
  ASSERT_TRUE(received->has_value());
  EXPECT_TRUE((*received)->message.ready);
}

TEST_F(NotifyServerTest, NothingThereIsNoError) {
  const auto received = server_->Receive(getpid());

  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_FALSE(received->has_value());
}

TEST_F(NotifyServerTest, FdsComeWithTheirName) {
  Send("FDSTORE=1\nFDNAME=a", 253);

  const auto received = server_->Receive(getpid());

  ASSERT_TRUE(received.ok()) << received.status();
  ASSERT_TRUE(received->has_value());
  EXPECT_EQ((*received)->message.fd_name, "a");
  EXPECT_EQ((*received)->fds.size(), 253u);
}

TEST_F(NotifyServerTest, SomebodyElseIsNotHeardAndHisFdsAreClosed) {
  Send("FDSTORE=1\nFDNAME=a", 3);

  const auto received = server_->Receive(getpid() + 1);

  EXPECT_EQ(received.status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(NotifyServerTest, WithoutABrokerNobodyIsHeard) {
  Send("READY=1");

  EXPECT_EQ(server_->Receive(0).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(NotifyServerTest, WhatBreaksTheRulesIsDroppedWithItsFds) {
  Send("garbage", 2);
  EXPECT_THAT(Complaint(), HasSubstr("without KEY="));
  Send("READY=1", 2);
  EXPECT_THAT(Complaint(), HasSubstr("2 fds but without FDSTORE=1"));
  Send("FDSTORE=1\nFDNAME=a", 0);
  EXPECT_THAT(Complaint(), HasSubstr("without an fd"));
  Send(std::string(kMaxNotifyBytes, 'a') + "=1", 1);
  EXPECT_THAT(Complaint(), HasSubstr("more than 4096 bytes"));
}

TEST_F(NotifyServerTest, AfterWhatWasDroppedTheNextIsHeard) {
  Send("garbage");
  Send("READY=1");
  EXPECT_NE(Complaint(), "");

  const auto received = server_->Receive(getpid());

  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_TRUE(received->has_value());
}

}  // namespace
}  // namespace dmaheap
