#include "daemon/transport/session_table.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/core/secret.h"
#include "daemon/limits.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/fd_channel.h"
#include "proto/rpc_status.h"
#include "proto/wire.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// Messages taken in one task, so that one busy client leaves the executor to others in between.
constexpr int kMaxMessagesPerTask = 32;

// A text of the client's that may stand in lists and logs: cut, and without control characters.
std::string Presentable(absl::string_view text) {
  std::string clean(text.substr(0, kMaxClientTextBytes));
  std::replace_if(
      clean.begin(), clean.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  return clean;
}

void Refuse(int socket, const absl::Status& reason) {
  v1::ServerMessage message;
  *message.mutable_refusal()->mutable_status() = ToRpcStatus(reason);
  // A client that is gone, or does not read, misses nothing.
  SendToClient(socket, message, {}).IgnoreError();
}

}  // namespace

SessionTable::~SessionTable() {
  for (auto& [id, connection] : connections_) {
    loop_.Unwatch(connection.watch);
    loop_.Cancel(connection.timer);
  }
}

void SessionTable::Add(UniqueFd socket, PeerIdentity peer) {
  size_t of_uid = 0;
  for (const auto& [id, connection] : connections_) {
    if (connection.session->peer().principal.uid == peer.principal.uid) ++of_uid;
  }
  if (connections_.size() >= kMaxSessions || of_uid >= kMaxSessionsPerUid) {
    const absl::Status reason =
        Error(ErrorReason::SESSION_LIMIT,
              absl::StrCat("no room for another session: uid ", peer.principal.uid, " has ", of_uid,
                           " of at most ", kMaxSessionsPerUid, ", all have ", connections_.size(),
                           " of at most ", kMaxSessions, ". Close one, then connect again."))
            .With("uid", peer.principal.uid)
            .With("sessions_of_uid", of_uid)
            .With("sessions", connections_.size());
    Refuse(socket.get(), reason);
    if (!log_budget_.Take()) return;
    spdlog::warn("event=session_refused uid={} pid={} suppressed={} {}", peer.principal.uid,
                 peer.debug_pid, log_budget_.TakeSuppressed(), LogStatus(reason));
    return;
  }
  if (connections_.size() - sessions_.size() >= kMaxHandshakes) MakeRoomAtTheDoor();
  const uint64_t id = next_client_++;
  const int fd = socket.get();
  Connection connection;
  connection.session = std::make_shared<Session>(loop_, id, std::move(socket), std::move(peer));
  connection.session->connect_time = loop_.WallTime();
  connection.session->last_heard = loop_.Now();
  absl::StatusOr<EventLoop::WatchId> watch =
      // A client writes two messages for each buffer, and nobody waits for them.
      loop_.Watch(
          fd, EPOLLIN | EPOLLRDHUP, [this, id](uint32_t) { OnReadable(id); },
          EventLoop::Pace::kRested);
  if (!watch.ok()) return;
  connection.watch = *watch;
  connection.timer = loop_.After(
      kHandshakeTimeout, [this, id] { End(id, absl::DeadlineExceededError("no Hello came")); });
  connections_.emplace(id, std::move(connection));
}

void SessionTable::MakeRoomAtTheDoor() {
  // A Hello may have come that is not read yet: when many come at once, this is where they all are.
  std::vector<uint64_t> ids;
  for (const auto& [id, connection] : connections_) {
    if (!sessions_.contains(id)) ids.push_back(id);
  }
  for (const uint64_t id : ids) OnReadable(id);
  if (connections_.size() - sessions_.size() < kMaxHandshakes) return;

  absl::flat_hash_map<uint32_t, size_t> waiting;
  size_t most = 0;
  for (const auto& [id, connection] : connections_) {
    if (sessions_.contains(id)) continue;
    most = std::max(most, ++waiting[connection.session->peer().principal.uid]);
  }
  // Client ids count upwards, so that the first is the oldest.
  for (const auto& [id, connection] : connections_) {
    if (sessions_.contains(id)) continue;
    const uint32_t uid = connection.session->peer().principal.uid;
    if (waiting[uid] != most) continue;
    return End(id, Error(ErrorReason::SESSION_LIMIT,
                         absl::StrCat("no Hello came, and others wait at the door: uid ", uid,
                                      " has most of the at most ", kMaxHandshakes,
                                      " that may stand there. Say Hello at once after connecting."))
                       .With("uid", uid)
                       .With("waiting_of_uid", most));
  }
}

absl::StatusOr<std::shared_ptr<Session>> SessionTable::Find(absl::string_view secret,
                                                            const PeerIdentity& caller) const {
  if (secret.empty()) {
    return Error(
        ErrorReason::SESSION_UNKNOWN,
        "session_id is empty: open the fd channel, say Hello and name the session_id of its "
        "Welcome here; or ask for a held buffer (hold)");
  }
  const auto it = by_secret_.find(std::string(secret));
  if (it == by_secret_.end() || it->second->peer().principal.uid != caller.principal.uid ||
      it->second->peer().label != caller.label) {
    return Error(ErrorReason::SESSION_UNKNOWN,
                 "no session of this session_id belongs to the caller: it ended, or the daemon was "
                 "restarted, or it is another user's. Connect again.");
  }
  return it->second;
}

void SessionTable::OnReadable(uint64_t client_id) {
  if (absl::Status status = TakeMessages(client_id); !status.ok()) End(client_id, status);
}

absl::Status SessionTable::TakeMessages(uint64_t client_id) {
  for (int i = 0; i < kMaxMessagesPerTask; ++i) {
    const auto it = connections_.find(client_id);
    if (it == connections_.end()) return absl::OkStatus();
    Connection& connection = it->second;
    absl::StatusOr<v1::ClientMessage> message = ReceiveFromClient(connection.session->socket());
    if (!message.ok()) {
      return GetErrno(message.status()) == EAGAIN ? absl::OkStatus() : message.status();
    }
    connection.session->last_heard = loop_.Now();
    if (absl::Status status = OnMessage(connection, *message); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SessionTable::OnMessage(Connection& connection, const v1::ClientMessage& message) {
  Session& session = *connection.session;
  const bool greeted = !session.secret.empty();
  switch (message.message_case()) {
    case v1::ClientMessage::kHello:
      if (greeted) return absl::InvalidArgumentError("a second Hello");
      return OnHello(connection, message.hello());
    case v1::ClientMessage::kReceipt:
      if (!greeted) return absl::InvalidArgumentError("a Receipt before Hello");
      if (const auto missing = session.Acknowledge(message.receipt()); !missing.has_value()) {
        return absl::InvalidArgumentError("a Receipt for a frame that was not sent");
      } else if (*missing > 0) {
        callbacks_.on_release_hint();  // the client closed what came, the kernel the rest
      }
      return absl::OkStatus();
    case v1::ClientMessage::kRelease:
      if (!greeted) return absl::InvalidArgumentError("a Release before Hello");
      callbacks_.on_release_hint();
      return absl::OkStatus();
    case v1::ClientMessage::MESSAGE_NOT_SET:
      // A kind of message of a wire version that was not agreed on.
      return absl::InvalidArgumentError("an unknown message");
  }
  return absl::InvalidArgumentError("an unknown message");
}

bool SessionTable::AskGiveBack(uint64_t client_id, const v1::GiveBack& question) const {
  const auto found = sessions_.find(client_id);
  return found != sessions_.end() && found->second->AskGiveBack(question);
}

absl::Status SessionTable::OnHello(Connection& connection, const v1::Hello& hello) {
  Session& session = *connection.session;
  const int version = std::min(hello.max_wire_version(), kMaxWireVersion);
  if (hello.min_wire_version() < 1 || hello.min_wire_version() > hello.max_wire_version() ||
      version < hello.min_wire_version() || version < kMinWireVersion) {
    const bool library_is_newer = hello.min_wire_version() > kMaxWireVersion;
    return Error(ErrorReason::WIRE_VERSION_UNSUPPORTED,
                 absl::StrCat("the library (", Presentable(hello.library_version()),
                              ") speaks wire versions ", hello.min_wire_version(), " to ",
                              hello.max_wire_version(), ", the daemon (", kVersion, ") ",
                              kMinWireVersion, " to ", kMaxWireVersion, ": update the ",
                              library_is_newer ? "daemon" : "library", "."))
        .With("library_min_wire_version", hello.min_wire_version())
        .With("library_max_wire_version", hello.max_wire_version())
        .With("daemon_min_wire_version", kMinWireVersion)
        .With("daemon_max_wire_version", kMaxWireVersion)
        .With("daemon_version", kVersion);
  }
  session.wire_version = version;
  session.gives_back = hello.gives_back();
  session.label = Presentable(hello.label());
  session.library_version = Presentable(hello.library_version());
  session.secret = NewSecret();

  v1::ServerMessage message;
  v1::Welcome& welcome = *message.mutable_welcome();
  welcome.set_wire_version(version);
  welcome.set_session_id(session.secret);
  welcome.set_client(absl::StrCat("clients/", session.client_id()));
  welcome.set_window(kFdWindow);
  welcome.set_server_version(std::string(kVersion));
  if (absl::Status status = SendToClient(session.socket(), message, {}); !status.ok()) {
    session.secret.clear();
    return status;
  }
  sessions_.emplace(session.client_id(), connection.session);
  by_secret_.emplace(session.secret, connection.session);
  loop_.Cancel(std::exchange(connection.timer, 0));
  session.on_unread = [this, id = session.client_id()] {
    const auto it = connections_.find(id);
    if (it != connections_.end() && it->second.timer == 0) WatchReceipts(id);
  };
  session.on_window_full = [this, id = session.client_id()] {
    absl::Status status = TakeMessages(id);
    // Whoever reserves slots still uses the session: it ends in a task of its own.
    if (!status.ok()) loop_.Post([this, id, status] { End(id, status); });
  };
  spdlog::debug("event=session_started client={} uid={} pid={} label={}", session.client_id(),
                session.peer().principal.uid, session.peer().debug_pid, LogValue(session.label));
  return absl::OkStatus();
}

// Looks after the oldest unread frame. One timer serves all the frames of its time; a session with
// nothing unread has none.
void SessionTable::WatchReceipts(uint64_t client_id) {
  const auto it = connections_.find(client_id);
  if (it == connections_.end()) return;
  Connection& connection = it->second;
  connection.timer = 0;
  if (connection.session->unacknowledged() == 0) return;
  const absl::Duration unread = loop_.Now() - connection.session->oldest_push();
  if (unread >= kReceiptTimeout) {
    return End(client_id, absl::DeadlineExceededError(absl::StrCat(
                              connection.session->unacknowledged(), " fds were left unread for ",
                              absl::FormatDuration(absl::Trunc(unread, absl::Milliseconds(1))))));
  }
  connection.timer =
      loop_.After(kReceiptTimeout - unread, [this, client_id] { WatchReceipts(client_id); });
}

void SessionTable::End(uint64_t client_id, const absl::Status& reason) {
  const auto it = connections_.find(client_id);
  if (it == connections_.end()) return;
  const Connection connection = std::move(it->second);
  Session& session = *connection.session;
  connections_.erase(it);
  const bool greeted = sessions_.erase(client_id) > 0;
  by_secret_.erase(session.secret);
  loop_.Unwatch(connection.watch);
  loop_.Cancel(connection.timer);

  // EPIPE: it closed before its Welcome was sent.
  const bool left =
      absl::IsOutOfRange(reason) || GetErrno(reason) == ECONNRESET || GetErrno(reason) == EPIPE;
  if (!left) Refuse(session.socket(), reason);
  session.Close();
  if (left) {
    spdlog::debug("event=session_ended client={} uid={}", client_id, session.peer().principal.uid);
  } else if (log_budget_.Take()) {
    spdlog::warn("event=session_ended client={} uid={} pid={} suppressed={} {}", client_id,
                 session.peer().principal.uid, session.peer().debug_pid,
                 log_budget_.TakeSuppressed(), LogStatus(reason));
  }
  if (greeted) callbacks_.on_gone(client_id);
}

void SessionTable::EndAll(const absl::Status& reason) {
  std::vector<uint64_t> ids;
  for (const auto& [id, connection] : connections_) ids.push_back(id);
  for (const uint64_t id : ids) End(id, reason);
}

}  // namespace dmaheap
