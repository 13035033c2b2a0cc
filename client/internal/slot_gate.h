// Keeps the requests of one Client within the window of its session, so that its own threads do not
// make each other fail with FD_CHANNEL_FULL. First come, first served.
//
// Thread-safe. A waiter is called on the thread that gives slots back, without any lock held.

#ifndef CLIENT_INTERNAL_SLOT_GATE_H_
#define CLIENT_INTERNAL_SLOT_GATE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

#include "client/internal/deadline.h"

namespace dmaheap::client_internal {

class SlotGate {
 public:
  explicit SlotGate(int window) : window_(window) {}

  // A daemon that was started anew may have another window.
  void SetWindow(int window);

  // How many slots a request of so many buffers takes: one that is larger than the window waits
  // until it is alone, and then gets the daemon's refusal.
  int SlotsFor(int buffers) const;

  // Takes slots now (returns 0), or calls go once they are the caller's (returns a ticket).
  uint64_t Enter(int slots, std::function<void()> go);
  // Blocks; false when the deadline came first.
  bool EnterAndWait(int slots, const Deadline& deadline);
  // Gives the ticket up. False: go was called, or is about to be.
  bool Withdraw(uint64_t ticket);
  // Gives slots back.
  void Leave(int slots);

 private:
  struct Waiter {
    uint64_t ticket;
    int slots;
    std::function<void()> go;
  };

  // Takes out whom there is room for. With the mutex held.
  std::deque<Waiter> Admit();
  bool Fits(int slots) const { return taken_ == 0 || taken_ + slots <= window_; }

  mutable std::mutex mutex_;
  int window_;
  int taken_ = 0;
  uint64_t last_ticket_ = 0;
  std::deque<Waiter> waiters_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_SLOT_GATE_H_
