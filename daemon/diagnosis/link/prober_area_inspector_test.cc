#include "daemon/diagnosis/link/prober_area_inspector.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

class ProberAreaInspectorTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    prober_.Reset(ends[1]);
    client_ = ProberClient::Create(UniqueFd(ends[0])).value();
    inspector_ = std::make_unique<ProberAreaInspector>(executor_, *client_);
  }
  void TearDown() override {
    EXPECT_EQ(executor_.timers(), 0u);
    client_.reset();
    prober_.Reset();
    FdLeakCheck::TearDown();
  }

  bool Ask() {
    return inspector_->ReadFreeList(
        "reserved", [this](absl::StatusOr<CmaFreeList> list) { answers_.push_back(list); });
  }
  bool AskForLog() {
    return inspector_->ReadLog([this](absl::StatusOr<FailureLog> log) { logs_.push_back(log); });
  }
  ProberRequest Question() {
    const auto datagram = ReceiveDatagram(prober_.get(), 256, 0);
    return datagram.ok() ? *DecodeProberRequest(datagram->bytes) : ProberRequest();
  }
  void Answer(ProberReply reply, uint64_t sequence, ProberOp op = ProberOp::kFreeRuns) {
    reply.op = op;
    reply.sequence = sequence;
    for (const std::string& part : EncodeProberReply(reply)) {
      ASSERT_TRUE(SendDatagram(prober_.get(), part, {}).ok());
    }
    ASSERT_TRUE(client_->OnReadable().ok());
  }

  VirtualExecutor executor_;
  UniqueFd prober_;
  std::unique_ptr<ProberClient> client_;
  std::unique_ptr<ProberAreaInspector> inspector_;
  std::vector<absl::StatusOr<CmaFreeList>> answers_;
  std::vector<absl::StatusOr<FailureLog>> logs_;
};

TEST_F(ProberAreaInspectorTest, TheListComesBackWithItsSum) {
  ASSERT_TRUE(Ask());
  const ProberRequest question = Question();
  EXPECT_EQ(question.op, static_cast<uint32_t>(ProberOp::kFreeRuns));
  EXPECT_STREQ(question.name, "reserved");
  ProberReply reply;
  reply.areas.push_back({.count_pages = 64});
  reply.runs = {{8, 32}, {41, 23}};

  Answer(reply, question.sequence);

  ASSERT_EQ(answers_.size(), 1u);
  ASSERT_TRUE(answers_[0].ok()) << answers_[0].status();
  EXPECT_EQ(answers_[0]->total_pages, 64);
  EXPECT_EQ(answers_[0]->free_pages, 55);
  ASSERT_EQ(answers_[0]->runs.size(), 2u);
  EXPECT_EQ(answers_[0]->runs[1], (PageRun{41, 23}));
}

TEST_F(ProberAreaInspectorTest, WhyThereIsNoListIsToldByTheErrno) {
  ASSERT_TRUE(Ask());
  ProberReply reply;
  reply.error_number = ENOTSUP;

  Answer(reply, Question().sequence);

  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(GetErrno(answers_[0].status()), ENOTSUP);
}

TEST_F(ProberAreaInspectorTest, AProberThatDiedIsForgotten) {
  ASSERT_TRUE(Ask());
  ASSERT_TRUE(AskForLog());

  executor_.Advance(absl::Seconds(6));

  EXPECT_EQ(client_->pending(), 0u);
  EXPECT_TRUE(answers_.empty());
}

TEST_F(ProberAreaInspectorTest, TheLogComesBack) {
  ASSERT_TRUE(AskForLog());
  const ProberRequest question = Question();
  EXPECT_EQ(question.op, static_cast<uint32_t>(ProberOp::kKernelLog));
  ProberReply reply;
  reply.logs.push_back({.whole_since_microseconds = 1});
  reply.logged_failures.push_back({.pages = 60, .error_number = EBUSY});

  Answer(reply, question.sequence, ProberOp::kKernelLog);

  ASSERT_EQ(logs_.size(), 1u);
  ASSERT_TRUE(logs_[0].ok()) << logs_[0].status();
  EXPECT_EQ(logs_[0]->failures.at(0).pages, 60);
  EXPECT_TRUE(AskForLog()) << "there may be more the next time";
  executor_.Advance(absl::Seconds(6));
}

TEST_F(ProberAreaInspectorTest, ALogThatMayNotBeReadIsAskedForOnce) {
  ASSERT_TRUE(AskForLog());
  ProberReply reply;
  reply.error_number = EPERM;

  Answer(reply, Question().sequence, ProberOp::kKernelLog);

  EXPECT_EQ(GetErrno(logs_.at(0).status()), EPERM);
  EXPECT_FALSE(AskForLog());
}

TEST_F(ProberAreaInspectorTest, WhereNobodyIsThereNobodyIsAsked) {
  prober_.Reset();
  EXPECT_FALSE(Ask());
  EXPECT_FALSE(AskForLog());
}

}  // namespace
}  // namespace dmaheap
