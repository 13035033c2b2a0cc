#include "daemon/diagnosis/link/prober_lister.h"

#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"
#include "proto/fd_socket.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

class ProberListerTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    prober_.Reset(ends[1]);
    client_ = ProberClient::Create(UniqueFd(ends[0])).value();
    lister_ = std::make_unique<ProberLister>(executor_, client_.get());
  }
  void TearDown() override {
    EXPECT_EQ(executor_.timers(), 0u);
    client_.reset();
    prober_.Reset();
    FdLeakCheck::TearDown();
  }

  void List() {
    executor_.Post([this] {
      lister_->List([this](absl::StatusOr<BufferListing> listing) {
        answers_.push_back(std::move(listing));
      });
    });
  }
  // The prober's answer to the question that lies in its socket.
  void Answer(ProberReply reply) {
    const auto datagram = ReceiveDatagram(prober_.get(), 256, 0);
    ASSERT_TRUE(datagram.ok());
    reply.op = ProberOp::kListDmabufs;
    reply.sequence = DecodeProberRequest(datagram->bytes)->sequence;
    for (const std::string& part : EncodeProberReply(reply)) {
      ASSERT_TRUE(SendDatagram(prober_.get(), part, {}).ok());
    }
  }
  void TakeAnswer() {
    executor_.Post([this] { ASSERT_TRUE(client_->OnReadable().ok()); });
  }
  static ProberReply Reply() {
    ProberReply reply;
    reply.source = ProberSource::kSysfs;
    for (const auto& [backing, inode] :
         {std::pair(BufferBacking::kDmaBuf, 7), std::pair(BufferBacking::kMemfd, 8)}) {
      BufferRecord record;
      record.backing = backing;
      record.inode = static_cast<uint64_t>(inode);
      reply.buffers.push_back(record);
    }
    return reply;
  }

  VirtualExecutor executor_;
  UniqueFd prober_;
  std::unique_ptr<ProberClient> client_;
  std::unique_ptr<ProberLister> lister_;
  std::vector<absl::StatusOr<BufferListing>> answers_;
};

TEST_F(ProberListerTest, TellsWhatTheProberSaw) {
  List();
  Answer(Reply());
  TakeAnswer();

  ASSERT_EQ(answers_.size(), 1u);
  const BufferListing& listing = answers_[0].value();
  EXPECT_TRUE(listing.all_dma_bufs);
  EXPECT_EQ(listing.source, v1::SYSFS);
  EXPECT_TRUE(listing.all_processes);
  EXPECT_EQ(listing.seen.size(), 2u);
  EXPECT_TRUE(listing.seen.contains({BufferKey::Backing::kDmaBuf, 7}));
  EXPECT_TRUE(listing.seen.contains({BufferKey::Backing::kMemfd, 8}));
}

TEST_F(ProberListerTest, TellsWhatTheProberCouldNotSee) {
  ProberReply reply = Reply();
  reply.flags = kProberBuffersPartial | kProberHoldersPartial;
  List();
  Answer(std::move(reply));
  TakeAnswer();

  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_FALSE(answers_[0]->all_dma_bufs);
  EXPECT_FALSE(answers_[0]->all_processes);
}

TEST_F(ProberListerTest, AProberThatIsSilentIsNotWaitedForForEver) {
  List();
  executor_.Advance(absl::Minutes(1));

  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_TRUE(absl::IsDeadlineExceeded(answers_[0].status()));
  // What comes later is dropped.
  Answer(Reply());
  TakeAnswer();
  EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(ProberListerTest, AProberThatIsGoneIsAnErrorAtOnce) {
  prober_.Reset();
  List();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_FALSE(answers_[0].ok());
}

TEST_F(ProberListerTest, SaysWhenThereIsNone) {
  lister_ = std::make_unique<ProberLister>(executor_, nullptr);
  List();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_TRUE(absl::IsFailedPrecondition(answers_[0].status()));
}

}  // namespace
}  // namespace dmaheap
