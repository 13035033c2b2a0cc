#include "heaps/testing/absent_page.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "proto/errno_status.h"

namespace dmaheap {
namespace {

constexpr int kFarTooLongMilliseconds = 10000;

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

uffdio_range RangeOf(const void* page) {
  return {.start = reinterpret_cast<uintptr_t>(page), .len = PageBytes()};
}

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

absl::StatusOr<std::unique_ptr<AbsentPage>> AbsentPage::Make() {
  std::unique_ptr<AbsentPage> absent(new AbsentPage());
  absent->faults_ = OpenFaults();
  if (!absent->faults_.valid()) return ErrnoStatus(errno, "userfaultfd");
  uffdio_api api = {.api = UFFD_API, .features = 0, .ioctls = 0};
  if (ioctl(absent->faults_.get(), UFFDIO_API, &api) != 0) return ErrnoStatus(errno, "UFFDIO_API");
  void* page = mmap(nullptr, PageBytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                    /*fd=*/-1, 0);
  if (page == MAP_FAILED) return ErrnoStatus(errno, "mmap");
  absent->page_ = page;
  uffdio_register watched = {};
  watched.range = RangeOf(page);
  watched.mode = UFFDIO_REGISTER_MODE_MISSING;
  if (ioctl(absent->faults_.get(), UFFDIO_REGISTER, &watched) != 0) {
    return ErrnoStatus(errno, "UFFDIO_REGISTER");
  }
  return absent;
}

absl::Status AbsentPage::AwaitWaiter() const {
  pollfd told = {.fd = faults_.get(), .events = POLLIN, .revents = 0};
  const int ready = poll(&told, 1, kFarTooLongMilliseconds);
  if (ready < 0) return ErrnoStatus(errno, "poll");
  if (ready == 1 && (told.revents & POLLIN) != 0) return absl::OkStatus();
  return ErrnoStatus(ETIMEDOUT, "waiting for somebody to touch the page");
}

void AbsentPage::Bring() {
  uffdio_zeropage zero = {};
  zero.range = RangeOf(page_);
  // Closing it brings the page too: the fault then goes the kernel's own way.
  if (ioctl(faults_.get(), UFFDIO_ZEROPAGE, &zero) != 0) faults_.Reset();
}

AbsentPage::~AbsentPage() {
  if (page_ != nullptr) munmap(page_, PageBytes());
}

}  // namespace dmaheap
