// Where asynchronous requests wait that have no RPC under way: for a slot, for the daemon to come
// back, for the time to repeat.
//
// One thread, made when the first request has to wait; it sleeps on a condition variable while none
// does. It is the thread on which they reconnect, since the reply thread must not block.
// Thread-safe.

#ifndef CLIENT_INTERNAL_PARKING_H_
#define CLIENT_INTERNAL_PARKING_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/types/optional.h"
#include "client/internal/deadline.h"

namespace dmaheap::client_internal {

class Parked {
 public:
  virtual ~Parked() = default;

  // Asks to end the request; from any thread.
  virtual void Cancel() = 0;

  // Called on the parking thread: at once, at the time last asked for, and after each Wake. Answers
  // when to call again, at the latest; nothing: it has left.
  virtual absl::optional<Deadline> Poke() = 0;
};

class Parking {
 public:
  Parking() = default;
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;
  ~Parking() { Stop(); }

  void Park(std::shared_ptr<Parked> parked);
  // Pokes all soon: one of them has news.
  void Wake();
  // Ends the thread. Who is still parked is dropped.
  void Stop();

 private:
  struct Place {
    std::shared_ptr<Parked> parked;
    Deadline next;
  };

  void Run();

  std::mutex mutex_;
  std::condition_variable news_;
  bool woken_ = false;
  bool stop_ = false;
  std::vector<Place> places_;
  std::thread thread_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_PARKING_H_
