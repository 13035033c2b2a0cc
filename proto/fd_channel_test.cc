#include "proto/fd_channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

class FdChannelTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    client_.Reset(ends[0]);
    daemon_.Reset(ends[1]);
  }
  void TearDown() override {
    client_.Reset();
    daemon_.Reset();
    FdLeakCheck::TearDown();
  }
  static v1::ServerMessage FrameOf(int entries) {
    v1::ServerMessage message;
    v1::Buffers& buffers = *message.mutable_buffers();
    buffers.set_batch_id(7);
    buffers.set_request_id("request");
    buffers.set_first_index(16);
    buffers.set_total(16 + entries);
    for (int i = 0; i < entries; ++i) {
      v1::BufferEntry& entry = *buffers.add_entries();
      entry.set_name("buffers/4711");
      entry.set_size_bytes(4096);
      entry.set_inode(4711);
    }
    return message;
  }

  UniqueFd client_;
  UniqueFd daemon_;
};

TEST_F(FdChannelTest, AMessageOfTheClientArrivesWhole) {
  v1::ClientMessage hello;
  hello.mutable_hello()->set_min_wire_version(1);
  hello.mutable_hello()->set_max_wire_version(3);
  hello.mutable_hello()->set_label("camera");
  ASSERT_TRUE(SendToServer(client_.get(), hello).ok());

  const absl::StatusOr<v1::ClientMessage> received = ReceiveFromClient(daemon_.get());

  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_EQ(received->SerializeAsString(), hello.SerializeAsString());
}

TEST_F(FdChannelTest, AFrameOfTheMostFdsArrivesWhole) {
  const v1::ServerMessage frame = FrameOf(kMaxFdsPerFrame);
  const std::vector<int> fds(kMaxFdsPerFrame, daemon_.get());
  ASSERT_TRUE(SendToClient(daemon_.get(), frame, fds).ok());

  const absl::StatusOr<ServerFrame> received = ReceiveFromServer(client_.get());

  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_EQ(received->message.SerializeAsString(), frame.SerializeAsString());
  EXPECT_EQ(received->fds.size(), static_cast<size_t>(kMaxFdsPerFrame));
  EXPECT_FALSE(received->truncated);
}

TEST_F(FdChannelTest, AFrameWithTheLongestNamesFitsIntoADatagram) {
  v1::ServerMessage frame = FrameOf(kMaxFdsPerFrame);
  frame.mutable_buffers()->set_request_id(std::string(kMaxClientTextBytes, 'r'));
  for (auto& entry : *frame.mutable_buffers()->mutable_entries()) {
    entry.set_name("buffers/memfd-18446744073709551615");
    entry.set_size_bytes(INT64_MAX);
    entry.set_inode(UINT64_MAX);
  }
  EXPECT_LE(frame.ByteSizeLong(), kMaxDatagramBytes);
}

TEST_F(FdChannelTest, AFrameIsNotSentWithAnotherNumberOfFdsThanEntries) {
  EXPECT_EQ(GetErrno(SendToClient(daemon_.get(), FrameOf(2), {daemon_.get()})), EINVAL);
  EXPECT_EQ(GetErrno(SendToClient(daemon_.get(), FrameOf(kMaxFdsPerFrame + 1),
                                  std::vector<int>(kMaxFdsPerFrame + 1, daemon_.get()))),
            EINVAL);
  EXPECT_EQ(GetErrno(ReceiveFromServer(client_.get()).status()), EAGAIN);
}

TEST_F(FdChannelTest, AFrameWithFewerFdsThanEntriesIsTruncated) {
  ASSERT_TRUE(SendDatagram(daemon_.get(), FrameOf(3).SerializeAsString(), {daemon_.get()}).ok());

  const absl::StatusOr<ServerFrame> received = ReceiveFromServer(client_.get());

  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_TRUE(received->truncated);
  EXPECT_EQ(received->fds.size(), 1u);
}

TEST_F(FdChannelTest, MoreFdsThanEntriesIsDataLossAndNoneStays) {
  ASSERT_TRUE(
      SendDatagram(daemon_.get(), FrameOf(1).SerializeAsString(), {daemon_.get(), daemon_.get()})
          .ok());
  EXPECT_TRUE(absl::IsDataLoss(ReceiveFromServer(client_.get()).status()));
}

TEST_F(FdChannelTest, RubbishIsDataLossForTheClientAndInvalidForTheDaemon) {
  ASSERT_TRUE(SendDatagram(daemon_.get(), "\xff\xff\xff", {}).ok());
  ASSERT_TRUE(SendDatagram(client_.get(), "\xff\xff\xff", {}).ok());
  EXPECT_TRUE(absl::IsDataLoss(ReceiveFromServer(client_.get()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReceiveFromClient(daemon_.get()).status()));
}

TEST_F(FdChannelTest, AClientsMessageThatIsTooLongIsInvalid) {
  v1::ClientMessage message;
  // Parses also when it is cut: unknown to the parser is only that something is missing.
  for (size_t i = 0; i <= kMaxDatagramBytes / 16; ++i) {
    message.mutable_release()->add_names("buffers/123456");
  }
  ASSERT_GT(message.ByteSizeLong(), kMaxDatagramBytes);
  ASSERT_TRUE(SendToServer(client_.get(), message).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ReceiveFromClient(daemon_.get()).status()));
}

TEST_F(FdChannelTest, AnFdFromTheClientIsDiscardedAndInvalid) {
  v1::ClientMessage message;
  message.mutable_hello()->set_max_wire_version(1);
  ASSERT_TRUE(
      SendDatagram(client_.get(), message.SerializeAsString(), {client_.get(), daemon_.get()})
          .ok());
  const std::set<int> before = OpenFds();

  const absl::Status status = ReceiveFromClient(daemon_.get()).status();

  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(OpenFds(), before);
}

TEST_F(FdChannelTest, AnFdWithoutAMessageIsNotTakenForTheEnd) {
  ASSERT_TRUE(SendDatagram(client_.get(), "", {client_.get()}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ReceiveFromClient(daemon_.get()).status()));
}

TEST_F(FdChannelTest, TheEndIsOutOfRangeOnBothSides) {
  UniqueFd client = client_.Dup();
  client_.Reset();
  client.Reset();
  EXPECT_TRUE(absl::IsOutOfRange(ReceiveFromClient(daemon_.get()).status()));

  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  UniqueFd here(ends[0]);
  UniqueFd there(ends[1]);
  there.Reset();
  EXPECT_TRUE(absl::IsOutOfRange(ReceiveFromServer(here.get()).status()));
}

TEST_F(FdChannelTest, NothingThereIsEagainOnBothSides) {
  EXPECT_EQ(GetErrno(ReceiveFromServer(client_.get()).status()), EAGAIN);
  EXPECT_EQ(GetErrno(ReceiveFromClient(daemon_.get()).status()), EAGAIN);
}

TEST_F(FdChannelTest, WhatALaterVersionAddsIsIgnored) {
  v1::ClientMessage hello;
  hello.mutable_hello()->set_max_wire_version(1);
  // Field 15 of a later version, a varint.
  ASSERT_TRUE(SendDatagram(client_.get(), hello.SerializeAsString() + "\x78\x01", {}).ok());

  const absl::StatusOr<v1::ClientMessage> received = ReceiveFromClient(daemon_.get());

  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_EQ(received->hello().max_wire_version(), 1);
}

}  // namespace
}  // namespace dmaheap
