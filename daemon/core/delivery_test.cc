#include "daemon/core/delivery.h"

#include <cerrno>
#include <vector>

#include "daemon/core/testing/fake_recipient.h"
#include "gtest/gtest.h"
#include "proto/error.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

using DeliveryTest = FdLeakCheck;

std::vector<Buffer> Buffers(int count) {
  std::vector<Buffer> buffers;
  for (int i = 0; i < count; ++i) {
    Buffer buffer;
    buffer.fd = UniqueFd(fcntl(0, F_DUPFD_CLOEXEC, 0));
    buffer.key = {BufferKey::Backing::kMemfd, 100u + static_cast<uint64_t>(i)};
    buffer.size_bytes = 4096 * (i + 1);
    buffers.push_back(std::move(buffer));
  }
  return buffers;
}

TEST_F(DeliveryTest, ABatchGoesOutInFramesOfAtMostSixteen) {
  FakeRecipient recipient(1);
  ASSERT_TRUE(recipient.ReserveSlots(kFdWindow).ok());
  const std::vector<Buffer> buffers = Buffers(kFdWindow);

  const PushResult result = PushBatch(recipient, 5, "id", buffers);

  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.fds, kFdWindow);
  const auto frames = recipient.Read();
  ASSERT_EQ(frames.size(), 2u);
  int index = 0;
  for (const auto& frame : frames) {
    EXPECT_EQ(frame.message.batch_id(), 5);
    EXPECT_EQ(frame.message.request_id(), "id");
    EXPECT_EQ(frame.message.first_index(), index);
    EXPECT_EQ(frame.message.total(), kFdWindow);
    EXPECT_EQ(frame.fds.size(), static_cast<size_t>(frame.message.entries_size()));
    for (const auto& entry : frame.message.entries()) {
      EXPECT_EQ(entry.inode(), buffers[index].key.inode);
      EXPECT_EQ(entry.size_bytes(), buffers[index].size_bytes);
      EXPECT_EQ(entry.name(), "buffers/" + buffers[index].key.ToString());
      ++index;
    }
  }
  EXPECT_EQ(index, kFdWindow);
}

TEST_F(DeliveryTest, AFrameThatFailsEndsTheBatchAndSaysWhatIsOut) {
  FakeRecipient recipient(1);
  ASSERT_TRUE(recipient.ReserveSlots(20).ok());
  recipient.FailPush(2, EAGAIN);
  const PushResult result = PushBatch(recipient, 5, "id", Buffers(20));
  EXPECT_EQ(result.fds, 16);
  EXPECT_EQ(GetReason(result.status), ErrorReason::FD_CHANNEL_FULL);
}

TEST_F(DeliveryTest, EachErrnoHasItsReason) {
  struct Row {
    int error_number;
    ErrorReason reason;
  };
  for (const Row& row : std::vector<Row>{{EAGAIN, ErrorReason::FD_CHANNEL_FULL},
                                         {ENOBUFS, ErrorReason::FD_CHANNEL_FULL},
                                         {ETOOMANYREFS, ErrorReason::DAEMON_FD_LIMIT},
                                         {ENOMEM, ErrorReason::DAEMON_FD_LIMIT},
                                         {EPIPE, ErrorReason::SESSION_UNKNOWN},
                                         {ECONNRESET, ErrorReason::SESSION_UNKNOWN}}) {
    FakeRecipient recipient(1);
    ASSERT_TRUE(recipient.ReserveSlots(1).ok());
    recipient.FailPush(1, row.error_number);
    const PushResult result = PushBatch(recipient, 5, "id", Buffers(1));
    EXPECT_EQ(result.fds, 0);
    EXPECT_EQ(GetReason(result.status), row.reason) << result.status;
  }
}

TEST_F(DeliveryTest, AHeldBufferIsABatchOfOne) {
  FakeRecipient recipient(1);
  ASSERT_TRUE(recipient.ReserveSlots(1).ok());
  LiveBuffer record;
  record.key = {BufferKey::Backing::kDmaBuf, 7};
  record.size_bytes = 4096;
  UniqueFd fd(fcntl(0, F_DUPFD_CLOEXEC, 0));

  const PushResult result = PushOne(recipient, 9, "id", record, fd.get());

  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.fds, 1);
  const auto frames = recipient.Read();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].message.total(), 1);
  EXPECT_EQ(frames[0].message.entries(0).name(), "buffers/7");
}

}  // namespace
}  // namespace dmaheap
