// A place outside this process that keeps fds for it, so that they survive it: the keeper.

#ifndef DAEMON_CORE_FD_STORE_H_
#define DAEMON_CORE_FD_STORE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace dmaheap {

class FdStore {
 public:
  virtual ~FdStore() = default;

  // Keeps a duplicate of fd (borrowed) under name. A successor of this process gets it back by it.
  virtual absl::Status Store(absl::string_view name, int fd) = 0;

  // Lets go of what is kept under name.
  virtual absl::Status Remove(absl::string_view name) = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_FD_STORE_H_
