#include "daemon/keeper/unix_listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "daemon/keeper/testing/daemon_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;

class UnixListenerTest : public ::testing::Test {
 protected:
  ListenerSpec Spec(int type, mode_t mode) const {
    ListenerSpec spec;
    spec.path = path_;
    spec.type = type;
    spec.mode = mode;
    return spec;
  }
  // Whether somebody accepts there.
  bool CanConnect(int type) const {
    const UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::copy(path_.begin(), path_.end(), address.sun_path);
    return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }

  TempFolder folder_;
  const std::string path_ = folder_.Below("socket");
};

TEST_F(UnixListenerTest, ListensWithExactlyTheModeAsked) {
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    const auto socket = BindUnixSocket(Spec(type, 0666));

    ASSERT_TRUE(socket.ok()) << socket.status();
    EXPECT_TRUE(CanConnect(type));
    struct stat status = {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0666u);
    EXPECT_EQ(fcntl(socket->get(), F_GETFD), FD_CLOEXEC);
    EXPECT_NE(fcntl(socket->get(), F_GETFL) & O_NONBLOCK, 0);
    ASSERT_EQ(unlink(path_.c_str()), 0);
  }
}

TEST_F(UnixListenerTest, ADeadSocketIsReplaced) {
  { ASSERT_TRUE(BindUnixSocket(Spec(SOCK_STREAM, 0600)).ok()); }
  ASSERT_TRUE(std::filesystem::exists(path_));

  const auto socket = BindUnixSocket(Spec(SOCK_SEQPACKET, 0600));

  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_TRUE(CanConnect(SOCK_SEQPACKET));
}

TEST_F(UnixListenerTest, ALiveSocketOfWhateverTypeIsRefusedAndUntouched) {
  for (const int live : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
    const auto first = BindUnixSocket(Spec(live, 0600));
    ASSERT_TRUE(first.ok()) << first.status();

    for (const int type : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
      const auto second = BindUnixSocket(Spec(type, 0600));
      EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
    }

    EXPECT_TRUE(CanConnect(live));
    ASSERT_EQ(unlink(path_.c_str()), 0);
  }
}

TEST_F(UnixListenerTest, ALiveSocketIsGivenTimeToGoAway) {
  auto first = BindUnixSocket(Spec(SOCK_STREAM, 0600));
  ASSERT_TRUE(first.ok()) << first.status();
  ListenerSpec spec = Spec(SOCK_STREAM, 0600);
  spec.patience = absl::Seconds(20);

  // Whenever it closes, before or while the other waits, the end is the same.
  std::thread closer([&] { first->Reset(); });
  const auto second = BindUnixSocket(spec);
  closer.join();

  EXPECT_TRUE(second.ok()) << second.status();
}

TEST_F(UnixListenerTest, WhatIsNoSocketIsRefusedAndKept) {
  std::ofstream(path_) << "precious";

  const auto socket = BindUnixSocket(Spec(SOCK_STREAM, 0600));

  EXPECT_EQ(socket.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(UnixListenerTest, TheLongestPathFitsAndOneMoreByteDoesNot) {
  ListenerSpec spec = Spec(SOCK_STREAM, 0600);
  spec.path = folder_.Below(std::string(107 - folder_.path().size() - 1, 'x'));
  ASSERT_EQ(spec.path.size(), 107u);
  EXPECT_TRUE(BindUnixSocket(spec).ok());

  spec.path += "x";
  const auto socket = BindUnixSocket(spec);

  EXPECT_EQ(socket.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(socket.status().message()), HasSubstr("has 108 bytes"));
}

}  // namespace
}  // namespace dmaheap
