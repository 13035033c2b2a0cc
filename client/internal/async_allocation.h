// One asynchronous request for buffers: the tries of a Delivery, driven by the reply thread and,
// where it has to wait, by the parking thread.
//
// Made and registered by Core, which outlives it; the callback runs exactly once, with no lock
// held. Thread-safe.

#ifndef CLIENT_INTERNAL_ASYNC_ALLOCATION_H_
#define CLIENT_INTERNAL_ASYNC_ALLOCATION_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/types/optional.h"
#include "client/dmaheap.h"
#include "client/internal/core.h"
#include "client/internal/parking.h"
#include "dmaheap/v1/allocator.pb.h"

namespace dmaheap::client_internal {

class AsyncAllocation : public Parked, public std::enable_shared_from_this<AsyncAllocation> {
 public:
  AsyncAllocation(Core& core, const AllocateOptions& options, int count,
                  Client::AllocateManyCallback callback);

  void Start();
  void Cancel() override;
  absl::optional<Deadline> Poke() override;

 private:
  struct Rpc;

  enum class State {
    kNew,
    // Waits for slots of the window.
    kAtGate,
    // Has slots; waits for a link.
    kNeedsLink,
    // Waits for repeat_at_.
    kRepeats,
    // An RPC is under way.
    kCalling,
    kDone,
  };

  void Granted();
  // Boards the current link and starts the RPC; parks if there is no live one.
  void Call();
  void OnReply(const Rpc& rpc);
  // Takes the step that followed a try.
  void Follow(Step step);
  void ParkAs(State state);
  void Finish(absl::StatusOr<std::vector<Buffer>> result);

  Core& core_;
  v1::AllocateBuffersRequest request_;
  // Only whoever moves the state on touches it: one thread at a time.
  Delivery delivery_;
  Client::AllocateManyCallback callback_;
  const ProgressCallback on_progress_;
  int slots_ = 0;

  std::mutex mutex_;
  State state_ = State::kNew;
  bool cancelled_ = false;
  bool has_slots_ = false;
  uint64_t ticket_ = 0;
  Deadline next_ = Deadline::After(absl::ZeroDuration());
  // Under way.
  std::shared_ptr<Rpc> rpc_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_ASYNC_ALLOCATION_H_
