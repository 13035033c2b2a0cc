// The barrier with a cgroup made of files, a prober and a broker made of sockets, and a clock that
// the test moves. What the kernel does with the files the test does.

#include "daemon/keeper/barrier_keeper.h"

#include <sys/socket.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "heaps/temp_folder.h"
#include "proto/fd_socket.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

constexpr pid_t kKeeper = 100;
constexpr pid_t kOurs[] = {kKeeper, 101, 102};
constexpr pid_t kClient = 500;

class BarrierKeeperTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    Pair(broker_, brokers_keeper_);
    Pair(prober_, probers_keeper_);
    MakeCgroup("apps");
    MakeCgroup("video");
    folder_.MakeFolder("run");
    Start();
  }
  void TearDown() override {
    keeper_.reset();
    for (UniqueFd* fd : {&broker_, &brokers_keeper_, &prober_, &probers_keeper_}) fd->Reset();
    FdLeakCheck::TearDown();
  }

  static void Pair(UniqueFd& a, UniqueFd& b) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    a.Reset(ends[0]);
    b.Reset(ends[1]);
  }
  std::string PathOf(const std::string& name) const { return folder_.path() + "/" + name; }
  void MakeCgroup(const std::string& name) {
    folder_.MakeFolder(name);
    folder_.Write(name + "/cgroup.freeze", "0\n");
    SetFrozen(name, false);
  }
  // Says what the kernel says.
  void SetFrozen(const std::string& name, bool frozen) {
    folder_.Write(name + "/cgroup.events",
                  std::string("populated 1\nfrozen ") + (frozen ? "1\n" : "0\n"));
  }
  std::string Asked(const std::string& name = "apps") const {
    std::ostringstream text;
    text << std::ifstream(PathOf(name) + "/cgroup.freeze").rdbuf();
    return text.str().substr(0, 1);
  }
  bool HasRecord() const { return std::filesystem::exists(PathOf("run/frozen")); }

  void Start(bool with_prober = true) {
    BarrierKeeper::Setup setup;
    setup.cgroups = {PathOf("apps"), PathOf("video")};
    setup.socket_dir = PathOf("run");
    setup.broker_socket = brokers_keeper_.get();
    setup.prober_socket = with_prober ? probers_keeper_.get() : -1;
    setup.clock = [this] { return now_; };
    setup.hurry = [this](bool on) { hurries_ = on; };
    keeper_ = std::make_unique<BarrierKeeper>(std::move(setup));
    keeper_->TakeUp();
  }
  void Turn() { keeper_->Turn(kOurs); }
  void Advance(int milliseconds) {
    now_ += absl::Milliseconds(milliseconds);
    Turn();
  }

  void SendFreeze(uint64_t sequence, uint32_t cgroup = 0, int box = 20) {
    BarrierRequest request;
    request.sequence = sequence;
    request.cgroup = cgroup;
    request.box_microseconds = static_cast<uint32_t>(box * 1000);
    request.client_count = 1;
    request.clients[0] = kClient;
    ASSERT_TRUE(SendDatagram(broker_.get(), EncodeBarrierMessage(request), {}).ok());
    Turn();
  }
  void SendThaw(uint64_t sequence) {
    BarrierRequest request;
    request.op = BarrierOp::kThaw;
    request.sequence = sequence;
    ASSERT_TRUE(SendDatagram(broker_.get(), EncodeBarrierMessage(request), {}).ok());
    Turn();
  }
  absl::optional<GuardRequest> NextQuestion() {
    const auto datagram = ReceiveDatagram(prober_.get(), 4096, 0);
    if (!datagram.ok()) return absl::nullopt;
    return DecodeBarrierMessage<GuardRequest>(datagram->bytes);
  }
  void AnswerQuestion(GuardFinding finding, pid_t pid = 0, int error = 0) {
    const auto question = NextQuestion();
    ASSERT_TRUE(question.has_value());
    GuardReply reply;
    reply.finding = finding;
    reply.sequence = question->sequence;
    reply.pid = pid;
    reply.error_number = error;
    ASSERT_TRUE(SendDatagram(prober_.get(), EncodeBarrierMessage(reply), {}).ok());
    Turn();
  }
  absl::optional<BarrierReply> NextReply() {
    const auto datagram = ReceiveDatagram(broker_.get(), 4096, 0);
    if (!datagram.ok()) return absl::nullopt;
    return DecodeBarrierMessage<BarrierReply>(datagram->bytes);
  }
  void ExpectRefused(uint64_t sequence, BarrierReason reason) {
    const auto reply = NextReply();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->event, BarrierEvent::kRefused);
    EXPECT_EQ(reply->sequence, sequence);
    EXPECT_EQ(reply->reason, reason);
  }
  void ExpectThawed(uint64_t sequence, BarrierReason reason, int milliseconds) {
    const auto reply = NextReply();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->event, BarrierEvent::kThawed);
    EXPECT_EQ(reply->sequence, sequence);
    EXPECT_EQ(reply->reason, reason);
    EXPECT_EQ(reply->nanoseconds, milliseconds * 1'000'000);
  }
  // Until everything stands still, 2 ms after it was asked to.
  void FreezeFully(uint64_t sequence, uint32_t cgroup = 0, int box = 20) {
    SendFreeze(sequence, cgroup, box);
    AnswerQuestion(GuardFinding::kClear);
    SetFrozen(cgroup == 0 ? "apps" : "video", true);
    Advance(2);
    const auto reply = NextReply();
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->event, BarrierEvent::kFrozen);
    EXPECT_EQ(reply->sequence, sequence);
    EXPECT_EQ(reply->nanoseconds, 2'000'000);
  }

  TempFolder folder_;
  bool hurries_ = false;
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1);
  UniqueFd broker_, brokers_keeper_, prober_, probers_keeper_;
  std::unique_ptr<BarrierKeeper> keeper_;
};

TEST_F(BarrierKeeperTest, FreezesOnceTheProberSawNobodyWhoMustRun) {
  SendFreeze(7);
  EXPECT_EQ(Asked(), "0");
  EXPECT_FALSE(HasRecord());
  const auto question = NextQuestion();
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->cgroup, 0u);
  ASSERT_EQ(question->pid_count, 4u);
  EXPECT_EQ(question->pids[0], kKeeper);
  EXPECT_EQ(question->pids[3], kClient);

  GuardReply reply;
  reply.finding = GuardFinding::kClear;
  reply.sequence = question->sequence;
  ASSERT_TRUE(SendDatagram(prober_.get(), EncodeBarrierMessage(reply), {}).ok());
  Turn();

  EXPECT_EQ(Asked(), "1");
  EXPECT_TRUE(HasRecord());
  EXPECT_TRUE(keeper_->HoldsStill());
  EXPECT_FALSE(NextReply().has_value()) << "not yet everything stands still";
  SetFrozen("apps", true);
  Turn();
  EXPECT_EQ(NextReply()->event, BarrierEvent::kFrozen);
}

TEST_F(BarrierKeeperTest, ThawsWhenAsked) {
  FreezeFully(7);
  EXPECT_TRUE(hurries_);
  now_ += absl::Milliseconds(3);
  SetFrozen("apps", false);
  SendThaw(7);

  EXPECT_EQ(Asked(), "0");
  ExpectThawed(7, BarrierReason::kAsked, 5);
  EXPECT_FALSE(hurries_);
  EXPECT_FALSE(HasRecord());
  EXPECT_TRUE(keeper_->idle());
}

TEST_F(BarrierKeeperTest, AThawOfAnotherBarrierIsNotHeard) {
  FreezeFully(7);
  SendThaw(6);
  EXPECT_EQ(Asked(), "1");
}

TEST_F(BarrierKeeperTest, ThawsJustBeforeTheEndOfTheBoxThoughNobodyAsks) {
  FreezeFully(7);
  EXPECT_EQ(keeper_->deadline(), now_ + absl::Milliseconds(17));
  Advance(16);
  EXPECT_EQ(Asked(), "1");
  SetFrozen("apps", false);
  Advance(1);

  EXPECT_EQ(Asked(), "0");
  ExpectThawed(7, BarrierReason::kBoxOver, 19);
  EXPECT_EQ(keeper_->deadline(), absl::InfiniteFuture());
}

TEST_F(BarrierKeeperTest, AfterAThawThatCameLateTheNextIsEarlier) {
  FreezeFully(7);
  SetFrozen("apps", false);
  Advance(17 + 4);
  ExpectThawed(7, BarrierReason::kBoxOver, 23);
  now_ += kBarrierWindow;

  FreezeFully(8);

  EXPECT_EQ(keeper_->deadline(), now_ + absl::Milliseconds(20 - 2 - 4) - ThawMargin::kAfterTheWord);
}

TEST_F(BarrierKeeperTest, ThawsWhatDidNotStandStillWithinTheBox) {
  SendFreeze(7);
  AnswerQuestion(GuardFinding::kClear);
  Advance(20);

  EXPECT_EQ(Asked(), "0");
  ExpectRefused(7, BarrierReason::kNotInTime);
  EXPECT_FALSE(HasRecord());
}

TEST_F(BarrierKeeperTest, ADeathThawsAtOnce) {
  FreezeFully(7);
  SetFrozen("apps", false);
  keeper_->Release();

  EXPECT_EQ(Asked(), "0");
  ExpectThawed(7, BarrierReason::kStopping, 2);
}

TEST_F(BarrierKeeperTest, ADeathTakesBackWhatHasNotBegun) {
  SendFreeze(7);
  keeper_->Release();
  ExpectRefused(7, BarrierReason::kStopping);

  // The answer comes too late.
  AnswerQuestion(GuardFinding::kClear);
  EXPECT_EQ(Asked(), "0");
}

TEST_F(BarrierKeeperTest, WhatADeadBrokerAskedForIsNotDone) {
  BarrierRequest request;
  request.box_microseconds = 20'000;
  ASSERT_TRUE(SendDatagram(broker_.get(), EncodeBarrierMessage(request), {}).ok());
  keeper_->Release();
  keeper_->ForgetBroker();
  Turn();

  EXPECT_FALSE(NextQuestion().has_value());
}

TEST_F(BarrierKeeperTest, AThawIsConfirmedBeforeTheNextBegins) {
  FreezeFully(7);
  // The kernel still says frozen.
  SendThaw(7);
  EXPECT_EQ(Asked(), "0");
  EXPECT_TRUE(HasRecord());
  EXPECT_FALSE(keeper_->HoldsStill());
  EXPECT_FALSE(NextReply().has_value());

  SendFreeze(8, 1);
  ExpectRefused(8, BarrierReason::kThawPending);

  Advance(5);
  SetFrozen("apps", false);
  Advance(1);
  ExpectThawed(7, BarrierReason::kAsked, 8);
  EXPECT_FALSE(HasRecord());
  SendFreeze(9, 1);
  EXPECT_TRUE(NextQuestion().has_value());
}

TEST_F(BarrierKeeperTest, WhatSomebodyElseFreezesMeanwhileIsLeftAlone) {
  FreezeFully(7);
  SendThaw(7);
  folder_.Write("apps/cgroup.freeze", "1\n");
  Advance(1);

  ExpectThawed(7, BarrierReason::kAsked, 3);
  EXPECT_EQ(Asked(), "1");
}

TEST_F(BarrierKeeperTest, OneAtATime) {
  SendFreeze(7);
  SendFreeze(8, 1);
  ExpectRefused(8, BarrierReason::kOtherBarrier);
  AnswerQuestion(GuardFinding::kClear);
  SendFreeze(9, 1);
  ExpectRefused(9, BarrierReason::kOtherBarrier);
  SetFrozen("apps", true);
  Turn();
  EXPECT_EQ(NextReply()->event, BarrierEvent::kFrozen);
  SendFreeze(10, 0);
  ExpectRefused(10, BarrierReason::kOtherBarrier);
  EXPECT_EQ(Asked("video"), "0");
}

TEST_F(BarrierKeeperTest, WhatIsFrozenAlreadyIsNeitherFrozenNorThawedByUs) {
  folder_.Write("apps/cgroup.freeze", "1\n");
  SendFreeze(7);
  ExpectRefused(7, BarrierReason::kAlreadyFrozen);
  SendThaw(7);
  EXPECT_EQ(Asked(), "1");

  // By a cgroup above it.
  SetFrozen("video", true);
  SendFreeze(8, 1);
  ExpectRefused(8, BarrierReason::kAlreadyFrozen);
}

TEST_F(BarrierKeeperTest, WhatWasFrozenWhileTheProberLookedIsSkippedToo) {
  SendFreeze(7);
  folder_.Write("apps/cgroup.freeze", "1\n");
  AnswerQuestion(GuardFinding::kClear);
  ExpectRefused(7, BarrierReason::kAlreadyFrozen);
  EXPECT_FALSE(HasRecord());
}

TEST_F(BarrierKeeperTest, MembersThatMustRunAreNamed) {
  SendFreeze(1);
  AnswerQuestion(GuardFinding::kListed, 101);
  ExpectRefused(1, BarrierReason::kHoldsUs);
  SendFreeze(2);
  AnswerQuestion(GuardFinding::kListed, kClient);
  ExpectRefused(2, BarrierReason::kHoldsClient);
  SendFreeze(3);
  AnswerQuestion(GuardFinding::kVital, 1);
  const auto reply = NextReply();
  EXPECT_EQ(reply->reason, BarrierReason::kHoldsVital);
  EXPECT_EQ(reply->pid, 1);
  SendFreeze(4);
  AnswerQuestion(GuardFinding::kUnknown, 0, EACCES);
  const auto unknown = NextReply();
  EXPECT_EQ(unknown->reason, BarrierReason::kMembersUnknown);
  EXPECT_EQ(unknown->error_number, EACCES);
  EXPECT_EQ(Asked(), "0");
}

TEST_F(BarrierKeeperTest, NoMoreThanTheBudgetOfASecondPerCgroup) {
  FreezeFully(1, 0, 30);
  SetFrozen("apps", false);
  Advance(28);
  ExpectThawed(1, BarrierReason::kBoxOver, 30);

  SendFreeze(2, 0, 21);
  const auto reply = NextReply();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->reason, BarrierReason::kOverBudget);
  EXPECT_EQ(reply->nanoseconds, 950'000'000);
  // What fits may be, and the other cgroup has its own.
  FreezeFully(3, 1, 50);
  SetFrozen("video", false);
  SendThaw(3);
  ExpectThawed(3, BarrierReason::kAsked, 2);
  FreezeFully(4, 0, 20);
}

TEST_F(BarrierKeeperTest, AProberThatIsSilentIsNotWaitedForForEver) {
  SendFreeze(7);
  Advance(199);
  EXPECT_FALSE(NextReply().has_value());
  Advance(1);
  ExpectRefused(7, BarrierReason::kSilentProber);
  AnswerQuestion(GuardFinding::kClear);
  EXPECT_EQ(Asked(), "0");
}

TEST_F(BarrierKeeperTest, WithoutAProberNothingIsFrozen) {
  Start(/*with_prober=*/false);
  SendFreeze(7);
  ExpectRefused(7, BarrierReason::kNoProber);
}

TEST_F(BarrierKeeperTest, OtherCgroupsAndBoxesAreRefused) {
  SendFreeze(1, 2);
  ExpectRefused(1, BarrierReason::kNoSuchCgroup);
  SendFreeze(2, 0xffffffff);
  ExpectRefused(2, BarrierReason::kNoSuchCgroup);
  SendFreeze(3, 0, 51);
  ExpectRefused(3, BarrierReason::kBadBox);
  SendFreeze(4, 0, 0);
  ExpectRefused(4, BarrierReason::kBadBox);
}

TEST_F(BarrierKeeperTest, GarbageOfATakenOverBrokerIsDropped) {
  ASSERT_TRUE(SendDatagram(broker_.get(), "garbage", {}).ok());
  ASSERT_TRUE(SendDatagram(broker_.get(), std::string(5000, '\xff'), {}).ok());
  BarrierRequest request;
  request.op = static_cast<BarrierOp>(77);
  ASSERT_TRUE(SendDatagram(broker_.get(), EncodeBarrierMessage(request), {}).ok());
  request.op = BarrierOp::kFreeze;
  request.box_microseconds = 1000;
  request.client_count = 0xffffffff;
  ASSERT_TRUE(SendDatagram(broker_.get(), EncodeBarrierMessage(request), {}).ok());
  Turn();

  const auto question = NextQuestion();
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->pid_count, std::size(kOurs) + kMaxGuardedClients);
}

TEST_F(BarrierKeeperTest, ACgroupThatComesLaterIsOpenedWhenAskedFor) {
  std::filesystem::remove_all(PathOf("apps"));
  Start();
  SendFreeze(7);
  const auto reply = NextReply();
  EXPECT_EQ(reply->reason, BarrierReason::kFileError);
  EXPECT_EQ(reply->error_number, ENOENT);

  MakeCgroup("apps");
  FreezeFully(8);
}

TEST_F(BarrierKeeperTest, WithoutARecordNothingIsFrozen) {
  std::filesystem::remove_all(PathOf("run"));
  SendFreeze(7);
  AnswerQuestion(GuardFinding::kClear);
  ExpectRefused(7, BarrierReason::kFileError);
  EXPECT_FALSE(hurries_);
  EXPECT_EQ(Asked(), "0");
}

TEST_F(BarrierKeeperTest, ItsEndThaws) {
  FreezeFully(7);
  SetFrozen("apps", false);
  keeper_.reset();
  EXPECT_EQ(Asked(), "0");
  EXPECT_FALSE(HasRecord());
}

TEST_F(BarrierKeeperTest, AfterAStopNothingIsFrozen) {
  keeper_->Stop();
  SendFreeze(7);
  ExpectRefused(7, BarrierReason::kStopping);
}

class LeftFrozenTest : public BarrierKeeperTest {
 protected:
  // A keeper that froze apps was killed; the next comes up.
  void KillAndStart() {
    FreezeFully(7);
    std::filesystem::copy_file(PathOf("run/frozen"), PathOf("saved"));
    keeper_.reset();
    folder_.Write("apps/cgroup.freeze", "1\n");
    std::filesystem::rename(PathOf("saved"), PathOf("run/frozen"));
    while (NextReply().has_value()) {
    }
  }
};

TEST_F(LeftFrozenTest, TheNextStartThawsIt) {
  KillAndStart();
  Start();

  EXPECT_EQ(Asked(), "0");
  EXPECT_TRUE(HasRecord()) << "until it is confirmed";
  SendFreeze(8, 1);
  ExpectRefused(8, BarrierReason::kThawPending);
  SetFrozen("apps", false);
  Advance(1);
  EXPECT_FALSE(HasRecord());
  EXPECT_FALSE(NextReply().has_value()) << "nobody asked";
}

TEST_F(LeftFrozenTest, AlsoIfItIsNoMoreOnTheCommandLine) {
  KillAndStart();
  SetFrozen("apps", false);
  BarrierKeeper::Setup setup;
  setup.socket_dir = PathOf("run");
  setup.clock = [this] { return now_; };
  BarrierKeeper other(std::move(setup));
  other.TakeUp();

  EXPECT_EQ(Asked(), "0");
  EXPECT_FALSE(HasRecord());
}

TEST_F(LeftFrozenTest, WhatIsThawedAlreadyIsNotTouched) {
  KillAndStart();
  folder_.Write("apps/cgroup.freeze", "0\n");
  Start();

  EXPECT_TRUE(keeper_->idle());
  EXPECT_FALSE(HasRecord());
}

TEST_F(LeftFrozenTest, AnotherCgroupOfTheSamePathIsNotThawed) {
  KillAndStart();
  std::filesystem::rename(PathOf("apps"), PathOf("old"));
  MakeCgroup("apps");
  folder_.Write("apps/cgroup.freeze", "1\n");
  Start();

  EXPECT_EQ(Asked(), "1");
  EXPECT_FALSE(HasRecord());
}

TEST_F(LeftFrozenTest, ACgroupThatIsGoneIsForgotten) {
  KillAndStart();
  std::filesystem::remove_all(PathOf("apps"));
  Start();

  EXPECT_TRUE(keeper_->idle());
  EXPECT_FALSE(HasRecord());
}

TEST_F(LeftFrozenTest, ARecordThatCanNotBeFollowedKeepsAllFromFreezing) {
  KillAndStart();
  std::filesystem::remove(PathOf("apps/cgroup.freeze"));
  std::filesystem::create_symlink("elsewhere", PathOf("apps/cgroup.freeze"));
  Start();
  EXPECT_TRUE(HasRecord());
  SendFreeze(8, 1);
  ExpectRefused(8, BarrierReason::kThawPending);

  // It is tried again each time.
  std::filesystem::remove(PathOf("apps/cgroup.freeze"));
  folder_.Write("apps/cgroup.freeze", "1\n");
  SetFrozen("apps", false);
  FreezeFully(9, 1);
  EXPECT_EQ(Asked("apps"), "0");
}

}  // namespace
}  // namespace dmaheap
