#include "daemon/diagnosis/prober/prober.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "daemon/diagnosis/prober/scout_looks.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "daemon/diagnosis/prober/testing/held_pipe.h"
#include "daemon/handover/barrier_wire.h"
#include "gtest/gtest.h"
#include "proto/fd_socket.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// Whether something comes, in a hundred times what any answer may take. Signals of the prober's
// time box may come to this thread.
bool IsAnswered(const UniqueFd& socket) {
  const TimeBox far_too_long(absl::Seconds(5));
  while (!far_too_long.Ended()) {
    pollfd answer = {.fd = socket.get(), .events = POLLIN, .revents = 0};
    if (poll(&answer, 1, /*timeout=*/100) == 1) return true;
  }
  return false;
}

class ProberTest : public ::testing::Test {
 protected:
  // The one part of an answer.
  ProberReplyPart Answer(ProberOp op, absl::string_view name) {
    const auto parts = prober_.Answer(EncodeProberRequest(op, 5, name).value());
    EXPECT_EQ(parts.size(), 1u);
    return DecodeProberReply(parts.at(0)).value();
  }

  FakeTree tree_;
  Prober prober_{tree_.roots(), MemfdMark()};
};

TEST_F(ProberTest, AnswersWithTheSequenceOfTheQuestion) {
  const ProberReplyPart part = Answer(ProberOp::kListDmabufs, "");

  EXPECT_EQ(part.header.sequence, 5u);
  EXPECT_EQ(part.header.op, static_cast<uint32_t>(ProberOp::kListDmabufs));
  EXPECT_EQ(part.header.error_number, 0);
}

TEST_F(ProberTest, AnswersForAnArea) {
  tree_.File("debugfs/cma/reserved/count", "32\n");
  tree_.File("debugfs/cma/reserved/order_per_bit", "0\n");
  tree_.File("debugfs/cma/reserved/bitmap", "255\n");

  const auto parts =
      prober_.Answer(EncodeProberRequest(ProberOp::kFreeRuns, 5, "reserved").value());

  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(DecodeProberReply(parts[0])->areas.at(0).count_pages, 32u);
  EXPECT_EQ(DecodeProberReply(parts[1])->runs.at(0).pages, 24u);
}

TEST_F(ProberTest, TellsWhatItCanSee) {
  const ProberReplyPart part = Answer(ProberOp::kSources, "");

  EXPECT_EQ(part.sources.size(), 7u);
}

TEST_F(ProberTest, WithoutAKernelLogItSaysSo) {
  EXPECT_EQ(Answer(ProberOp::kKernelLog, "").header.error_number, ENOENT);
}

TEST_F(ProberTest, AnOpThatIsNotKnownIsNotSupported) {
  const ProberReplyPart part = Answer(static_cast<ProberOp>(99), "");

  EXPECT_EQ(part.header.error_number, ENOTSUP);
  EXPECT_EQ(part.header.sequence, 5u);
}

TEST_F(ProberTest, WhatIsNoRequestGetsNoAnswer) {
  EXPECT_TRUE(prober_.Answer("").empty());
  EXPECT_TRUE(prober_.Answer(std::string(sizeof(ProberRequest), '\xff')).empty());
}

TEST_F(ProberTest, ServesUntilTheOtherEndIsClosed) {
  // More than a socket holds, so that it has to wait for its reader.
  for (int pid = 1; pid <= 20; ++pid) {
    tree_.Process(pid);
    std::string maps;
    for (int i = 0; i < 500; ++i) {
      maps += "7f00-7f10 rw-s 0 00:0c " + std::to_string(pid * 1000 + i) + " /dmabuf:x\n";
    }
    tree_.File("proc/" + std::to_string(pid) + "/maps", maps);
  }
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd broker(ends[0]);
  const UniqueFd own(ends[1]);
  Interrupter::InstallHandler();
  absl::Status served = absl::UnknownError("still serving");
  std::thread prober([&] { served = prober_.Serve(own.get(), /*keeper=*/-1); });

  ASSERT_TRUE(SendDatagram(broker.get(), "garbage", {}).ok());
  ASSERT_TRUE(SendDatagram(broker.get(), std::string(1000, 'x'), {}).ok());
  const std::string request = EncodeProberRequest(ProberOp::kListDmabufs, 9, "").value();
  ASSERT_TRUE(SendDatagram(broker.get(), request, {}).ok());
  size_t buffers = 0;
  while (true) {
    const auto datagram = ReceiveDatagram(broker.get(), kMaxProberDatagramBytes, 0);
    ASSERT_TRUE(datagram.ok()) << datagram.status();
    const auto part = DecodeProberReply(datagram->bytes);
    ASSERT_TRUE(part.ok()) << part.status();
    EXPECT_EQ(part->header.sequence, 9u);
    buffers += part->buffers.size();
    if ((part->header.flags & kProberLast) != 0) break;
  }
  broker.Reset();
  prober.join();

  EXPECT_TRUE(served.ok()) << served;
  // All of them, or what fit into the time box of a busy machine.
  EXPECT_GT(buffers, 0u);
}

TEST_F(ProberTest, ListsTheMembersOfACgroupOfTheCommandLine) {
  tree_.File("sys/apps/cgroup.procs", "10\n");
  tree_.File("sys/apps/below/cgroup.procs", "11\n");
  Prober prober(tree_.roots(), MemfdMark(), {tree_.path() + "/sys/apps", tree_.path() + "/none"});
  const auto ask = [&](absl::string_view place) {
    return DecodeProberReply(
               prober.Answer(EncodeProberRequest(ProberOp::kCgroupMembers, 5, place).value()).at(0))
        .value();
  };

  const ProberReplyPart part = ask("0");
  EXPECT_EQ(part.header.error_number, 0);
  EXPECT_EQ(part.header.flags, kProberLast);
  ASSERT_EQ(part.members.size(), 2u);
  EXPECT_EQ(part.members[0].pid + part.members[1].pid, 21);
  EXPECT_EQ(ask("1").header.error_number, ENOENT);
  for (const char* place : {"2", "-1", "", "x", "../apps"}) {
    EXPECT_EQ(ask(place).header.error_number, EINVAL) << place;
  }
}

TEST_F(ProberTest, AnswersTheKeeperBesideTheBroker) {
  tree_.File("sys/apps/cgroup.procs", "10\n");
  tree_.File("proc/10/comm", "camera\n");
  Prober prober(tree_.roots(), MemfdMark(), {tree_.path() + "/sys/apps"});
  int ends[4];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends + 2), 0);
  UniqueFd broker(ends[0]), keeper(ends[2]);
  const UniqueFd brokers(ends[1]), keepers(ends[3]);
  Interrupter::InstallHandler();
  absl::Status served = absl::UnknownError("still serving");
  std::thread serving([&] { served = prober.Serve(brokers.get(), keepers.get()); });

  ASSERT_TRUE(SendDatagram(keeper.get(), "garbage", {}).ok());
  GuardRequest question;
  question.sequence = 3;
  ASSERT_TRUE(SendDatagram(keeper.get(), EncodeBarrierMessage(question), {}).ok());
  const auto datagram = ReceiveDatagram(keeper.get(), sizeof(GuardReply), 0);
  ASSERT_TRUE(datagram.ok()) << datagram.status();
  const auto reply = DecodeBarrierMessage<GuardReply>(datagram->bytes);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->sequence, 3u);
  EXPECT_EQ(reply->finding, GuardFinding::kClear);
  broker.Reset();
  serving.join();

  EXPECT_TRUE(served.ok()) << served;
}

// The keeper's question stands for everybody's: what waits for it is an allocation.
TEST_F(ProberTest, AHeldLockOfAPipeDoesNotStopIt) {
  const std::string fifo = tree_.Pipe(10, 3);
  Interrupter::InstallHandler();
  int trace[2];
  int ends[4];
  ASSERT_EQ(pipe2(trace, O_CLOEXEC | O_NONBLOCK), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends + 2), 0);
  const UniqueFd trace_end(trace[0]), kernel(trace[1]);
  const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  UniqueFd broker(ends[0]), keeper(ends[2]);
  const UniqueFd brokers(ends[1]), keepers(ends[3]);
  tree_.File("sys/apps/cgroup.procs", "10\n");
  Prober prober(tree_.roots(), MemfdMark(), {tree_.path() + "/sys/apps"},
                {.pipe = trace_end.get(), .filter = null.get(), .enable = null.get()},
                Scouts::Start(&LookAsScout).value());
  auto held = HeldPipe::Take(fifo);
  if (!held.ok()) GTEST_SKIP() << "no pipe's lock can be held here: " << held.status();
  std::thread serving([&] { EXPECT_TRUE(prober.Serve(brokers.get(), keepers.get()).ok()); });

  const std::string question = EncodeProberRequest(ProberOp::kWhoPins, 7, "5 1000").value();
  ASSERT_TRUE(SendDatagram(broker.get(), question, {}).ok());
  EXPECT_TRUE(IsAnswered(broker)) << "it waits for the pipe";
  GuardRequest guard;
  guard.sequence = 3;
  ASSERT_TRUE(SendDatagram(keeper.get(), EncodeBarrierMessage(guard), {}).ok());
  EXPECT_TRUE(IsAnswered(keeper)) << "it waits for the pipe";
  (*held)->Release();
  const auto reply =
      DecodeProberReply(ReceiveDatagram(broker.get(), kMaxProberDatagramBytes, 0)->bytes);
  broker.Reset();
  serving.join();

  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->header.sequence, 7u);
  EXPECT_NE(reply->header.flags & kProberHoldersPartial, 0u);
}

TEST(RunProberTest, StartedByHandItRefusesWithTheReason) { EXPECT_EQ(RunProber(Options()), 1); }

TEST_F(ProberTest, TellsOfAReleaseWhileItServes) {
  int trace[2];
  int sockets[2];
  ASSERT_EQ(pipe2(trace, O_CLOEXEC | O_NONBLOCK), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
  const UniqueFd trace_end(trace[0]);
  const UniqueFd kernel(trace[1]);
  const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  const UniqueFd prober_end(sockets[0]);
  UniqueFd broker(sockets[1]);
  Prober prober(tree_.roots(), MemfdMark(), {},
                {.pipe = trace_end.get(), .filter = null.get(), .enable = null.get()});
  std::thread serving([&] { EXPECT_TRUE(prober.Serve(prober_end.get(), -1).ok()); });
  const auto say = [&](const std::string& line) {
    ASSERT_EQ(write(kernel.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
  };
  const auto next = [&] {
    const auto datagram = ReceiveDatagram(broker.get(), kMaxProberDatagramBytes, 0);
    return DecodeProberReply(datagram->bytes).value();
  };
  const std::string refused =
      "  heap-x-90  [001] ..... 4.0: test_pages_isolated: start_pfn=0x1 end_pfn=0x9 fin_pfn=0x5 "
      "ret=fail\n";

  const uint64_t flags[] = {0, 0, 0, 0, 0, 0x838};
  tree_.File("proc/kpageflags", std::string(reinterpret_cast<const char*>(flags), sizeof(flags)));
  for (uint64_t sequence : {1, 2}) {
    say(refused);
    const std::string question =
        EncodeProberRequest(ProberOp::kWatchPage, sequence, sequence == 1 ? "90 0" : "90 1")
            .value();
    ASSERT_TRUE(SendDatagram(broker.get(), question, {}).ok());
    const FrameRecord frame = next().frames.at(0);
    EXPECT_EQ(next().attempts.at(0).windows_refused, 1u);
    EXPECT_EQ(frame.frame, 5u);
    EXPECT_EQ(frame.present & kFrameFlags, kFrameFlags);
    EXPECT_EQ(frame.flags, 0x838u);
  }
  say("  sh-7  [001] ..... 4.2: page_ref_mod_and_test: pfn=0x5 flags=none count=1 mapcount=0 "
      "mapping=0 mt=1 val=-1 ret=0\n");

  const ProberReplyPart told = next();
  EXPECT_EQ(told.header.flags & kProberPageReleased, kProberPageReleased);
  EXPECT_EQ(told.header.sequence, 2u);
  broker.Reset();
  serving.join();
}

}  // namespace
}  // namespace dmaheap
