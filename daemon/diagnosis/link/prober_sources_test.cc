#include "daemon/diagnosis/link/prober_sources.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>

#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"
#include "proto/fd_socket.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

class ProberSourcesTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    prober_.Reset(ends[1]);
    client_ = ProberClient::Create(UniqueFd(ends[0])).value();
    sources_ = std::make_unique<ProberSources>(executor_, client_.get());
  }
  void TearDown() override {
    sources_.reset();
    client_.reset();
    prober_.Reset();
    FdLeakCheck::TearDown();
  }

  // The sequence of the next question; absent: there is none.
  absl::optional<uint64_t> Question() {
    const auto datagram = ReceiveDatagram(prober_.get(), sizeof(ProberRequest), /*max_fds=*/0);
    if (!datagram.ok()) return absl::nullopt;
    const ProberRequest request = DecodeProberRequest(datagram->bytes).value();
    EXPECT_EQ(request.op, static_cast<uint32_t>(ProberOp::kSources));
    return request.sequence;
  }
  void Answer(uint64_t sequence, ProberReply reply) {
    reply.op = ProberOp::kSources;
    reply.sequence = sequence;
    for (const std::string& part : EncodeProberReply(reply)) {
      ASSERT_TRUE(SendDatagram(prober_.get(), part, {}).ok());
    }
    ASSERT_TRUE(client_->OnReadable().ok());
  }
  static ProberReply Everything() {
    ProberReply reply;
    for (const EvidenceSource source :
         {EvidenceSource::kFreeList, EvidenceSource::kTrace, EvidenceSource::kPageFlags,
          EvidenceSource::kPageMaps, EvidenceSource::kProcessFiles, EvidenceSource::kReferences,
          EvidenceSource::kKernelLog}) {
      reply.sources.push_back({.source = source});
    }
    return reply;
  }

  UniqueFd prober_;
  VirtualExecutor executor_;
  std::unique_ptr<ProberClient> client_;
  std::unique_ptr<ProberSources> sources_;
};

TEST_F(ProberSourcesTest, WhatTheProberSeesIsKnownOnceItHasAnswered) {
  sources_->Ask();
  const auto question = Question();
  ASSERT_TRUE(question.has_value());
  EXPECT_TRUE(sources_->errors().empty());

  ProberReply reply = Everything();
  reply.sources[3].error_number = EPERM;
  Answer(*question, reply);

  EXPECT_EQ(sources_->errors().at(v1::EvidenceSource::REFERENCES), 0);
  EXPECT_EQ(sources_->errors().at(v1::EvidenceSource::PAGE_MAPS), EPERM);
  executor_.Advance(absl::Minutes(1));
  EXPECT_FALSE(Question().has_value()) << "it does not change";
}

TEST_F(ProberSourcesTest, OneThatDiedWithTheQuestionIsAskedAgain) {
  sources_->Ask();
  ASSERT_TRUE(Question().has_value());

  executor_.Advance(ProberSources::kPatience);

  const auto question = Question();
  ASSERT_TRUE(question.has_value());
  Answer(*question, Everything());
  EXPECT_EQ(sources_->errors().size(), 7u);
}

TEST_F(ProberSourcesTest, AnOlderProberThatDoesNotKnowTheQuestionLeavesTheLevelLow) {
  sources_->Ask();
  ProberReply reply;
  reply.error_number = ENOTSUP;

  Answer(Question().value(), reply);

  EXPECT_TRUE(sources_->errors().empty());
  EXPECT_EQ(BestLevel(sources_->errors()), v1::Diagnosis::L0);
  executor_.Advance(absl::Minutes(1));
  EXPECT_FALSE(Question().has_value()) << "it would say the same again";
}

TEST_F(ProberSourcesTest, WithoutAProberNothingIsAsked) {
  ProberSources none(executor_, nullptr);

  none.Ask();

  executor_.Advance(absl::Minutes(1));
  EXPECT_TRUE(none.errors().empty());
}

}  // namespace
}  // namespace dmaheap
