// One allocation on its way, from the request to its single end.

#ifndef DAEMON_CORE_ALLOCATION_H_
#define DAEMON_CORE_ALLOCATION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/core/ledger.h"
#include "daemon/core/pinned_page.h"
#include "daemon/core/recipient.h"
#include "daemon/core/request.h"
#include "daemon/loop/executor.h"
#include "dmaheap/v1/allocator.pb.h"
#include "heaps/buffer.h"
#include "heaps/heap.h"

namespace dmaheap {

struct Lane;

// Slots of a session's window, given back unless they were used. Inside tasks only.
class SlotReservation {
 public:
  SlotReservation() = default;
  // The slots were reserved by the caller.
  SlotReservation(std::shared_ptr<Recipient> recipient, int count)
      : recipient_(std::move(recipient)), count_(count) {}
  SlotReservation(SlotReservation&& other) noexcept
      : recipient_(std::move(other.recipient_)), count_(std::exchange(other.count_, 0)) {}
  SlotReservation& operator=(SlotReservation&& other) noexcept {
    Return();
    recipient_ = std::move(other.recipient_);
    count_ = std::exchange(other.count_, 0);
    return *this;
  }
  ~SlotReservation() { Return(); }

  // count fds went out: their slots come back with the receipts.
  void Use(int count) { count_ -= count; }
  void Return() {
    if (recipient_ != nullptr && count_ > 0) recipient_->ReturnSlots(count_);
    count_ = 0;
  }

 private:
  std::shared_ptr<Recipient> recipient_;
  int count_ = 0;
};

// A call that waits for an allocation. 0 is never one.
using CallId = uint64_t;
using AllocateDone = absl::AnyInvocable<void(absl::StatusOr<v1::AllocateBuffersResponse>)>;

struct Allocation {
  enum class State { kNew, kInLine, kFreezing, kAttempting, kBackingOff, kEnded };

  // allocations/{id}
  uint64_t id = 0;
  AllocateRequest request;
  // Of the request, if it is repeatable.
  std::string fingerprint;
  Heap* heap = nullptr;
  Lane* lane = nullptr;
  // Of one buffer, rounded up to whole pages.
  int64_t rounded_bytes = 0;
  // Calls with the same request_id share an allocation.
  std::vector<std::pair<CallId, AllocateDone>> calls;

  // Lives until the last buffer is out of this process's hands, also after the end.
  Charge charge;
  SlotReservation slots;
  std::vector<Buffer> buffers;

  // How it is served: 0 to kPriorities - 1, and a retry policy of that name.
  int priority = 0;
  std::string retry_policy;

  State state = State::kNew;
  // In all, and of the heap that is tried now.
  int attempts = 0;
  int attempts_on_heap = 0;
  // Of these, while a cgroup stood still.
  int attempts_behind_barrier = 0;
  // The attempt under way is one of them.
  bool behind_barrier = false;
  // The heap is at work, also when the request has ended meanwhile.
  bool attempt_under_way = false;
  // Clients that were asked to give buffers back for it, and of which heap the last of them.
  int clients_asked = 0;
  const Heap* asked_of = nullptr;
  // Right after file systems were synced; the next, or the one under way, is one of them; and the
  // wait is for a sync.
  int attempts_after_sync = 0;
  bool after_sync = false;
  bool awaits_sync = false;
  // How many fallback heaps of the policy were turned to.
  int fallbacks = 0;
  absl::Status last_error;
  // What the heap told of itself right after that.
  HeapUsage usage_at_failure;
  absl::Time start;
  // It first stood in line.
  absl::Time queued_since;
  // It stands there since, or stood last; likewise for its waits.
  absl::Time in_line_since;
  absl::Time backing_off_since;
  absl::Time attempt_start;
  // The thread that made the last attempt.
  pid_t last_thread = 0;
  // Of the heap that is tried now.
  absl::Time first_failure;
  absl::Time last_failure;
  PinnedPage page;
  // The first attempt of that heap began.
  absl::Time first_attempt;
  // What the kernel's log says of its last attempt, or of an earlier one.
  struct Logged {
    int error_number = 0;
    // The attempt's failure.
    absl::Time failure;
  };
  absl::optional<Logged> logged = absl::nullopt;
  absl::Time log_asked_at = absl::InfinitePast();
  // Who else waits for the answer about the page that is yet to come.
  std::function<void()> on_page_told;
  // While it backs off: when it tries again, and before when no event makes it try.
  absl::Time next_attempt;
  absl::Time not_before;
  TimerId deadline_timer = 0;
  // Of the lane's worker. It may have begun when it is cancelled, so that waits are counted.
  TimerId retry_timer = 0;
  uint64_t waits = 0;
  // An answer about the page in the way of the last failure is yet to come.
  bool page_awaited = false;
  // Nothing more is tried for it; what can be known of why is being gathered.
  bool giving_up = false;
  bool ended = false;
  // Once it ended: OK, or the error that the caller got.
  absl::Status outcome;
  // Tells a worker between two buffers that nobody waits any more.
  std::atomic<bool> abandoned{false};
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_ALLOCATION_H_
