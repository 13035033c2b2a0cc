#include "daemon/diagnosis/prober/testing/held_pipe.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// The kernel's pages are of this size or a multiple, and a part of one is enough.
constexpr size_t kWritten = 64;
constexpr int kFaultMilliseconds = 10000;

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

// Of all faults, those of the kernel among them: by privilege, or by the node that gives it.
UniqueFd OpenFaults() {
  UniqueFd faults(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)));
#ifdef USERFAULTFD_IOC_NEW
  if (!faults.valid()) {
    const UniqueFd node(open("/dev/userfaultfd", O_RDWR | O_CLOEXEC));
    if (node.valid()) {
      faults.Reset(ioctl(node.get(), USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK));
    }
  }
#endif
  return faults;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HeldPipe>> HeldPipe::Take(const std::string& fifo) {
  std::unique_ptr<HeldPipe> held(new HeldPipe());
  held->faults_ = OpenFaults();
  if (!held->faults_.valid()) return ErrnoStatus(errno, "userfaultfd");
  uffdio_api api = {.api = UFFD_API, .features = 0, .ioctls = 0};
  if (ioctl(held->faults_.get(), UFFDIO_API, &api) != 0) return ErrnoStatus(errno, "UFFDIO_API");
  void* page = mmap(nullptr, PageBytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                    /*fd=*/-1, 0);
  if (page == MAP_FAILED) return ErrnoStatus(errno, "mmap");
  held->page_ = page;
  uffdio_register range = {};
  range.range = {.start = reinterpret_cast<uintptr_t>(page), .len = PageBytes()};
  range.mode = UFFDIO_REGISTER_MODE_MISSING;
  if (ioctl(held->faults_.get(), UFFDIO_REGISTER, &range) != 0) {
    return ErrnoStatus(errno, "UFFDIO_REGISTER");
  }
  held->pipe_.Reset(open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!held->pipe_.valid()) return ErrnoStatus(errno, absl::StrCat("opening ", fifo));
  held->writer_ = std::thread([pipe = held->pipe_.get(), page] {
    // A signal would have it ask for the page again and again.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    // The bytes do not matter, nor how many went.
    if (write(pipe, page, kWritten) < 0) return;
  });
  // The fault is told when the writer waits for its page, and so holds the lock.
  pollfd told = {.fd = held->faults_.get(), .events = POLLIN, .revents = 0};
  if (poll(&told, 1, kFaultMilliseconds) != 1 || (told.revents & POLLIN) == 0) {
    return ErrnoStatus(ETIMEDOUT, "waiting for the writer's fault");
  }
  return held;
}

void HeldPipe::Release() {
  if (!writer_.joinable()) return;
  uffdio_zeropage zero = {};
  zero.range = {.start = reinterpret_cast<uintptr_t>(page_), .len = PageBytes()};
  // Closing it brings the page too: the fault then goes the kernel's own way.
  if (ioctl(faults_.get(), UFFDIO_ZEROPAGE, &zero) != 0) faults_.Reset();
  writer_.join();
}

HeldPipe::~HeldPipe() {
  Release();
  if (page_ != nullptr) munmap(page_, PageBytes());
}

}  // namespace dmaheap
