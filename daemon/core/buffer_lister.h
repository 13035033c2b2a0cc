// A look at every buffer of the machine, whoever made it: the prober's.

#ifndef DAEMON_CORE_BUFFER_LISTER_H_
#define DAEMON_CORE_BUFFER_LISTER_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "daemon/core/unwatched.h"

namespace dmaheap {

class BufferLister {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<BufferListing>)>;

  virtual ~BufferLister() = default;

  // Calls done once, as a task, within seconds: a look that begins after this call, or why there is
  // none (FAILED_PRECONDITION: there is no prober). Inside tasks only.
  virtual void List(Done done) = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_BUFFER_LISTER_H_
