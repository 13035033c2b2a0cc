// Hears the daemon's questions for memory, also where the program makes no call meanwhile, and
// passes them on one at a time.
//
// Whoever reads the session's socket may come upon a question, and must not run the program's code:
// it is put down here (Take). The thread, made by Start, reads the socket itself whenever something
// lies there, which for a program that allocates is one more wake-up each time: only clients that
// may be asked have it. Thread-safe.

#ifndef CLIENT_INTERNAL_GIVE_BACK_LISTENER_H_
#define CLIENT_INTERNAL_GIVE_BACK_LISTENER_H_

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "client/dmaheap.h"
#include "client/internal/fd_session.h"
#include "dmaheap/v1/fd_channel.pb.h"
#include "proto/unique_fd.h"

namespace dmaheap::client_internal {

class GiveBackListener {
 public:
  // The session in use.
  using Current = std::function<std::shared_ptr<FdSession>()>;

  explicit GiveBackListener(GiveBackCallback callback) : callback_(std::move(callback)) {}
  GiveBackListener(const GiveBackListener&) = delete;
  GiveBackListener& operator=(const GiveBackListener&) = delete;
  ~GiveBackListener() { Stop(); }

  // Once. current lives until Stop.
  void Start(Current current);
  // A question came. Does not block.
  void Take(const v1::GiveBack& question);
  // There is another session.
  void OnNewSession();
  // Ends the thread, after the callback that runs.
  void Stop();

 private:
  void Run();
  // False: to stop.
  bool PassOn();
  void Wait(FdSession& session);
  void Ring();

  const GiveBackCallback callback_;
  Current current_;
  std::mutex mutex_;
  std::deque<GiveBackRequest> questions_;
  bool stop_ = false;
  // eventfd(2): ends the wait.
  UniqueFd wake_;
  std::thread thread_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_GIVE_BACK_LISTENER_H_
