// The broker's word to the keeper about barriers.
//
// Holds nothing that freezes: it asks, and is told. A broker that forgets to thaw, or dies, only
// gets its thaw later, from the keeper's timer. Inside tasks only.

#ifndef DAEMON_HANDOVER_BARRIER_LINK_H_
#define DAEMON_HANDOVER_BARRIER_LINK_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/core/barrier.h"
#include "daemon/handover/barrier_wire.h"
#include "daemon/loop/executor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// What a refusal means to the core.
absl::Status ToStatus(const BarrierReply& reply);

class BarrierLink : public Barrier {
 public:
  // Processes that have a session and must not be frozen.
  using Clients = std::function<std::vector<pid_t>()>;

  // socket: as the keeper handed it over, invalid where it did not; cgroups: how many are named on
  // the command line. executor outlives this. INVALID_ARGUMENT if it is no SOCK_SEQPACKET socket.
  static absl::StatusOr<std::unique_ptr<BarrierLink>> Create(Executor& executor, UniqueFd socket,
                                                             int cgroups, Clients clients);
  // No callback comes any more.
  ~BarrierLink() override;
  BarrierLink(const BarrierLink&) = delete;
  BarrierLink& operator=(const BarrierLink&) = delete;

  int cgroups() const override { return socket_.valid() ? cgroups_ : 0; }
  void Freeze(int cgroup, absl::Duration box, OnFrozen on_frozen, OnThawed on_thawed) override;
  void Thaw() override;
  void Run(absl::FunctionRef<void()> attempt) override;

  // For the loop: call OnReadable, as a task, when it is readable. Borrowed; -1: there is none.
  int fd() const { return socket_.get(); }
  // Takes what is there and calls back. The keeper holds the other end; EPIPE: it is gone.
  absl::Status OnReadable();

 private:
  // From its freeze to its thaw.
  struct Standing {
    OnFrozen on_frozen;
    OnThawed on_thawed;
    absl::Time asked_at;
    TimerId timer = 0;
    bool frozen = false;
  };

  BarrierLink(Executor& executor, UniqueFd socket, int cgroups, Clients clients,
              uint64_t first_sequence);

  absl::Status Send(BarrierOp op, int cgroup, absl::Duration box);
  void OnReply(const BarrierReply& reply);
  void Answer(OnFrozen on_frozen, absl::Status status);
  void GiveUp();

  Executor& executor_;
  const UniqueFd socket_;
  const int cgroups_;
  const Clients clients_;
  // Of the barrier that was asked for last.
  uint64_t sequence_;
  std::unique_ptr<Standing> barrier_;
};

}  // namespace dmaheap

#endif  // DAEMON_HANDOVER_BARRIER_LINK_H_
