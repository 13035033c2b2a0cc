// What a Client is made of: the link to the daemon, its renewal, and the life of a request.
//
// A request that brings fds is a Delivery. Its tries are the same whether a thread blocks for it or
// replies drive it: Board (get onto a live link), the RPC, Judge (the outcome, or what to do
// next). Thread-safe.

#ifndef CLIENT_INTERNAL_CORE_H_
#define CLIENT_INTERNAL_CORE_H_

#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/dmaheap.h"
#include "client/internal/backoff.h"
#include "client/internal/buffer_state.h"
#include "client/internal/deadline.h"
#include "client/internal/give_back_listener.h"
#include "client/internal/janitor.h"
#include "client/internal/link.h"
#include "client/internal/parking.h"
#include "client/internal/reply_thread.h"
#include "client/internal/reservation_keeper.h"
#include "client/internal/slot_gate.h"
#include "dmaheap/v1/allocator.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace dmaheap::client_internal {

// For reading a long list page by page: the most the daemon gives at once.
inline constexpr int kPageSize = 1000;

// A request that brings fds, from its first try to its outcome. One thread at a time.
struct Delivery {
  Delivery(std::string id, int buffer_count, absl::Duration time)
      : request_id(std::move(id)),
        count(buffer_count),
        patience(time),
        deadline(Deadline::After(time)) {}
  Delivery(const v1::AllocateBuffersRequest& request, absl::Duration time);

  const std::string request_id;
  const int count;
  const absl::Duration patience;
  const Deadline deadline;
  // reservations/{reservation} that it draws from, and the fields that it leaves to that.
  std::string reservation;
  std::vector<std::string> left_out;
  Backoff backoff;
  // The link whose session expects the request.
  std::shared_ptr<Link> link;
  // It failed; needs_session says that its session is of no more use.
  bool link_lost = false;
  bool needs_session = false;
  // What Replace is to put a new link in the place of.
  std::shared_ptr<Link> dead;
  int unknown_sessions = 0;
  // All fds came, but the reply did not: what is left is to ask what they are.
  std::vector<Arrived> arrived;
};

// What the RPC of a try answered.
struct DeliveryReply {
  int64_t batch_id = 0;
  std::vector<v1::Buffer> buffers;
  // Of them, ready ones of a reservation.
  int drawn = 0;
};

// What to do after a try.
struct Step {
  enum class Next {
    // result is the outcome.
    kDone,
    // Get a new link, then try again.
    kReconnect,
    // Try again after delay.
    kRepeat,
  };

  Next next = Next::kDone;
  absl::StatusOr<std::vector<Buffer>> result = absl::CancelledError();
  absl::Duration delay = absl::ZeroDuration();
};

class Core : public ReleaseSink, public std::enable_shared_from_this<Core> {
 public:
  static absl::StatusOr<std::shared_ptr<Core>> Connect(const ConnectOptions& options);

  // listener: of a client that may be asked for memory, whose questions endpoint brings to it.
  Core(Endpoint endpoint, std::shared_ptr<Link> link, std::shared_ptr<GiveBackListener> listener);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Cancels asynchronous requests, waits for their callbacks, ends the threads.
  void Shutdown();

  // kFailedPrecondition in a process that is not the one which connected.
  absl::Status CheckProcess() const;
  bool InForkedChild() const;

  // Blocking requests.
  absl::StatusOr<std::vector<Buffer>> Allocate(const AllocateOptions& options, int count);
  absl::StatusOr<Buffer> Claim(const ClaimOptions& options);
  absl::StatusOr<HeldBuffers> Hold(const HoldOptions& options);
  absl::Status Release(absl::string_view name, absl::string_view token, absl::Duration timeout);
  absl::StatusOr<std::vector<HeapInfo>> ListHeaps(absl::Duration timeout);

  // A call that brings no fd: tries until it has an answer, or the time is over. method: its name.
  using UnaryCall = std::function<grpc::Status(Link&, grpc::ClientContext&)>;
  absl::Status Unary(absl::Duration timeout, absl::string_view method, const UnaryCall& call);

  // The message for options; a request_id is made where there is none.
  static v1::AllocateBuffersRequest MakeRequest(const AllocateOptions& options, int count);

  // An asynchronous request begins, and has ended: Shutdown waits for those in between.
  void AsyncBegins(std::shared_ptr<Parked> request);
  void AsyncEnded(const std::shared_ptr<Parked>& request);

  // The parts that AsyncAllocation puts together for itself.
  // ---------------------------------------

  SlotGate& gate() { return gate_; }
  Parking& parking() { return parking_; }
  ReplyThread& replies() { return replies_; }
  ReservationKeeper& keeper() { return keeper_; }

  // True if delivery is on a live link now; false: Replace it first. An error is the outcome.
  absl::StatusOr<bool> Board(Delivery& delivery);

  // Tries once to put a new link in the place of the dead one that Board found. Blocks for a
  // handshake, at most.
  absl::Status Replace(Delivery& delivery);

  // After a try. cancelled: the caller asked to end it.
  Step Judge(Delivery& delivery, const grpc::Status& status, const DeliveryReply& reply,
             bool cancelled);

  // For a delivery with arrived fds, on a live link: asks the daemon what they are. Blocks. kDone
  // with the buffers; kRepeat when the daemon knows them no more (they are closed; the request is
  // made anew); kReconnect.
  Step Describe(Delivery& delivery);

  // The outcome of a delivery that could get no link: the error of the last try to connect, with
  // how often and how long was tried. Gives the request up.
  absl::Status Unreachable(Delivery& delivery, const absl::Status& last_error);
  // Gives the request up: what comes of it is closed.
  void GiveUp(Delivery& delivery);
  absl::Status DeadlineError(absl::Duration patience) const;

  // -------------------------------------------------------------------------------------------------

  void SendRelease(const std::string& name) override;
  std::shared_ptr<Link> CurrentLink() const;

 private:
  using DeliverCall = std::function<grpc::Status(Link&, grpc::ClientContext&, DeliveryReply&)>;

  // The blocking drivers.
  absl::StatusOr<std::vector<Buffer>> Deliver(Delivery& delivery, const DeliverCall& call);
  // Blocks until delivery is on a live link, or its deadline.
  absl::Status BoardAndWait(Delivery& delivery);

  absl::StatusOr<std::shared_ptr<Link>> ReplaceLink(const std::shared_ptr<Link>& lost,
                                                    bool needs_session, const Deadline& deadline);
  // drawn: how many of them a reservation had ready.
  absl::StatusOr<std::vector<Buffer>> MakeBuffers(std::vector<Arrived> arrived,
                                                  const std::vector<v1::Buffer>& described,
                                                  int drawn);
  void CallJanitorIfNeeded(const std::shared_ptr<FdSession>& session);

  const Endpoint endpoint_;
  const pid_t pid_;

  // Guards the link and its renewal, one thread at a time.
  mutable std::mutex link_mutex_;
  std::condition_variable dialed_;
  bool dialing_ = false;
  std::shared_ptr<Link> link_;

  SlotGate gate_;
  Janitor janitor_;
  Parking parking_;
  ReplyThread replies_;

  std::mutex async_mutex_;
  std::condition_variable async_ended_;
  std::unordered_set<std::shared_ptr<Parked>> async_;

  // Last: its thread uses the rest.
  ReservationKeeper keeper_;
  // nullptr: this client is not asked for memory.
  const std::shared_ptr<GiveBackListener> listener_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_CORE_H_
