// All sessions: from a connection on the fd channel through Hello to its end.
//
// What a client may send is small, and every breach ends its session with a reason: a message that
// does not parse, an fd, a second Hello, a receipt for nothing, silence before Hello, frames left
// unread. Inside tasks of the executor only.

#ifndef DAEMON_TRANSPORT_SESSION_TABLE_H_
#define DAEMON_TRANSPORT_SESSION_TABLE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/loop/event_loop.h"
#include "daemon/telemetry/log_budget.h"
#include "daemon/transport/session.h"

namespace dmaheap {

class SessionTable {
 public:
  struct Callbacks {
    // The session ended; the socket is closed.
    absl::AnyInvocable<void(uint64_t client_id)> on_gone;
    // The client says that it closed buffers, or that some did not arrive.
    absl::AnyInvocable<void()> on_release_hint;
  };

  SessionTable(EventLoop& loop, Callbacks callbacks)
      : loop_(loop), callbacks_(std::move(callbacks)) {}
  ~SessionTable();

  // A new connection on the fd channel. Who is one too many is told so, and closed.
  void Add(UniqueFd connection, PeerIdentity peer);

  // The session that a request names. SESSION_UNKNOWN if there is none, or it belongs to another
  // uid or label: a stolen id gets no buffer.
  absl::StatusOr<std::shared_ptr<Session>> Find(absl::string_view secret,
                                                const PeerIdentity& caller) const;

  // Those that said Hello, by client id.
  const std::map<uint64_t, std::shared_ptr<Session>>& sessions() const { return sessions_; }

  // False if there is no such session, or it is not asked: see Session.
  bool AskGiveBack(uint64_t client_id, const v1::GiveBack& question) const;

  // Tells every client that the daemon goes, and ends the sessions.
  void EndAll(const absl::Status& reason);

 private:
  // A connection, with or without Hello.
  struct Connection {
    std::shared_ptr<Session> session;
    EventLoop::WatchId watch = 0;
    // Handshake, or receipt.
    TimerId timer = 0;
  };

  // Sends one away that has not said Hello.
  void MakeRoomAtTheDoor();
  void OnReadable(uint64_t client_id);
  // Each returns why the session must end, or OK.
  absl::Status TakeMessages(uint64_t client_id);
  absl::Status OnMessage(Connection& connection, const v1::ClientMessage& message);
  absl::Status OnHello(Connection& connection, const v1::Hello& hello);
  void WatchReceipts(uint64_t client_id);
  void End(uint64_t client_id, const absl::Status& reason);

  EventLoop& loop_;
  Callbacks callbacks_;
  LogBudget log_budget_{loop_};
  uint64_t next_client_ = 1;
  std::map<uint64_t, Connection> connections_;
  std::map<uint64_t, std::shared_ptr<Session>> sessions_;
  absl::flat_hash_map<std::string, std::shared_ptr<Session>> by_secret_;
};

}  // namespace dmaheap

#endif  // DAEMON_TRANSPORT_SESSION_TABLE_H_
