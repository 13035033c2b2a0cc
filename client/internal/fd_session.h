// One session on the fd channel: receives frames, acknowledges each at once, checks every fd, and
// gives them to the requests that expect them.
//
// No thread of its own: whoever waits for a frame reads the socket, and files what is another's.
// The daemon sends the frames before it replies, so a call that has its reply finds its frames
// there. Thread-safe.

#ifndef CLIENT_INTERNAL_FD_SESSION_H_
#define CLIENT_INTERNAL_FD_SESSION_H_

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "client/internal/deadline.h"
#include "client/internal/fd_dial.h"
#include "client/internal/inbox.h"
#include "dmaheap/v1/fd_channel.pb.h"
#include "proto/fd_channel.h"
#include "proto/unique_fd.h"

namespace dmaheap::client_internal {

class FdSession {
 public:
  // Called with each question of the daemon for memory, by whoever reads the socket: it must not
  // block, nor call back.
  using OnGiveBack = std::function<void(const v1::GiveBack&)>;

  explicit FdSession(DialedChannel channel, OnGiveBack on_give_back = {});
  FdSession(const FdSession&) = delete;
  FdSession& operator=(const FdSession&) = delete;

  const std::string& id() const { return welcome_.session_id(); }
  const v1::Welcome& welcome() const { return welcome_; }
  // Borrowed, for poll(2).
  int socket() const { return socket_.get(); }

  // The request's frames are kept from now on. False if it is expected already.
  bool Expect(const std::string& request_id);

  // Takes the whole batch that a reply named, in the order of its indices, and ends the
  // expectation. kDataLoss TRUNCATED_RECEIPT when it is not whole and does not become so before the
  // deadline: what came is closed then, and the daemon told.
  absl::StatusOr<std::vector<Arrived>> Take(const std::string& request_id, int64_t batch_id,
                                            int total, const Deadline& deadline);

  // For a request whose reply was lost: reads until the daemon's end is closed (or the deadline),
  // and takes its batch if all of it came.
  absl::optional<std::vector<Arrived>> TakeAtEnd(const std::string& request_id,
                                                 const Deadline& deadline);

  // Ends the expectation of a request that the daemon refused: closes what came of it.
  void Forget(const std::string& request_id);
  // The same where no answer of the daemon is known, so that frames may still come: the session
  // must be drained later (NeedsCare).
  void Abandon(const std::string& request_id);

  // Reads what is there, without waiting.
  void Drain();

  // Frames of abandoned requests may come, or an acknowledgement could not be sent yet: somebody
  // must call Drain when the socket is readable (or writable, WantsWrite).
  bool NeedsCare() const { return needs_care_.load(std::memory_order_relaxed); }
  bool WantsWrite() const { return wants_write_.load(std::memory_order_relaxed); }
  // Stops waiting for frames of abandoned requests.
  void GiveUpAbandoned();

  // A hint that buffers were closed; dropped when the socket is full.
  void SendRelease(const std::vector<std::string>& names);

  // The daemon's end is closed, or sent what can not be understood.
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  // Why the daemon ended the session, if it said so.
  absl::Status end_status() const;

 private:
  enum class Pump { kFrame, kEmpty, kEnded };

  // With the mutex held. Receives one message and handles it.
  Pump ReceiveOne();
  void DrainLocked();
  void Handle(const v1::Buffers& frame, std::vector<UniqueFd> fds, bool truncated);
  void Acknowledge(const v1::Buffers& frame, int received);
  void FlushReceipts();
  void CloseAndTell(std::vector<Arrived> unwanted);
  void UpdateCare();

  const UniqueFd socket_;
  const v1::Welcome welcome_;
  const OnGiveBack on_give_back_;
  std::atomic<bool> ended_{false};
  std::atomic<bool> needs_care_{false};
  std::atomic<bool> wants_write_{false};

  // Guards what follows, and receiving.
  mutable std::mutex mutex_;
  Inbox inbox_;
  // Acknowledgements that did not fit the socket: at most one for each fd of the window.
  std::deque<v1::ClientMessage> receipts_;
  absl::Status end_status_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_FD_SESSION_H_
