// A keeper that is one map: keeps duplicates by name, and fails when told to. One thread.

#ifndef DAEMON_CORE_TESTING_FAKE_FD_STORE_H_
#define DAEMON_CORE_TESTING_FAKE_FD_STORE_H_

#include <cerrno>
#include <map>
#include <string>

#include "daemon/core/fd_store.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class FakeFdStore : public FdStore {
 public:
  // The n-th Store from now on (from 1) fails; 0: none.
  void FailStore(int nth) { fail_in_ = nth; }

  absl::Status Store(absl::string_view name, int fd) override {
    if (fail_in_ > 0 && --fail_in_ == 0) return ErrnoStatus(EAGAIN, "fake store");
    UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy.valid()) return ErrnoStatus(errno, "fcntl");
    kept_[std::string(name)] = std::move(copy);
    return absl::OkStatus();
  }
  absl::Status Remove(absl::string_view name) override {
    kept_.erase(std::string(name));
    return absl::OkStatus();
  }

  bool Has(const std::string& name) const { return kept_.count(name) > 0; }
  size_t size() const { return kept_.size(); }
  // A duplicate, as a successor gets it.
  UniqueFd Copy(const std::string& name) const {
    return UniqueFd(fcntl(kept_.at(name).get(), F_DUPFD_CLOEXEC, 0));
  }

 private:
  int fail_in_ = 0;
  std::map<std::string, UniqueFd> kept_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_FAKE_FD_STORE_H_
