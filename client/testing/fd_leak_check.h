// Holds a test to leaving the process's file descriptors as it found them.

#ifndef CLIENT_TESTING_FD_LEAK_CHECK_H_
#define CLIENT_TESTING_FD_LEAK_CHECK_H_

#include <set>
#include <string>

namespace dmaheap {

// Remembers the open fds; Leaked() names those that came since and are still open after at most 5 s
// (gRPC closes its sockets on threads of its own). Not thread-safe.
class FdLeakCheck {
 public:
  FdLeakCheck();
  // "7 -> socket:[123]" a line; empty: none.
  std::string Leaked() const;

 private:
  std::set<int> before_;
};

}  // namespace dmaheap

#endif  // CLIENT_TESTING_FD_LEAK_CHECK_H_
