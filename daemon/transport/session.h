// A session: one client's connection to the fd channel, and what the daemon knows of it.
//
// Counts the window: slots that are reserved for requests under way, and fds that went out and were
// not acknowledged. Inside tasks of the executor only.

#ifndef DAEMON_TRANSPORT_SESSION_H_
#define DAEMON_TRANSPORT_SESSION_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/core/recipient.h"
#include "daemon/loop/executor.h"
#include "daemon/transport/peer.h"
#include "dmaheap/v1/fd_channel.pb.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class Session : public Recipient {
 public:
  // executor gives the time.
  Session(const Executor& executor, uint64_t client_id, UniqueFd socket, PeerIdentity peer)
      : executor_(executor),
        client_id_(client_id),
        socket_(std::move(socket)),
        peer_(std::move(peer)) {}

  uint64_t client_id() const override { return client_id_; }
  bool alive() const override { return socket_.valid(); }
  absl::Status ReserveSlots(int count) override;
  void ReturnSlots(int count) override { reserved_ -= count; }
  absl::Status Push(v1::Buffers frame, absl::Span<const int> fds) override;

  // False if the client said that it may not be asked, or its wire version has no such message, or
  // it does not read.
  bool AskGiveBack(const v1::GiveBack& question);

  // A receipt: how many fds of its frame did not arrive. Absent if no such frame is waiting for
  // one, or it claims more than was sent.
  absl::optional<int> Acknowledge(const v1::Receipt& receipt);

  // Fds that went out and were not acknowledged.
  int unacknowledged() const { return unacknowledged_; }
  // When the oldest of them went out.
  absl::Time oldest_push() const;

  // Ends it: closes the socket, and with it what the client had not read.
  void Close() { socket_.Reset(); }

  int socket() const { return socket_.get(); }
  const PeerIdentity& peer() const { return peer_; }

  // Said in Hello and Welcome.
  std::string secret;
  std::string label;
  std::string library_version;
  int wire_version = 0;
  bool gives_back = false;
  absl::Time connect_time;  // of day
  absl::Time last_heard;    // of the executor
  // Called when the first fd is out that is not acknowledged.
  absl::AnyInvocable<void()> on_unread;
  // Called before slots are refused: receipts may lie unread in the socket.
  absl::AnyInvocable<void()> on_window_full;

 private:
  struct Frame {
    int fds;
    absl::Time pushed;
  };

  const Executor& executor_;
  const uint64_t client_id_;
  UniqueFd socket_;
  const PeerIdentity peer_;
  int reserved_ = 0;
  int unacknowledged_ = 0;
  // By batch and first index; batches are numbered upwards, so the first is the oldest.
  std::map<std::pair<int64_t, int>, Frame> frames_;
};

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_SESSION_H_
