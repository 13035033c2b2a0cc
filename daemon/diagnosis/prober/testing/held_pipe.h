// A pipe whose lock somebody holds for as long as a test likes.
//
// A write(2) copies its bytes under the pipe's lock (fs/pipe.c, pipe_write). Where they lie in a
// page that is not there (heaps/testing/absent_page.h), everybody who wants the lock waits, in a
// sleep that no signal ends.

#ifndef DAEMON_DIAGNOSIS_PROBER_TESTING_HELD_PIPE_H_
#define DAEMON_DIAGNOSIS_PROBER_TESTING_HELD_PIPE_H_

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "heaps/testing/absent_page.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class HeldPipe {
 public:
  // Takes the lock of the FIFO at that path, with a thread of its own. Errors carry the errno, also
  // where this machine has no absent pages.
  static absl::StatusOr<std::unique_ptr<HeldPipe>> Take(const std::string& fifo);

  HeldPipe(const HeldPipe&) = delete;
  HeldPipe& operator=(const HeldPipe&) = delete;
  // Releases it too.
  ~HeldPipe() { Release(); }

  void Release();

 private:
  HeldPipe(std::unique_ptr<AbsentPage> page, UniqueFd pipe)
      : page_(std::move(page)), pipe_(std::move(pipe)) {}

  std::unique_ptr<AbsentPage> page_;
  UniqueFd pipe_;
  std::thread writer_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_TESTING_HELD_PIPE_H_
