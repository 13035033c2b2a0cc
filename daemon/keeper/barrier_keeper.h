// The keeper's part of a barrier: freezes a cgroup for the broker, and thaws it whatever happens.
//
//   idle --freeze--> checking --the prober: clear--> freezing --"frozen 1"--> frozen
//    ^                                                  |  end of the box,      |
//    +---"frozen 0"-- thawing <-------------------------+  thaw, a death -------+
//
// Never two at once. What is frozen is named in the record from before the freeze until after the
// confirmed thaw, so that the next start can thaw it (TakeUp), or `dmaheapd --thaw` before that.
// A thaw needs nothing but a write to a fd that is open. While something is frozen the keeper must
// not wait for anybody, not even for the reader of its log, who may be what is frozen: see
// HoldsStill. Not thread-safe.

#ifndef DAEMON_KEEPER_BARRIER_KEEPER_H_
#define DAEMON_KEEPER_BARRIER_KEEPER_H_

#include <poll.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/handover/barrier_wire.h"
#include "daemon/keeper/cgroup_handle.h"
#include "daemon/keeper/freeze_budget.h"
#include "daemon/keeper/frozen_record.h"
#include "daemon/keeper/thaw_margin.h"

namespace dmaheap {

class BarrierKeeper {
 public:
  struct Setup {
    // Paths of cgroups that may be frozen.
    std::vector<std::string> cgroups;
    // Where the record is.
    std::string socket_dir;
    // Our ends of the sockets, borrowed; -1: there is none.
    int broker_socket = -1;
    int prober_socket = -1;
    // Monotonic.
    std::function<absl::Time()> clock;
    // Called with true before something is frozen, with false once it is not: who thaws must not
    // wait for its turn. Empty: nothing is done about that.
    std::function<void(bool)> hurry;
  };

  explicit BarrierKeeper(Setup setup);
  // Thaws.
  ~BarrierKeeper();
  BarrierKeeper(const BarrierKeeper&) = delete;
  BarrierKeeper& operator=(const BarrierKeeper&) = delete;

  // Begins to thaw what an earlier keeper left frozen.
  void TakeUp();

  // Takes what came over the sockets and does what is due. ours: the processes of the daemon.
  void Turn(absl::Span<const pid_t> ours);

  // Thaws at once, whatever stands: perhaps one of our processes ended. What was asked for and has
  // not begun is refused.
  void Release();
  // Drops what a broker that died has asked for.
  void ForgetBroker();
  // Release, and nothing is frozen any more.
  void Stop();

  // Whether something is frozen by us, so that nobody may be waited for: no log line, no fork.
  bool HoldsStill() const { return state_ == State::kFreezing || state_ == State::kFrozen; }
  bool idle() const { return state_ == State::kIdle; }
  // What an earlier keeper froze could not be thawed.
  bool left_over() const { return left_over_; }

  // For ppoll: adds what Turn should be called for, and when it is due.
  void AddPolls(std::vector<pollfd>& polls) const;
  absl::Time deadline() const;

 private:
  enum class State { kIdle, kChecking, kFreezing, kFrozen, kThawing };

  struct Request {
    uint64_t sequence = 0;
    uint32_t cgroup = 0;
    absl::Duration box;
  };

  // A cgroup of the command line.
  struct Cgroup {
    std::string path;
    std::shared_ptr<const CgroupHandle> handle;
    FreezeBudget budget;
  };

  void TakeRequests(absl::Span<const pid_t> ours);
  void TakeFindings(absl::Span<const pid_t> ours);
  void OnFreeze(const BarrierRequest& request, absl::Span<const pid_t> ours);
  void OnFinding(const GuardReply& reply, absl::Span<const pid_t> ours);
  // Why not now; its reason is kNone if it may be.
  BarrierReply Judge(const Request& request, const GuardReply* finding, bool found_ours);
  // Opens the files of a cgroup that was not there before, or was made anew.
  absl::StatusOr<CgroupHandle::State> Look(Cgroup& cgroup);
  void Begin();
  void LookWhetherFrozen();
  void BeginThaw(BarrierReason reason);
  void GoOnThawing();
  void Finish();
  void Refuse(uint64_t sequence, BarrierReply reply) const;
  void Send(const BarrierReply& reply) const;
  void Hurry(bool on) const;

  const Setup setup_;
  const FrozenRecord record_;
  std::vector<Cgroup> cgroups_;
  ThawMargin margin_;
  bool stopping_ = false;

  State state_ = State::kIdle;
  // Of the barrier that is not idle.
  Request request_;
  uint64_t guard_sequence_ = 0;
  // What is thawed, which may be no longer on the command line.
  std::shared_ptr<const CgroupHandle> frozen_;
  std::string frozen_path_;
  absl::Time frozen_since_;
  absl::Time ends_at_ = absl::InfiniteFuture();
  absl::Time look_at_ = absl::InfiniteFuture();
  bool told_frozen_ = false;
  BarrierReason end_reason_ = BarrierReason::kNone;
  bool thaw_written_ = false;
  bool thaw_overdue_ = false;
  absl::Time thaw_since_;
  // The record of an earlier keeper could not be followed: nothing is frozen until it can.
  bool left_over_ = false;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_BARRIER_KEEPER_H_
