// Marks a thread while it runs a callback of the caller's, which may be one of gRPC's.

#ifndef CLIENT_INTERNAL_CALLBACK_SCOPE_H_
#define CLIENT_INTERNAL_CALLBACK_SCOPE_H_

namespace dmaheap::client_internal {

// Nests. Belongs to the thread that made it.
class CallbackScope {
 public:
  CallbackScope() { ++depth_; }
  ~CallbackScope() { --depth_; }
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;

  // Whether this thread is inside one.
  static bool Active() { return depth_ > 0; }

 private:
  static inline thread_local int depth_ = 0;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_CALLBACK_SCOPE_H_
