#include "daemon/diagnosis/prober/testing/held_pipe.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// A part of a page of any size.
constexpr size_t kWritten = 64;

}  // namespace

absl::StatusOr<std::unique_ptr<HeldPipe>> HeldPipe::Take(const std::string& fifo) {
  absl::StatusOr<std::unique_ptr<AbsentPage>> page = AbsentPage::Make();
  if (!page.ok()) return page.status();
  UniqueFd pipe(open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!pipe.valid()) return ErrnoStatus(errno, absl::StrCat("opening ", fifo));
  std::unique_ptr<HeldPipe> held(new HeldPipe(*std::move(page), std::move(pipe)));
  held->writer_ = std::thread([pipe = held->pipe_.get(), bytes = held->page_->address()] {
    // A signal would have it ask for the page again and again.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    // The bytes do not matter, nor how many went.
    if (write(pipe, bytes, kWritten) < 0) return;
  });
  // Who waits for a page of his write has the lock.
  if (absl::Status status = held->page_->AwaitWaiter(); !status.ok()) return status;
  return held;
}

void HeldPipe::Release() {
  if (!writer_.joinable()) return;
  page_->Bring();
  writer_.join();
}

}  // namespace dmaheap
