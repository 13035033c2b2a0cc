#include "daemon/handover/barrier_link.h"

#include <sched.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "daemon/handover/barrier_cpu.h"
#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

class BarrierLinkTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    keeper_.Reset(ends[1]);
    link_ = Link(UniqueFd(ends[0]));
  }
  void TearDown() override {
    link_.reset();
    EXPECT_EQ(executor_.timers(), 0u);
    keeper_.Reset();
    FdLeakCheck::TearDown();
  }

  std::unique_ptr<BarrierLink> Link(UniqueFd socket) {
    return BarrierLink::Create(executor_, std::move(socket), 2, [this] { return clients_; })
        .value();
  }
  void Freeze(int cgroup = 1, absl::Duration box = absl::Milliseconds(20)) {
    executor_.Post([=, this] {
      link_->Freeze(
          cgroup, box, [this](absl::Status status) { frozen_.push_back(std::move(status)); },
          [this](absl::Duration frozen_for) { thawed_.push_back(frozen_for); });
    });
  }
  absl::optional<BarrierRequest> NextRequest() {
    const auto datagram = ReceiveDatagram(keeper_.get(), sizeof(BarrierRequest), 0);
    if (!datagram.ok()) return absl::nullopt;
    return DecodeBarrierMessage<BarrierRequest>(datagram->bytes);
  }
  void Reply(const BarrierReply& reply) {
    ASSERT_TRUE(SendDatagram(keeper_.get(), EncodeBarrierMessage(reply), {}).ok());
    TakeReplies();
  }
  void Reply(uint64_t sequence, BarrierEvent event, BarrierReason reason = BarrierReason::kNone,
             absl::Duration time = absl::ZeroDuration()) {
    BarrierReply reply;
    reply.sequence = sequence;
    reply.event = event;
    reply.reason = reason;
    reply.nanoseconds = absl::ToInt64Nanoseconds(time);
    Reply(reply);
  }
  void TakeReplies() {
    executor_.Post([this] { ASSERT_TRUE(link_->OnReadable().ok()); });
  }

  VirtualExecutor executor_;
  UniqueFd keeper_;
  std::unique_ptr<BarrierLink> link_;
  std::vector<pid_t> clients_ = {500, 501};
  std::vector<absl::Status> frozen_;
  std::vector<absl::Duration> thawed_;
};

TEST_F(BarrierLinkTest, AsksForItsCgroupAndNamesTheClients) {
  EXPECT_EQ(link_->cgroups(), 2);
  Freeze();

  const auto request = NextRequest();
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->op, BarrierOp::kFreeze);
  EXPECT_EQ(request->cgroup, 1u);
  EXPECT_EQ(request->box_microseconds, 20'000u);
  ASSERT_EQ(request->client_count, 2u);
  EXPECT_EQ(request->clients[0], 500);
  EXPECT_EQ(request->clients[1], 501);
  EXPECT_TRUE(frozen_.empty());
}

TEST_F(BarrierLinkTest, TellsOfFreezeAndThaw) {
  Freeze();
  const uint64_t sequence = NextRequest()->sequence;
  Reply(sequence, BarrierEvent::kFrozen);
  ASSERT_EQ(frozen_.size(), 1u);
  EXPECT_TRUE(frozen_[0].ok());
  EXPECT_TRUE(thawed_.empty());

  executor_.Post([this] { link_->Thaw(); });
  const auto thaw = NextRequest();
  ASSERT_TRUE(thaw.has_value());
  EXPECT_EQ(thaw->op, BarrierOp::kThaw);
  EXPECT_EQ(thaw->sequence, sequence);

  Reply(sequence, BarrierEvent::kThawed, BarrierReason::kAsked, absl::Milliseconds(7));
  ASSERT_EQ(thawed_.size(), 1u);
  EXPECT_EQ(thawed_[0], absl::Milliseconds(7));
  EXPECT_EQ(frozen_.size(), 1u);
}

TEST_F(BarrierLinkTest, TheEndOfTheBoxIsToldWithoutAsking) {
  Freeze();
  const uint64_t sequence = NextRequest()->sequence;
  Reply(sequence, BarrierEvent::kFrozen);
  Reply(sequence, BarrierEvent::kThawed, BarrierReason::kBoxOver, absl::Milliseconds(20));
  EXPECT_EQ(thawed_.size(), 1u);
  // Too late, and harmless.
  executor_.Post([this] { link_->Thaw(); });
}

TEST_F(BarrierLinkTest, ARefusalSaysWhy) {
  const std::pair<BarrierReason, absl::StatusCode> kCases[] = {
      {BarrierReason::kNoSuchCgroup, absl::StatusCode::kInvalidArgument},
      {BarrierReason::kBadBox, absl::StatusCode::kInvalidArgument},
      {BarrierReason::kOtherBarrier, absl::StatusCode::kUnavailable},
      {BarrierReason::kThawPending, absl::StatusCode::kUnavailable},
      {BarrierReason::kAlreadyFrozen, absl::StatusCode::kAlreadyExists},
      {BarrierReason::kOverBudget, absl::StatusCode::kResourceExhausted},
      {BarrierReason::kNoProber, absl::StatusCode::kFailedPrecondition},
      {BarrierReason::kSilentProber, absl::StatusCode::kUnavailable},
      {BarrierReason::kHoldsUs, absl::StatusCode::kFailedPrecondition},
      {BarrierReason::kHoldsClient, absl::StatusCode::kFailedPrecondition},
      {BarrierReason::kHoldsVital, absl::StatusCode::kFailedPrecondition},
      {BarrierReason::kMembersUnknown, absl::StatusCode::kFailedPrecondition},
      {BarrierReason::kFileError, absl::StatusCode::kInternal},
      {BarrierReason::kNotInTime, absl::StatusCode::kDeadlineExceeded},
      {BarrierReason::kAsked, absl::StatusCode::kCancelled},
      {BarrierReason::kStopping, absl::StatusCode::kCancelled},
      {static_cast<BarrierReason>(77), absl::StatusCode::kInternal}};
  for (const auto& [reason, code] : kCases) {
    frozen_.clear();
    Freeze();
    Reply(NextRequest()->sequence, BarrierEvent::kRefused, reason);
    ASSERT_EQ(frozen_.size(), 1u);
    EXPECT_EQ(frozen_[0].code(), code) << frozen_[0];
  }
  EXPECT_TRUE(thawed_.empty());
}

TEST_F(BarrierLinkTest, AFileErrorCarriesItsErrno) {
  Freeze();
  BarrierReply reply;
  reply.sequence = NextRequest()->sequence;
  reply.reason = BarrierReason::kFileError;
  reply.error_number = ENOENT;
  Reply(reply);
  EXPECT_EQ(GetErrno(frozen_.at(0)), ENOENT);
}

TEST_F(BarrierLinkTest, OneAtATime) {
  Freeze();
  Freeze();
  ASSERT_EQ(frozen_.size(), 1u);
  EXPECT_TRUE(absl::IsUnavailable(frozen_[0]));
}

TEST_F(BarrierLinkTest, WrongNumbersStayWrong) {
  Freeze(-1, absl::Hours(100));
  const auto request = NextRequest();
  EXPECT_EQ(request->cgroup, 0xffffffffu);
  EXPECT_EQ(request->box_microseconds, 100'000u);
  Reply(request->sequence, BarrierEvent::kRefused, BarrierReason::kBadBox);
  Freeze(0, -absl::InfiniteDuration());
  EXPECT_EQ(NextRequest()->box_microseconds, 0u);
}

TEST_F(BarrierLinkTest, RepliesToAnEarlierBrokerAreDropped) {
  Freeze();
  const uint64_t sequence = NextRequest()->sequence;
  Reply(sequence + 1, BarrierEvent::kFrozen);
  Reply(sequence - 1, BarrierEvent::kRefused);
  EXPECT_TRUE(frozen_.empty());
  ASSERT_TRUE(SendDatagram(keeper_.get(), "garbage", {}).ok());
  TakeReplies();
  Reply(sequence, BarrierEvent::kFrozen);
  EXPECT_EQ(frozen_.size(), 1u);
}

TEST_F(BarrierLinkTest, AKeeperThatIsSilentIsNotWaitedForForEver) {
  Freeze();
  executor_.Advance(absl::Seconds(2));
  ASSERT_EQ(frozen_.size(), 1u);
  EXPECT_TRUE(absl::IsUnavailable(frozen_[0]));

  NextRequest();
  Freeze();
  Reply(NextRequest()->sequence, BarrierEvent::kFrozen);
  executor_.Advance(absl::Seconds(2));
  ASSERT_EQ(thawed_.size(), 1u);
  EXPECT_EQ(thawed_[0], absl::Seconds(1));
}

TEST_F(BarrierLinkTest, WhoIsToldOfTheThawMayFreezeAgain) {
  executor_.Post([this] {
    link_->Freeze(
        0, absl::Milliseconds(5), [](absl::Status) {}, [this](absl::Duration) { Freeze(); });
  });
  const uint64_t first = NextRequest()->sequence;
  Reply(first, BarrierEvent::kFrozen);
  Reply(first, BarrierEvent::kThawed);
  EXPECT_EQ(NextRequest()->sequence, first + 1);
}

TEST_F(BarrierLinkTest, MoreClientsThanFitFreezeNothing) {
  clients_.assign(kMaxGuardedClients + 1, 500);
  Freeze();
  ASSERT_EQ(frozen_.size(), 1u);
  EXPECT_TRUE(absl::IsResourceExhausted(frozen_[0]));
}

TEST_F(BarrierLinkTest, AnAttemptIsKeptOffTheProcessorOnWhichTheKeeperWaits) {
  cpu_set_t keepers;
  {
    const BarrierCpu cpu(BarrierCpu::Part::kLast);
    ASSERT_EQ(sched_getaffinity(0, sizeof(keepers), &keepers), 0);
  }
  cpu_set_t attempts;
  link_->Run([&] { ASSERT_EQ(sched_getaffinity(0, sizeof(attempts), &attempts), 0); });

  cpu_set_t both;
  CPU_AND(&both, &keepers, &attempts);
  // Where there is but one, both have it.
  const int shared = std::thread::hardware_concurrency() > 1 ? 0 : 1;
  EXPECT_EQ(CPU_COUNT(&both), shared);
}

TEST_F(BarrierLinkTest, WithoutASocketThereIsNone) {
  link_ = Link(UniqueFd());
  EXPECT_EQ(link_->cgroups(), 0);
  EXPECT_EQ(link_->fd(), -1);
  Freeze();
  ASSERT_EQ(frozen_.size(), 1u);
  EXPECT_TRUE(absl::IsFailedPrecondition(frozen_[0]));
  link_->Thaw();
}

TEST_F(BarrierLinkTest, AKeeperThatIsGoneIsAnError) {
  keeper_.Reset();
  Freeze();
  ASSERT_EQ(frozen_.size(), 1u);
  EXPECT_EQ(GetErrno(frozen_[0]), EPIPE);
  EXPECT_EQ(GetErrno(link_->OnReadable()), EPIPE);
}

}  // namespace
}  // namespace dmaheap
