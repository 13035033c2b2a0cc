// Closes the buffers of abandoned requests, also when the program makes no further call.
//
// A cancelled request may have been served in the same instant: its fds then lie in our socket, and
// are charged to us, until somebody reads them. The thread is made at the first abandoned request,
// and sleeps on a condition variable while there is none. Thread-safe.

#ifndef CLIENT_INTERNAL_JANITOR_H_
#define CLIENT_INTERNAL_JANITOR_H_

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/status/statusor.h"
#include "client/internal/deadline.h"
#include "client/internal/fd_session.h"
#include "proto/unique_fd.h"

namespace dmaheap::client_internal {

// The daemon drops a late buffer itself once it knows of the cancellation, so a frame comes soon or
// never. As long as the daemon waits for an acknowledgement before it ends a session.
inline constexpr absl::Duration kAbandonedGrace = absl::Seconds(10);

class Janitor {
 public:
  Janitor() = default;
  Janitor(const Janitor&) = delete;
  Janitor& operator=(const Janitor&) = delete;
  ~Janitor();

  // Looks after session until it no longer NeedsCare, or for grace.
  void Watch(std::shared_ptr<FdSession> session, absl::Duration grace = kAbandonedGrace);

 private:
  struct Charge {
    std::shared_ptr<FdSession> session;
    Deadline until;
  };

  void Run();
  void WaitForFrames(const std::list<Charge>& charges);

  std::mutex mutex_;
  std::condition_variable called_;
  std::list<Charge> charges_;
  bool stop_ = false;
  // eventfd(2): ends the poll when there is a new session or an end.
  UniqueFd wake_;
  std::thread thread_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_JANITOR_H_
