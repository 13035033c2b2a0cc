// A pipe whose lock somebody holds for as long as a test likes.
//
// A write(2) copies its bytes under the pipe's lock (fs/pipe.c, pipe_write). Where they lie in a
// page that is not there, it waits for whoever brings the page, and with userfaultfd(2) that is
// this test: everybody who wants the lock then waits in a sleep that no signal ends. Any user can
// do the same with a file of his own in a FUSE mount, mapped.

#ifndef DAEMON_DIAGNOSIS_PROBER_TESTING_HELD_PIPE_H_
#define DAEMON_DIAGNOSIS_PROBER_TESTING_HELD_PIPE_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class HeldPipe {
 public:
  // Takes the lock of the FIFO at that path, with a thread of its own. Errors carry the errno:
  // EPERM or ENOENT where this machine lets nobody answer the faults of the kernel.
  static absl::StatusOr<std::unique_ptr<HeldPipe>> Take(const std::string& fifo);

  HeldPipe(const HeldPipe&) = delete;
  HeldPipe& operator=(const HeldPipe&) = delete;
  // Releases it too.
  ~HeldPipe();

  void Release();

 private:
  HeldPipe() = default;

  UniqueFd faults_;
  UniqueFd pipe_;
  void* page_ = nullptr;
  std::thread writer_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_TESTING_HELD_PIPE_H_
