#include "daemon/diagnosis/link/prober_page_watch.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
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

class ProberPageWatchTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    prober_.Reset(ends[1]);
    client_ = ProberClient::Create(UniqueFd(ends[0])).value();
    pages_ = std::make_unique<ProberPageWatch>(executor_, *client_);
  }
  void TearDown() override {
    EXPECT_EQ(executor_.timers(), 0u);
    client_.reset();
    prober_.Reset();
    FdLeakCheck::TearDown();
  }

  PageWatch::Id Watch(pid_t thread, PageWatch::Id replaced = 0) {
    return pages_->Watch(
        thread, replaced,
        [this](absl::StatusOr<PageInTheWay> page) { found_.push_back(std::move(page)); },
        [this] { ++released_; });
  }
  // The question that lies in the prober's socket; op 0: none.
  ProberRequest Question() {
    const auto datagram = ReceiveDatagram(prober_.get(), 256, 0);
    return datagram.ok() ? *DecodeProberRequest(datagram->bytes) : ProberRequest();
  }
  void Say(const std::string& bytes) {
    ASSERT_TRUE(SendDatagram(prober_.get(), bytes, {}).ok());
    executor_.Post([this] { ASSERT_TRUE(client_->OnReadable().ok()); });
  }
  void Answer(const ProberRequest& question, ProberReply reply) {
    reply.op = static_cast<ProberOp>(question.op);
    reply.sequence = question.sequence;
    for (const std::string& part : EncodeProberReply(reply)) Say(part);
  }
  static ProberReply Frame(uint64_t frame, uint32_t present) {
    ProberReply reply;
    reply.attempts.push_back({.error_number = EBUSY, .windows_refused = 1});
    reply.frames.push_back({.frame = frame, .present = present});
    return reply;
  }
  static ProberReply Failed(int error_number) {
    ProberReply reply;
    reply.error_number = error_number;
    return reply;
  }

  VirtualExecutor executor_;
  UniqueFd prober_;
  std::unique_ptr<ProberClient> client_;
  std::unique_ptr<ProberPageWatch> pages_;
  std::vector<absl::StatusOr<PageInTheWay>> found_;
  int released_ = 0;
};

TEST_F(ProberPageWatchTest, AsksForThePageOfAThreadAndTellsIt) {
  const PageWatch::Id watch = Watch(90);
  const ProberRequest question = Question();
  EXPECT_EQ(question.op, static_cast<uint32_t>(ProberOp::kWatchPage));
  EXPECT_STREQ(question.name, "90 0");

  Answer(question, Frame(77, kFrameWatched));

  ASSERT_EQ(found_.size(), 1u);
  EXPECT_EQ(found_[0]->frame, 77u);
  EXPECT_TRUE(found_[0]->watched);
  EXPECT_NE(watch, 0u);
}

TEST_F(ProberPageWatchTest, TellsWhetherThePageIsAFileSystemsWhereItsFlagsWereRead) {
  const uint64_t dirty = 0x838;
  const uint64_t anonymous = 0x5868;
  for (const uint64_t flags : {dirty, anonymous}) {
    Watch(90);
    ProberReply reply;
    reply.attempts.push_back({});
    reply.frames.push_back({.frame = 77, .flags = flags, .present = kFrameFlags});
    Answer(Question(), std::move(reply));
  }
  Watch(90);
  Answer(Question(), Frame(77, 0));

  ASSERT_EQ(found_.size(), 3u);
  EXPECT_EQ(found_[0]->of_filesystem, true);
  EXPECT_EQ(found_[1]->of_filesystem, false);
  EXPECT_EQ(found_[2]->of_filesystem, absl::nullopt);
}

TEST_F(ProberPageWatchTest, TellsOfReleasesUntilTheWatchEnds) {
  const PageWatch::Id watch = Watch(90);
  const ProberRequest question = Question();
  Answer(question, Frame(77, kFrameWatched));

  Say(EncodePageReleased(question.sequence));
  Say(EncodePageReleased(question.sequence));
  EXPECT_EQ(released_, 2);

  pages_->Unwatch(watch);
  Say(EncodePageReleased(question.sequence));
  EXPECT_EQ(released_, 2);
  const ProberRequest end = Question();
  EXPECT_EQ(end.op, static_cast<uint32_t>(ProberOp::kUnwatchPage));
  EXPECT_EQ(std::string(end.name), std::to_string(question.sequence));
}

TEST_F(ProberPageWatchTest, AnAnswerToAReplacedQuestionIsNotTold) {
  const PageWatch::Id first = Watch(90);
  const ProberRequest first_question = Question();
  Watch(90, first);
  const ProberRequest second_question = Question();
  EXPECT_EQ(std::string(second_question.name), "90 " + std::to_string(first_question.sequence));

  Answer(first_question, Frame(77, 0));
  Say(EncodePageReleased(first_question.sequence));
  EXPECT_TRUE(found_.empty());
  EXPECT_EQ(released_, 0);

  Answer(second_question, Frame(78, 0));
  ASSERT_EQ(found_.size(), 1u);
  EXPECT_EQ(found_[0]->frame, 78u);
}

TEST_F(ProberPageWatchTest, SaysThatTheKernelToldOfNone) {
  Watch(90);
  Answer(Question(), Failed(ENOENT));

  ASSERT_EQ(found_.size(), 1u);
  EXPECT_EQ(found_[0].status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ProberPageWatchTest, AsksNoMoreWhereThereIsNoTrace) {
  Watch(90);
  Answer(Question(), Failed(ENOTSUP));

  EXPECT_EQ(Watch(90), 0u);
  EXPECT_EQ(Question().op, 0u);
}

TEST_F(ProberPageWatchTest, FindsWhoMapsAPage) {
  absl::StatusOr<PageMappers> answer = absl::UnknownError("none");
  pages_->FindMappers(77, [&](absl::StatusOr<PageMappers> found) { answer = std::move(found); });
  const ProberRequest question = Question();
  EXPECT_EQ(question.op, static_cast<uint32_t>(ProberOp::kWhoMaps));
  EXPECT_STREQ(question.name, "77 1");

  ProberReply reply = Frame(77, 0);
  MapperRecord mapper{.process = {.pid = 42, .uid = 1047}, .pages = 1};
  memcpy(mapper.process.name, "cam\xffra\n", 8);
  memcpy(mapper.process.executable, "/bin/\x1b", 7);
  memcpy(mapper.path, "/data/a\n", 9);
  reply.mappers.push_back(mapper);
  reply.mappers.push_back({.process = {.pid = 43, .uid = kNoUid}, .pages = 0});
  Answer(question, reply);

  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->file_owners.size(), 1u);
  EXPECT_EQ(answer->file_owners[0].pid, 43);
  EXPECT_EQ(answer->file_owners[0].uid, kUnknownUid);
  ASSERT_EQ(answer->processes.size(), 1u);
  EXPECT_EQ(answer->processes[0].pid, 42);
  EXPECT_EQ(answer->processes[0].uid, 1047u);
  EXPECT_EQ(answer->processes[0].name, "cam?ra?");
  EXPECT_EQ(answer->processes[0].executable, "/bin/?");
  EXPECT_EQ(answer->file_path, "/data/a?");
  EXPECT_TRUE(answer->complete);
}

TEST_F(ProberPageWatchTest, AQuestionThatAProberTookToItsGraveIsForgotten) {
  pages_->FindMappers(77, [](absl::StatusOr<PageMappers>) { FAIL(); });
  EXPECT_EQ(client_->pending(), 1u);

  executor_.Advance(absl::Minutes(1));

  EXPECT_EQ(client_->pending(), 0u);
}

TEST_F(ProberPageWatchTest, AnAttemptThatNoPageRefusedIsToldWithItsErrno) {
  Watch(90);
  ProberReply reply;
  reply.attempts.push_back({.error_number = ENOMEM, .windows_refused = 0});

  Answer(Question(), reply);

  ASSERT_EQ(found_.size(), 1u);
  ASSERT_TRUE(found_[0].ok()) << found_[0].status();
  EXPECT_EQ(found_[0]->frame, 0u);
  EXPECT_EQ(found_[0]->inner_error_number, ENOMEM);
  EXPECT_EQ(found_[0]->windows_refused, 0);
}

TEST_F(ProberPageWatchTest, WhoPinsAPageIsToldWithItsReferences) {
  std::vector<absl::StatusOr<PagePinners>> answers;
  pages_->FindPinners(77, absl::Milliseconds(30),
                      [&](absl::StatusOr<PagePinners> found) { answers.push_back(found); });
  const ProberRequest question = Question();
  EXPECT_EQ(question.op, static_cast<uint32_t>(ProberOp::kWhoPins));
  EXPECT_STREQ(question.name, "77 30");
  ProberReply reply;
  // KPF_LRU and KPF_ANON.
  reply.frames.push_back(
      {.frame = 77,
       .map_count = 1,
       .flags = (1u << 5) | (1u << 12),
       .present = kFrameMapCount | kFrameFlags | kFrameReferences | kFrameOfForker,
       .references = 2});
  reply.pinners.push_back(
      {.process = {.pid = 42, .uid = 1047, .name = "sp\nool", .cgroup = "/apps"}});
  reply.pinners.push_back({.process = {.pid = 43}, .kind = PinKind::kDirectIo});
  reply.pinners.push_back({.process = {.pid = 44}, .kind = PinKind::kAllocated});

  Answer(question, reply);

  ASSERT_EQ(answers.size(), 1u);
  ASSERT_TRUE(answers[0].ok()) << answers[0].status();
  EXPECT_EQ(answers[0]->kind, v1::Diagnosis::Pin::ANONYMOUS);
  EXPECT_EQ(answers[0]->mappings, 1);
  EXPECT_EQ(answers[0]->references, 2);
  EXPECT_TRUE(answers[0]->of_forker);
  EXPECT_TRUE(answers[0]->complete);
  ASSERT_EQ(answers[0]->pipe_holders.size(), 1u);
  EXPECT_EQ(answers[0]->pipe_holders[0].pid, 42);
  EXPECT_EQ(answers[0]->pipe_holders[0].name, "sp?ool");
  EXPECT_EQ(answers[0]->pipe_holders[0].cgroup, "/apps");
  ASSERT_EQ(answers[0]->transferers.size(), 1u);
  EXPECT_EQ(answers[0]->transferers[0].pid, 43);
  ASSERT_EQ(answers[0]->allocators.size(), 1u);
  EXPECT_EQ(answers[0]->allocators[0].pid, 44);
}

}  // namespace
}  // namespace dmaheap
