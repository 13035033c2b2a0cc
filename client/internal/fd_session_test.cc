#include "client/internal/fd_session.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <utility>

#include "client/internal/janitor.h"
#include "client/testing/fd_leak_check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/rpc_status.h"

namespace dmaheap::client_internal {
namespace {

using ::testing::SizeIs;

const Deadline kNow = Deadline::After(absl::ZeroDuration());

class FdSessionTest : public ::testing::Test {
 protected:
  FdSessionTest() {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    daemon_ = UniqueFd(pair[0]);
    DialedChannel channel;
    channel.socket = UniqueFd(pair[1]);
    channel.welcome.set_session_id("s");
    session_ = std::make_shared<FdSession>(std::move(channel));
  }

  void TearDown() override {
    session_ = nullptr;
    daemon_.Reset();
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  // Sends one frame of a batch with memfds of 4096 bytes.
  void Send(const std::string& request_id, int64_t batch_id, int first, int count, int total) {
    v1::ServerMessage message;
    v1::Buffers* frame = message.mutable_buffers();
    frame->set_request_id(request_id);
    frame->set_batch_id(batch_id);
    frame->set_first_index(first);
    frame->set_total(total);
    std::vector<UniqueFd> fds;
    std::vector<int> numbers;
    for (int i = 0; i < count; ++i) {
      fds.emplace_back(memfd_create("frame", MFD_CLOEXEC));
      ASSERT_EQ(ftruncate(fds.back().get(), 4096), 0);
      struct stat status;
      ASSERT_EQ(fstat(fds.back().get(), &status), 0);
      v1::BufferEntry* entry = frame->add_entries();
      entry->set_name("buffers/" + std::to_string(status.st_ino));
      entry->set_size_bytes(4096);
      entry->set_inode(status.st_ino);
      numbers.push_back(fds.back().get());
    }
    ASSERT_TRUE(SendToClient(daemon_.get(), message, numbers).ok());
  }

  v1::ClientMessage Heard() {
    absl::StatusOr<v1::ClientMessage> message = ReceiveFromClient(daemon_.get());
    return message.ok() ? *message : v1::ClientMessage();
  }

  FdLeakCheck leaks_;
  UniqueFd daemon_;
  std::shared_ptr<FdSession> session_;
};

TEST_F(FdSessionTest, TakesItsOwnFramesAndFilesThoseOfOthers) {
  session_->Expect("mine");
  session_->Expect("other");
  Send("other", 1, 0, 2, 2);
  Send("mine", 2, 0, 1, 1);

  const auto mine = session_->Take("mine", 2, 1, kNow);
  const auto other = session_->Take("other", 1, 2, kNow);

  ASSERT_TRUE(mine.ok() && other.ok());
  EXPECT_THAT(*mine, SizeIs(1));
  EXPECT_THAT(*other, SizeIs(2));
  EXPECT_EQ(Heard().receipt().batch_id(), 1);
  EXPECT_EQ(Heard().receipt().batch_id(), 2);
}

TEST_F(FdSessionTest, AFrameThatNobodyExpectsIsClosedAcknowledgedAndReported) {
  Send("unknown", 1, 0, 3, 3);

  session_->Drain();

  EXPECT_EQ(Heard().receipt().received(), 3);
  EXPECT_EQ(Heard().release().names_size(), 3);
}

TEST_F(FdSessionTest, FramesThatWereSentBeforeTheDaemonDiedAreStillTaken) {
  session_->Expect("r");
  // The daemon dies with a message of ours unread: the kernel tells of that first (ECONNRESET).
  session_->SendRelease({"buffers/1"});
  Send("r", 1, 0, 16, 20);
  Send("r", 1, 16, 4, 20);
  daemon_.Reset();

  const auto arrived = session_->TakeAtEnd("r", Deadline::After(absl::Seconds(10)));

  ASSERT_TRUE(arrived.has_value());
  EXPECT_THAT(*arrived, SizeIs(20));
}

TEST_F(FdSessionTest, APartThatWasSentBeforeTheDaemonDiedIsNotTaken) {
  session_->Expect("r");
  Send("r", 1, 0, 16, 20);
  daemon_.Reset();

  EXPECT_FALSE(session_->TakeAtEnd("r", Deadline::After(absl::Seconds(10))).has_value());

  EXPECT_TRUE(session_->ended());
  session_->Forget("r");
}

TEST_F(FdSessionTest, TheDaemonsLastWordIsKept) {
  v1::ServerMessage message;
  *message.mutable_refusal()->mutable_status() =
      ToRpcStatus(Error(ErrorReason::FD_CHANNEL_FULL, "no receipt for 10 s"));
  ASSERT_TRUE(SendToClient(daemon_.get(), message, {}).ok());
  daemon_.Reset();

  session_->Drain();

  EXPECT_TRUE(session_->ended());
  EXPECT_EQ(GetReason(session_->end_status()), ErrorReason::FD_CHANNEL_FULL);
}

TEST_F(FdSessionTest, AReceiptThatDoesNotFitTheSocketIsSentLater) {
  session_->Expect("r");
  // Fill our direction.
  int hints = 0;
  v1::ClientMessage hint;
  hint.mutable_release()->add_names(std::string(4000, 'x'));
  while (SendToServer(session_->socket(), hint).ok()) ++hints;
  ASSERT_GT(hints, 0);
  Send("r", 7, 0, 1, 1);

  ASSERT_TRUE(session_->Take("r", 7, 1, kNow).ok());
  EXPECT_TRUE(session_->NeedsCare());
  EXPECT_TRUE(session_->WantsWrite());
  for (int i = 0; i < hints; ++i) ASSERT_TRUE(Heard().has_release());
  session_->Drain();

  EXPECT_EQ(Heard().receipt().batch_id(), 7);
  EXPECT_FALSE(session_->NeedsCare());
}

TEST_F(FdSessionTest, TheJanitorClosesWhatComesForAnAbandonedRequest) {
  Janitor janitor;
  session_->Expect("r");
  session_->Abandon("r");
  ASSERT_TRUE(session_->NeedsCare());
  janitor.Watch(session_);

  Send("r", 1, 0, 2, 2);

  ASSERT_EQ(fcntl(daemon_.get(), F_SETFL, 0), 0);
  EXPECT_EQ(Heard().receipt().received(), 2);
  EXPECT_EQ(Heard().release().names_size(), 2);
}

TEST_F(FdSessionTest, TheJanitorGivesUpAfterItsGrace) {
  Janitor janitor;
  session_->Expect("r");
  session_->Abandon("r");

  janitor.Watch(session_, absl::Milliseconds(20));

  while (session_->NeedsCare()) std::this_thread::yield();
  EXPECT_FALSE(session_->ended());
}

}  // namespace
}  // namespace dmaheap::client_internal
