// Keeps the reservations of one Client when the daemon was started again, also where the program
// makes no call meanwhile.
//
// A reservation belongs to a session, and lives for its lease once that has ended: so the session
// that comes after must take it up in time (KeepReservation). For this a thread, made with the
// first reservation, waits for the daemon's end of the session to close. It reads nothing until
// then, so what a request does wakes it not. Thread-safe.

#ifndef CLIENT_INTERNAL_RESERVATION_KEEPER_H_
#define CLIENT_INTERNAL_RESERVATION_KEEPER_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/internal/backoff.h"
#include "client/internal/fd_session.h"
#include "client/internal/link.h"
#include "grpcpp/client_context.h"
#include "proto/unique_fd.h"

namespace dmaheap::client_internal {

class ReservationKeeper {
 public:
  // The link in use.
  using Current = std::function<std::shared_ptr<Link>()>;
  // Tries once to put another link in the place of a lost one, with another session if that is of
  // no more use. Blocks for a handshake, at most. OK also where somebody else was quicker.
  using Replace =
      std::function<absl::Status(const std::shared_ptr<Link>& lost, bool needs_session)>;

  ReservationKeeper(Current current, Replace replace);
  ReservationKeeper(const ReservationKeeper&) = delete;
  ReservationKeeper& operator=(const ReservationKeeper&) = delete;
  ~ReservationKeeper() { Stop(); }

  // That session keeps reservations/{reservation} now, and those after it are to do so too.
  void OnKept(const std::string& name, const std::string& session_id);
  // It was deleted, or is not there.
  void Forget(const std::string& name);
  // There is a link with another session.
  void OnNewSession();
  // Ends the thread, within a handshake.
  void Stop();

  std::vector<std::string> names() const;

 private:
  void Run();
  // Has the session of link keep what it does not keep yet. The first error that a repeat may cure.
  absl::Status KeepAll(const std::shared_ptr<Link>& link);
  absl::Status KeepOne(Link& link, const std::string& name);
  void MarkKept(const std::string& name, const std::string& session_id);
  std::vector<std::string> NotKeptBy(const std::string& session_id) const;
  // Until news, the end of session (nullptr: that of none), or the time is over. False: to stop.
  bool Wait(FdSession* session, absl::Duration time);
  void Ring();
  bool stopped() const;

  const Current current_;
  const Replace replace_;

  mutable std::mutex mutex_;
  // The session that keeps each, as far as is known here.
  std::map<std::string, std::string> kept_by_;
  bool stop_ = false;
  // Under way, for Stop to cancel.
  grpc::ClientContext* call_ = nullptr;
  // eventfd(2): ends the wait.
  UniqueFd wake_;
  std::thread thread_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_RESERVATION_KEEPER_H_
