#include "daemon/diagnosis/prober/prober_client.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"

namespace dmaheap {
namespace {

class ProberClientTest : public ::testing::Test {
 protected:
  void SetUp() override { Connect(); }

  void Connect() {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    prober_.Reset(ends[1]);
    broker_end_.Reset(ends[0]);
    client_ = ProberClient::Create(broker_end_.Dup()).value();
  }
  // What the prober is asked next.
  ProberRequest NextRequest() {
    const auto datagram = ReceiveDatagram(prober_.get(), 256, 0);
    EXPECT_TRUE(datagram.ok()) << datagram.status();
    return DecodeProberRequest(datagram->bytes).value();
  }
  void Send(const std::string& bytes) { ASSERT_TRUE(SendDatagram(prober_.get(), bytes, {}).ok()); }
  void Answer(const ProberReply& reply) {
    for (const std::string& part : EncodeProberReply(reply)) Send(part);
  }
  // Asks for the list; the answer goes to answers_.
  uint64_t AskList() {
    return client_
        ->ListDmabufs([this](absl::StatusOr<DmabufList> list) { answers_.push_back(list); })
        .value();
  }

  UniqueFd prober_;
  UniqueFd broker_end_;
  std::unique_ptr<ProberClient> client_;
  std::vector<absl::StatusOr<DmabufList>> answers_;
};

ProberReply ListReply(uint64_t sequence) {
  ProberReply reply;
  reply.op = ProberOp::kListDmabufs;
  reply.sequence = sequence;
  reply.source = ProberSource::kSysfs;
  BufferRecord buffer;
  buffer.backing = BufferBacking::kMemfd;
  buffer.inode = 42;
  buffer.size_bytes = 4096;
  reply.buffers.push_back(buffer);
  reply.holders.push_back({.inode = 42,
                           .backing = BufferBacking::kMemfd,
                           .pid = 7,
                           .kind = HoldKind::kMapping,
                           .count = 2});
  return reply;
}

TEST_F(ProberClientTest, ASocketOfAnotherTypeIsRefused) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd other(ends[1]);

  EXPECT_EQ(ProberClient::Create(UniqueFd(ends[0])).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ProberClient::Create(UniqueFd()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ProberClientTest, AListComesBackWithItsHolders) {
  const uint64_t sequence = AskList();
  EXPECT_EQ(NextRequest().sequence, sequence);
  ProberReply reply = ListReply(sequence);
  reply.flags = kProberHoldersPartial;

  Answer(reply);
  ASSERT_TRUE(client_->OnReadable().ok());

  ASSERT_EQ(answers_.size(), 1u);
  const DmabufList& list = answers_[0].value();
  EXPECT_EQ(list.source, ProberSource::kSysfs);
  EXPECT_TRUE(list.buffers_complete);
  EXPECT_FALSE(list.holders_complete);
  ASSERT_EQ(list.buffers.size(), 1u);
  EXPECT_EQ(list.buffers[0].inode, 42u);
  EXPECT_EQ(list.buffers[0].size_bytes, 4096);
  EXPECT_FALSE(list.buffers[0].references.has_value());
  ASSERT_EQ(list.buffers[0].holders.size(), 1u);
  EXPECT_EQ(list.buffers[0].holders[0].pid, 7);
  EXPECT_EQ(list.buffers[0].holders[0].kind, HoldKind::kMapping);
  EXPECT_EQ(list.buffers[0].holders[0].count, 2);
  EXPECT_EQ(client_->pending(), 0u);
}

TEST_F(ProberClientTest, AReplyOfManyPartsIsCalledBackOnceWithAllOfIt) {
  ProberReply reply = ListReply(AskList());
  for (uint64_t inode = 1000; inode < 1500; ++inode) {
    BufferRecord record;
    record.inode = inode;
    reply.buffers.push_back(record);
  }
  const std::vector<std::string> parts = EncodeProberReply(reply);
  ASSERT_GT(parts.size(), 2u);

  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_TRUE(answers_.empty());
    Send(parts[i]);
    ASSERT_TRUE(client_->OnReadable().ok());
  }

  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0]->buffers.size(), 501u);
}

TEST_F(ProberClientTest, AFreeListComesBack) {
  std::vector<absl::StatusOr<CmaFreeList>> answers;
  const auto ask = [&] {
    return client_->GetFreeList("reserved", [&](auto list) { answers.push_back(list); }).value();
  };
  ProberReply reply;
  reply.op = ProberOp::kFreeRuns;
  reply.sequence = ask();
  EXPECT_STREQ(NextRequest().name, "reserved");
  reply.areas = {{.count_pages = 64}};
  reply.runs = {{.first = 8, .pages = 32}, {.first = 41, .pages = 23}};
  Answer(reply);
  reply.sequence = ask();
  reply.areas.clear();
  Answer(reply);
  ASSERT_TRUE(client_->OnReadable().ok());

  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0]->total_pages, 64);
  EXPECT_EQ(answers[0]->free_pages, 55);
  EXPECT_EQ(answers[0]->runs.size(), 2u);
  EXPECT_EQ(answers[1].status().code(), absl::StatusCode::kInternal) << "of which area?";
}

TEST_F(ProberClientTest, AFreeListThatContradictsItselfIsNone) {
  const std::vector<std::vector<RunRecord>> lists = {
      {{.first = 0, .pages = 0}},
      {{.first = 60, .pages = 5}},
      {{.first = 8, .pages = 8}, {.first = 0, .pages = 4}},
      {{.first = 8, .pages = 8}, {.first = 16, .pages = 4}},
      {{.first = 0, .pages = 0x7fffffffffffffff}, {.first = 1, .pages = 0x7fffffffffffffff}}};
  for (const std::vector<RunRecord>& runs : lists) {
    std::vector<absl::Status> answers;
    ProberReply reply;
    reply.op = ProberOp::kFreeRuns;
    reply.sequence =
        client_->GetFreeList("reserved", [&](auto list) { answers.push_back(list.status()); })
            .value();
    reply.areas = {{.count_pages = 64}};
    reply.runs = runs;
    Answer(reply);
    ASSERT_TRUE(client_->OnReadable().ok());

    ASSERT_EQ(answers.size(), 1u);
    EXPECT_TRUE(absl::IsInternal(answers[0])) << runs.back().first;
  }
}

TEST_F(ProberClientTest, AReplyThatDoesNotEndIsGivenUp) {
  ProberReply reply;
  reply.sequence = AskList();
  reply.buffers.resize(100);
  std::string bytes = EncodeProberReply(reply)[0];
  for (uint32_t part = 0; part < 1000 && client_->pending() > 0; ++part) {
    ProberReplyHeader header;
    memcpy(&header, bytes.data(), sizeof(header));
    header.part = part;
    header.flags = 0;
    memcpy(bytes.data(), &header, sizeof(header));
    Send(bytes);
    ASSERT_TRUE(client_->OnReadable().ok());
  }

  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_TRUE(absl::IsInternal(answers_[0].status()));
}

TEST_F(ProberClientTest, WhatTheKernelsLogSaysComesBackEachWithItsList) {
  std::vector<absl::StatusOr<FailureLog>> answers;
  const auto ask = [&] {
    return client_->ReadKernelLog([&](auto log) { answers.push_back(log); }).value();
  };
  ProberReply reply;
  reply.op = ProberOp::kKernelLog;
  reply.sequence = ask();
  reply.logs = {{.whole_since_microseconds = 1'000'000}};
  const auto failure = [](uint64_t total_pages, uint32_t runs) {
    LoggedFailureRecord record{.latest_microseconds = 7'000'000,
                               .pages = 60,
                               .total_pages = total_pages,
                               .runs = runs,
                               .error_number = EBUSY,
                               .thread = 42};
    memcpy(record.area, "reserved", 9);
    return record;
  };
  // The last says that it has more than there are.
  reply.logged_failures = {failure(64, 2), failure(0, 0), failure(64, 0), failure(64, 9)};
  reply.runs = {
      {.first = 8, .pages = 32}, {.first = 41, .pages = 23}, {.first = 0, .pages = 64, .range = 1}};
  Answer(reply);
  reply.sequence = ask();
  reply.flags = kProberLogPartial;
  Answer(reply);
  ASSERT_TRUE(client_->OnReadable().ok());

  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0]->whole_since, absl::UnixEpoch() + absl::Seconds(1));
  const std::vector<LoggedFailure>& failures = answers[0]->failures;
  ASSERT_EQ(failures.size(), 4u);
  EXPECT_EQ(failures[0].area, "reserved");
  EXPECT_EQ(failures[0].pages, 60);
  EXPECT_EQ(failures[0].error_number, EBUSY);
  EXPECT_EQ(failures[0].thread, 42);
  EXPECT_EQ(failures[0].latest, absl::UnixEpoch() + absl::Seconds(7));
  EXPECT_EQ(failures[0].free_list->free_pages, 55);
  EXPECT_FALSE(failures[1].free_list.has_value());
  EXPECT_EQ(failures[2].free_list->free_pages, 0) << "a full area";
  EXPECT_EQ(failures[3].free_list->runs.at(0), (PageRun{0, 64, 1}));
  EXPECT_TRUE(answers[1]->failures.empty());
  EXPECT_EQ(answers[1]->whole_since, absl::InfiniteFuture()) << "it was not read to its end";
}

TEST_F(ProberClientTest, WhatTheProberCanSeeComesBack) {
  std::vector<absl::StatusOr<std::vector<SourceRecord>>> answers;
  ProberReply reply;
  reply.op = ProberOp::kSources;
  reply.sequence = client_->FindSources([&](auto sources) { answers.push_back(sources); }).value();
  reply.sources = {{.source = EvidenceSource::kTrace, .error_number = ENOTSUP},
                   {.source = EvidenceSource::kPageMaps}};
  Answer(reply);
  ASSERT_TRUE(client_->OnReadable().ok());

  ASSERT_EQ(answers.size(), 1u);
  ASSERT_EQ(answers[0]->size(), 2u);
  EXPECT_EQ(answers[0]->at(0).error_number, ENOTSUP);
  EXPECT_EQ(answers[0]->at(1).source, EvidenceSource::kPageMaps);
}

TEST_F(ProberClientTest, MembersOfACgroupComeBack) {
  std::vector<absl::StatusOr<CgroupMemberList>> answers;
  const auto ask = [&] {
    return client_->GetCgroupMembers(3, [&](auto list) { answers.push_back(list); }).value();
  };
  ProberReply reply;
  reply.op = ProberOp::kCgroupMembers;
  reply.sequence = ask();
  EXPECT_STREQ(NextRequest().name, "3");
  reply.members = {{.pid = 10}, {.pid = 11}};
  Answer(reply);
  reply.sequence = ask();
  reply.flags = kProberMembersPartial;
  reply.members.clear();
  Answer(reply);
  reply.sequence = ask();
  reply.error_number = ENOENT;
  Answer(reply);
  ASSERT_TRUE(client_->OnReadable().ok());

  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0]->pids, (std::vector<pid_t>{10, 11}));
  EXPECT_TRUE(answers[0]->complete);
  EXPECT_TRUE(answers[1]->pids.empty());
  EXPECT_FALSE(answers[1]->complete);
  EXPECT_EQ(GetErrno(answers[2].status()), ENOENT);
}

TEST_F(ProberClientTest, MappersOfFramesComeBack) {
  std::vector<absl::StatusOr<FrameMappers>> answers;
  ProberReply reply;
  reply.op = ProberOp::kWhoMaps;
  reply.sequence =
      client_->FindMappers(98304, 16384, [&](auto found) { answers.push_back(found); }).value();
  EXPECT_STREQ(NextRequest().name, "98304 16384");
  reply.frames = {{.frame = 98304, .map_count = 1, .flags = 0, .present = kFrameMapCount}};
  reply.mappers = {{.process = {.pid = 7, .cgroup = "/apps"}, .pages = 3, .path = "/data/a"}};
  Answer(reply);
  ASSERT_TRUE(client_->OnReadable().ok());

  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0]->complete);
  EXPECT_EQ(answers[0]->map_count, 1);
  EXPECT_FALSE(answers[0]->flags.has_value());
  ASSERT_EQ(answers[0]->processes.size(), 1u);
  EXPECT_EQ(answers[0]->processes[0].process.pid, 7);
  EXPECT_FALSE(answers[0]->processes[0].process.uid.has_value());
  EXPECT_EQ(answers[0]->processes[0].process.cgroup, "/apps");
  EXPECT_EQ(answers[0]->processes[0].pages, 3);
  EXPECT_EQ(answers[0]->processes[0].path, "/data/a");
}

TEST_F(ProberClientTest, ANameThatDoesNotFitIsRefusedWithoutAsking) {
  const auto asked = client_->GetFreeList(std::string(64, 'a'), [](auto) {});

  EXPECT_EQ(asked.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->pending(), 0u);
}

TEST_F(ProberClientTest, AnErrorOfTheProberIsTheAnswer) {
  ProberReply reply = ListReply(AskList());
  reply.error_number = ENOTSUP;

  Answer(reply);
  ASSERT_TRUE(client_->OnReadable().ok());

  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(GetErrno(answers_[0].status()), ENOTSUP);
}

TEST_F(ProberClientTest, AnswersAreMatchedToTheirQuestions) {
  const uint64_t first = AskList();
  const uint64_t second = AskList();
  ProberReply late = ListReply(first);
  late.source = ProberSource::kDebugfs;

  Answer(ListReply(second));
  Answer(late);
  ASSERT_TRUE(client_->OnReadable().ok());

  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0]->source, ProberSource::kSysfs);
  EXPECT_EQ(answers_[1]->source, ProberSource::kDebugfs);
}

TEST_F(ProberClientTest, WhatAnEarlierBrokerAskedForIsDropped) {
  const uint64_t old = AskList();
  client_ = ProberClient::Create(broker_end_.Dup()).value();
  const uint64_t sequence = AskList();

  Answer(ListReply(old));
  ASSERT_TRUE(client_->OnReadable().ok());
  EXPECT_TRUE(answers_.empty());
  Answer(ListReply(sequence));
  ASSERT_TRUE(client_->OnReadable().ok());

  EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(ProberClientTest, ACancelledQuestionIsNotCalledBack) {
  const uint64_t sequence = AskList();

  client_->Cancel(sequence);
  Answer(ListReply(sequence));
  ASSERT_TRUE(client_->OnReadable().ok());

  EXPECT_TRUE(answers_.empty());
  EXPECT_EQ(client_->pending(), 0u);
}

TEST_F(ProberClientTest, GarbageIsDroppedAndTheNextReplyCounts) {
  const uint64_t sequence = AskList();

  Send("garbage");
  Send(std::string(kMaxProberDatagramBytes, '\xff'));
  Answer(ListReply(sequence));
  ASSERT_TRUE(client_->OnReadable().ok());

  EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(ProberClientTest, AMissingPartIsDataLoss) {
  ProberReply reply = ListReply(AskList());
  const std::vector<std::string> parts = EncodeProberReply(reply);
  ASSERT_EQ(parts.size(), 2u);

  // A prober died after the first, and its successor answers another question.
  Send(parts[1]);
  ASSERT_TRUE(client_->OnReadable().ok());

  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ProberClientTest, ACallbackMayAskAgain) {
  int calls = 0;
  const uint64_t first = client_
                             ->ListDmabufs([&](auto) {
                               ++calls;
                               AskList();
                             })
                             .value();

  Answer(ListReply(first));
  ASSERT_TRUE(client_->OnReadable().ok());

  EXPECT_EQ(calls, 1);
  EXPECT_EQ(client_->pending(), 1u);
}

TEST_F(ProberClientTest, TheEndOfTheSocketIsEpipe) {
  prober_.Reset();

  EXPECT_EQ(GetErrno(client_->OnReadable()), EPIPE);
  EXPECT_EQ(GetErrno(client_->ListDmabufs([](auto) {}).status()), EPIPE);
}

TEST_F(ProberClientTest, AProberThatDoesNotKeepUpIsEagain) {
  absl::Status status;
  for (int i = 0; i < 100000 && status.ok(); ++i) {
    status = client_->ListDmabufs([](auto) {}).status();
  }

  EXPECT_EQ(GetErrno(status), EAGAIN);
}

}  // namespace
}  // namespace dmaheap
