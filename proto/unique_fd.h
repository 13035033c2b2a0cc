// The only type that owns a file descriptor.
//
// Move-only; closes on destruction. Take() gives ownership away, get() lends the number, Dup()
// makes a second owner. Not thread-safe, as an int is not.

#ifndef PROTO_UNIQUE_FD_H_
#define PROTO_UNIQUE_FD_H_

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace dmaheap {

class UniqueFd {
 public:
  UniqueFd() = default;
  // Takes ownership of fd; a negative number owns nothing.
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Take()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(other.Take());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

  // The caller owns the number from now on.
  [[nodiscard]] int Take() { return std::exchange(fd_, -1); }

  // close(2) is not repeated after EINTR: Linux has released the number by then.
  void Reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

  // A second owner of the same open file, O_CLOEXEC. Invalid, with errno set, where there is no
  // number left (EMFILE).
  UniqueFd Dup() const { return UniqueFd(fcntl(fd_, F_DUPFD_CLOEXEC, 0)); }

 private:
  int fd_ = -1;
};

}  // namespace dmaheap

#endif  // PROTO_UNIQUE_FD_H_
