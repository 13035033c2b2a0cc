// A page of memory that is not there until a test brings it: who touches it waits, and the kernel
// too, with whatever lock it holds then.
//
// By userfaultfd(2). Any user can do the same with a file of his own in a FUSE mount, mapped.

#ifndef HEAPS_TESTING_ABSENT_PAGE_H_
#define HEAPS_TESTING_ABSENT_PAGE_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class AbsentPage {
 public:
  // Errors carry the errno: EPERM or ENOENT where this machine lets nobody answer the faults of the
  // kernel.
  static absl::StatusOr<std::unique_ptr<AbsentPage>> Make();

  AbsentPage(const AbsentPage&) = delete;
  AbsentPage& operator=(const AbsentPage&) = delete;
  // Nobody may wait for it any more.
  ~AbsentPage();

  const void* address() const { return page_; }

  // Returns when somebody waits for it. ETIMEDOUT: nobody did, for a time that is far too long.
  absl::Status AwaitWaiter() const;

  // Whoever waits goes on.
  void Bring();

 private:
  AbsentPage() = default;

  UniqueFd faults_;
  void* page_ = nullptr;
};

}  // namespace dmaheap

#endif  // HEAPS_TESTING_ABSENT_PAGE_H_
